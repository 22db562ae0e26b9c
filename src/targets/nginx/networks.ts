import { type Address, type AddressRange, parseCidr } from '../../policy/cidr.ts';
import { CannotTell } from '../../prove/explore.ts';
import type { GeoTable } from './tables.ts';

type Networks = ReadonlyMap<string, string>;

const byNetwork = new WeakMap<GeoTable, Networks>();

/** Values by family, length and first address of a network. Of two such networks the one that stands below counts. */
function networksOf({ title, networks }: GeoTable): Networks {
  return new Map(
    networks.map(({ cidr, value }) => {
      const range = parseCidr(cidr);
      if (typeof range === 'string') throw new CannotTell(`${title} has "${cidr}"`);
      return [networkName(range, range.last - range.first + 1n), value];
    }),
  );
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
