import { type Address, type CidrSet, contains, formatAddress } from '../policy/cidr.ts';
import { grouped } from '../policy/grouped.ts';
import type { Proxy } from '../policy/types.ts';
import type { Run } from './explore.ts';

/** Addresses that nobody has told apart so far, of which the first stands for all. */
type Alike = readonly Address[];

interface Group<T> {
  readonly value: T;
  readonly addresses: Alike;
}

/** Where addresses come from. */
export interface Ways {
  readonly proxy: Proxy;
  /** One address of each kind: any set of addresses in spec and files holds all addresses of a kind, or none. */
  readonly addresses: readonly Address[];
  /**
   * Whether the client is the peer of the connection. It is, once it has been proved that file and spec find the same
   * client.
   */
  readonly isDirect: boolean;
  /** Most trusted proxies in a row, the one that connects included. */
  readonly mostTrusted: number;
}

/** Thrown where addresses are told apart by sets whose borders no address stands for. */
export class UnknownSets extends Error {
  readonly sets: readonly CidrSet[];

  constructor(sets: readonly CidrSet[]) {
    super('addresses are told apart by sets that are not known');
    this.sets = sets;
  }
}

/** What a function makes of addresses. */
interface Telling<T> {
  /** The function depends on nothing else. */
  readonly of: object;
  /** The function makes the same of all addresses that the same of these sets hold. */
  readonly sets: readonly CidrSet[];
  readonly valueOf: (address: Address) => T;
}

/**
 * The addresses that a request comes from and through: that of the connection (0), and those in a header, counted from
 * the right. Nothing is decided about them until something looks at them.
 */
export class Hops {
  private readonly run: Run;
  private readonly ways: Ways;

  constructor(run: Run, ways: Ways) {
    this.run = run;
    this.ways = ways;
  }

  /** Whether there is an address. */
  isThere(number: number): boolean {
    return this.addresses(number) !== undefined;
  }

  private addresses(number: number): Alike | undefined {
    if (this.isLookedAt(number)) return this.left(number);
    const { isDirect, addresses, proxy, mostTrusted } = this.ways;
    const { clientIp } = proxy;
    const isEnded = !isDirect && number >= mostTrusted && clientIp.kind === 'header';
    const all = isEnded ? addressesOutside(addresses, clientIp.trusted) : addresses;
    const isNone = number > 0 && this.run.choose(all.length > 0 ? [true, false] : [true]);
    const found = isNone ? undefined : all;
    this.run.notes.set(`hop ${number}`, found);
    return found;
  }

  private isLookedAt(number: number): boolean {
    return this.run.notes.has(`hop ${number}`);
  }

  /** Those that are left; `undefined` where it is no address. */
  private left(number: number): Alike | undefined {
    return this.run.notes.get(`hop ${number}`) as Alike | undefined;
  }

  /**
   * Returns what a function makes of an address, after narrowing the address until it makes the same of all that are
   * left; `undefined` where it is no address.
   */
  tell<T>(number: number, { of, sets, valueOf }: Telling<T>): T | undefined {
    checkKnown(this.ways.addresses, of, sets);
    const addresses = this.addresses(number);
    if (!addresses) return undefined;
    const { value, addresses: left } = this.run.choose(groupsOf(addresses, of, valueOf));
    this.run.notes.set(`hop ${number}`, left);
    return value;
  }

  /** Whether the header spells an IPv4 address as an IPv6 one, such as `0:0:0:0:0:ffff:192.0.2.1`. */
  isSpelledLong(): boolean {
    return this.run.once('long', () => this.run.choose([false, true]));
  }

  /** Says that only a request shows something whose client is not the one that connects. */
  comeThroughProxy(): void {
    this.run.notes.set(THROUGH, true);
  }

  /**
   * Once the client is found: an address of those that may name it, and the header that does, where the header has to
   * spell it as an IPv6 one, or the client may not be the one that connects.
   */
  namedBy(): { readonly peer: Address; readonly header: string } | undefined {
    const { isDirect, addresses, proxy } = this.ways;
    const client = this.peer();
    const isLong = this.run.notes.get('long') === true;
    const isThrough = this.run.notes.get(THROUGH) === true;
    if (!isDirect || proxy.clientIp.kind !== 'header' || !client || !(isLong || isThrough)) return undefined;
    const { trusted } = proxy.clientIp;
    const peer = addresses.find((address) => contains(trusted, address));
    return peer && { peer, header: `${isLong ? LONG : ''}${formatAddress(client)}` };
  }

