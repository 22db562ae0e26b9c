import { type Address, type AddressRange, type CidrSet, parseCidr, unionOf } from '../../policy/cidr.ts';
import { CannotTell } from '../../prove/explore.ts';
import type { GeoTable } from './tables.ts';

type Networks = ReadonlyMap<string, string>;

const byNetwork = new WeakMap<GeoTable, Networks>();

/** Values by family, length and first address of a network. Of two such networks the one that stands below counts. */
function networksOf({ title, networks }: GeoTable): Networks {
  return new Map(
    networks.map(({ cidr, value }) => {
      const range = rangeOf(cidr, title);
      return [networkName(range, range.last - range.first + 1n), value];
    }),
  );
}

function rangeOf(cidr: string, title: string): AddressRange {
  const range = parseCidr(cidr);
  if (typeof range === 'string') throw new CannotTell(`${title} has "${cidr}"`);
  return range;
}

const sets = new WeakMap<GeoTable, readonly CidrSet[]>();

/** The networks of a table, each as a set. */
export function setsIn(table: GeoTable): readonly CidrSet[] {
  const found = sets.get(table) ?? table.networks.map(({ cidr }) => unionOf([rangeOf(cidr, table.title)]));
  sets.set(table, found);
  return found;
}

function networkName({ family, first }: Pick<AddressRange, 'family' | 'first'>, size: bigint): string {
  return `${family} ${first} ${size}`;
}

/** The smallest network that holds the address gives the value. */
export function valueIn(table: GeoTable, { family, value }: Address): string {
  const known = byNetwork.get(table) ?? networksOf(table);
  byNetwork.set(table, known);
  for (let size = 1n; size <= 1n << (family === 4 ? 32n : 128n); size *= 2n) {
    const found = known.get(networkName({ family, first: value - (value % size) }, size));
    if (found !== undefined) return found;
  }
  return '';
}