  /** Returns which of them is the client, as the spec understands it. */
  client(): number {
    const { clientIp } = this.ways.proxy;
    if (this.ways.isDirect || clientIp.kind !== 'header') return 0;
    let number = 0;
    while (this.isIn(number, clientIp.trusted) && this.isThere(number + 1)) number++;
    return number;
  }

  /** How many trusted proxies it comes through, once the client is looked for. */
  trustedBefore(): number {
    const { clientIp } = this.ways.proxy;
    const client = this.client();
    return clientIp.kind === 'header' && this.isIn(client, clientIp.trusted) ? client + 1 : client;
  }

  /** Tells the addresses of the client that a set holds from all others. */
  isIn(number: number, set: CidrSet): boolean {
    return this.tell(number, { of: set, sets: [set], valueOf: (address) => contains(set, address) }) === true;
  }

  /** One of the addresses that the connection may come from. */
  peer(): Address | undefined {
    return this.left(0)?.[0];
  }

  /** What the header holds; nothing where nothing has looked at it. */
  header(): readonly string[] {
    const hops: string[] = [];
    for (let number = 1; this.isLookedAt(number); number++) {
      const address = this.left(number)?.[0];
      const isLong = address?.family === 4 && this.run.notes.get('long') === true;
      hops.unshift(address ? `${isLong ? LONG : ''}${formatAddress(address)}` : 'x');
    }
    return hops;
  }
}

const borders = new WeakMap<Alike, ReadonlySet<string>>();
const checked = new WeakMap<Alike, WeakSet<object>>();

/** Throws where a set would divide addresses that one of them stands for. */
function checkKnown(addresses: Alike, of: object, sets: readonly CidrSet[]): void {
  const known = checked.get(addresses) ?? new WeakSet();
  checked.set(addresses, known);
  if (known.has(of)) return;
  const there = borders.get(addresses) ?? new Set(addresses.map(nameOf));
  borders.set(addresses, there);
  const unknown = sets.filter((set) => !bordersOf(set).every((border) => there.has(nameOf(border))));
  if (unknown.length > 0) throw new UnknownSets(unknown);
  known.add(of);
}

const nameOf = ({ family, value }: Address) => `${family} ${value}`;

const LAST = { 4: (1n << 32n) - 1n, 6: (1n << 128n) - 1n } as const;

/** The addresses from which on a set holds other addresses than before. */
function bordersOf({ ranges }: CidrSet): readonly Address[] {
  return ranges
    .flatMap(({ family, first, last }): Address[] => [
      { family, value: first },
      { family, value: last + 1n },
    ])
    .filter(({ family, value }) => value <= LAST[family]);
}

/** Noted in a run: whether the client is not the one that connects. */
const THROUGH = 'through a proxy';

/** Caddy's tables take the shorter `::ffff:` away. */
const LONG = '0:0:0:0:0:ffff:';

/** More trusted proxies in a row are assumed not to occur. */
export const MOST_TRUSTED = 8;

const outside = new WeakMap<Alike, Alike>();

function addressesOutside(addresses: Alike, trusted: CidrSet): Alike {
  const found = outside.get(addresses) ?? addresses.filter((address) => !contains(trusted, address));
  outside.set(addresses, found);
  return found;
}

const groups = new WeakMap<Alike, WeakMap<object, readonly Group<unknown>[]>>();

function groupsOf<T>(addresses: Alike, of: object, valueOf: (address: Address) => T): readonly Group<T>[] {
  const known = groups.get(addresses) ?? new WeakMap<object, readonly Group<unknown>[]>();
  groups.set(addresses, known);
  const found = known.get(of) ?? alikeBy(addresses, valueOf);
  known.set(of, found);
  // Each object has one function.
  return found as readonly Group<T>[];
}

function alikeBy<T>(addresses: Alike, valueOf: (address: Address) => T): readonly Group<T>[] {
  const found = grouped(addresses, valueOf);
  return [...found].map(([value, own]) => ({ value, addresses: found.size === 1 ? addresses : own }));
}

/** Returns an address between any two borders of some sets: any of these sets holds all addresses around it, or none. */
export function addressKinds(sets: readonly CidrSet[]): Address[] {
  const ends: readonly Address[] = [
    { family: 4, value: 0n },
    { family: 6, value: 0n },
  ];
  return [...new Map([...sets.flatMap(bordersOf), ...ends].map((each) => [nameOf(each), each])).values()];
}
