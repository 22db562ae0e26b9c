import {
  CALLER,
  type Draft,
  type DraftGroup,
  type DraftItem,
  DraftSets,
  freeName,
  type Imported,
  type ImportFile,
  type ImportProblem,
  identifierOf,
  type NotCarried,
  REFUSED_BY_EVERY_SPEC,
  USUAL_METHODS,
} from '../../import/draft.ts';
import { isEverybody, toCidrs } from '../../policy/cidr.ts';
import { nameProblem } from '../../policy/domains.ts';
import { grouped } from '../../policy/grouped.ts';
import { accessOfSite, isDeciding, type SiteAccess, type Way } from './importSite.ts';
import { caddyTree, type Written } from './importTree.ts';

/** Returns a spec that allows no more than some Caddyfiles. */
export function importCaddyfile(files: readonly ImportFile[]): Imported | ImportProblem {
  const sites: Written[] = [];
  for (const file of files) {
    const tree = caddyTree(file);
    if ('problem' in tree) return tree;
    sites.push(...tree);
  }
  const options = sites.filter(({ words }) => words.length === 0).flatMap(({ block = [] }) => block);
  const order = options.find(({ words: [option, directive = ''] }) => option === 'order' && isDeciding(directive));
  const bind = options.find(({ words: [option] }) => option === 'default_bind');
  if (order)
    return { file: order.file, line: order.line, problem: `it decides otherwise by "order ${order.words[1]}"` };
  const read = sites.map((site) => ({ site, access: accessAt(site, bind) }));
  const making = new Making(
    read.flatMap(({ site, access }) => {
      const addresses = addressesIn(site).map(addressOf);
      return access.ways.length === 0 ? addresses : addresses.filter((address) => !address);
    }),
    bind,
  );
  for (const { site, access } of read) making.add(site, access);
  if (making.proxies.length === 0)
    return {
      file: files[0]?.name ?? '',
      line: 1,
      problem: 'no site of it forwards anything that a spec can allow',
      reasons: making.notCarriedOver,
    };
  return { draft: making.draft(), notCarriedOver: making.notCarriedOver };
}

/** Returns what a site lets through; nothing where it listens as no proxy can. */
function accessAt(site: Written, usual: Written | undefined): SiteAccess {
  const access = accessOfSite(site);
  if (addressBound(site, usual) !== 'several' || access.ways.length === 0) return access;
  const reason = 'it listens on some addresses of the machine, and a proxy on one IPv4 address or on all';
  const lost = { file: site.file, line: site.line, what: 'site', reason };
  return { ...access, ways: [], notCarriedOver: [...access.notCarriedOver, lost] };
}

/** Returns the one address that a site listens on; `undefined` for all. */
function addressBound({ block }: Written, usual: Written | undefined): string | 'several' | undefined {
  const bind = block?.find(({ words: [name] }) => name === 'bind') ?? usual;
  const [address, ...others] = bind?.words.slice(1) ?? [];
  const isOne = address === undefined || (others.length === 0 && /^\d+(?:\.\d+){3}$/.test(address));
  return isOne ? address : 'several';
}

const METHOD = /^[A-Z][A-Z0-9-]*$/;

interface Address {
  readonly host: string;
  readonly port: number;
}

class Making {
  readonly proxies: DraftItem[] = [];
  readonly notCarriedOver: NotCarried[] = [];
  readonly #taken = new Set<string>();
  readonly #upstreams = new Map<string, DraftItem>();
  readonly #ranges = new DraftSets();
  readonly #groups: DraftGroup[] = [];
  readonly #sockets = new Set<string>();
  #keyed = false;
  /** Addresses for which there is no proxy; `undefined` for one that no spec can have. */
  readonly #without: readonly (Address | undefined)[];

  /** Says where sites listen that say nothing about it. */
  readonly #bind: Written | undefined;

  constructor(without: readonly (Address | undefined)[], bind: Written | undefined) {
    this.#without = without;
    this.#bind = bind;
  }

  add(site: Written, access: SiteAccess): void {
    const lose = (at: Written, what: string, reason: string) =>
      void this.notCarriedOver.push({ file: at.file, line: at.line, what, reason });
    if (site.words.length === 0) {
      for (const one of site.block ?? []) lose(one, one.words[0] ?? 'option', 'the server itself is no part of a spec');
      return;
    }
    this.notCarriedOver.push(...access.notCarriedOver);
    if (access.ways.length === 0) return;
    const known = addressesIn(site).flatMap((text): Address[] => {
      const address = addressOf(text);
      const problem = this.#addressProblem(address);
      if (address && problem === undefined) return [address];
      lose(site, 'site', problem ?? '');
      return [];
    });
    if (known.length === 0) return;
    if (known.some(({ port }) => port === 443))
      lose(
        site,
        'tls',
        'Caddy gets certificates by itself: a proxy is given files under tls, or something in front ends TLS',
      );
    const address = addressBound(site, this.#bind);
    const groups = this.#groupsOf(access.ways);
    const ranges = this.#rangeNames(access, site, lose);
    for (const [port, own] of grouped(known, (one) => one.port)) {
      const hosts = own.flatMap(({ host }) => (host === '' ? [] : [host]));
      for (const { host } of own) this.#sockets.add(`${port} ${host}`);
      const id = freeName(identifierOf(hosts[0] ?? 'api', 'api'), this.#taken);
      const isNamed = hosts.length === own.length;
      const value = {
        listen: typeof address === 'string' ? `${address}:${port}` : port,
        ...(isNamed && { hosts }),
        ipRanges: ranges,
        routes: groups,
        methodNotAllowed: 404,
      };
      this.proxies.push({ id, notes: [`${site.file}:${site.line}`], value });
    }
  }

  #addressProblem(address: Address | undefined): string | undefined {
    if (!address) return 'its address is no whole name with a port';
    if (this.#sockets.has(`${address.port} ${address.host}`)) return 'its address has a site already';
    const isTaken = this.#without.some((other) => !other || (other.port === address.port && other.host !== ''));
    return address.host === '' && isTaken
      ? 'without a name it would also take what is for a site of which nothing is carried over'
      : undefined;
  }

  #groupsOf(ways: readonly Way[]): string[] {
    const same = grouped(ways, ({ upstream, keyed }) => JSON.stringify([upstream, keyed]));
    return [...same.values()].flatMap((own) => {
      const [first] = own;
      if (!first) return [];
      const upstream = this.#upstream(first);
      const id = freeName(first.keyed ? `${upstream}-keyed` : `${upstream}-open`, this.#taken);
      this.#keyed ||= first.keyed;
      const requests = new Map<string, string>();
      for (const { patterns, methods = USUAL_METHODS, at } of own)
        for (const pattern of patterns) {
          const listed = methods.filter(
            (method) => METHOD.test(method) && !(method === 'HEAD' && methods.includes('GET')),
          );
          if (listed.length > 0) requests.set(`${listed.join()} ${pattern}`, `${at.file}:${at.line}`);
        }
      const allow = [...requests].map(([request, note]) => ({ request, notes: [note] }));
      if (allow.length === 0) return [];
      this.#groups.push({ id, upstream, ...(first.keyed ? {} : { auth: 'passthrough' as const }), allow });
      return [id];
    });
  }

  #upstream({ upstream: { url, servers }, at }: Way): string {
    const key = JSON.stringify([url, servers]);
    const known = this.#upstreams.get(key);
    if (known) return known.id;
    const name = /\/\/([^.:]+)/.exec(url)?.[1] ?? '';
    const id = freeName(identifierOf(name, 'upstream'), this.#taken);
    this.#upstreams.set(key, {
      id,
      notes: [`${at.file}:${at.line}`],
      value: { url, ...(servers.length > 0 && { servers }) },
    });
    return id;
  }

  #rangeNames(
    { ranges }: SiteAccess,
    site: Written,
    lose: (at: Written, what: string, reason: string) => void,
  ): 'any' | readonly string[] {
    if (!ranges || isEverybody(ranges)) {
      lose(site, 'site', 'it names no client addresses, so that everybody may connect: name them under ipRanges');
      return 'any';
    }
    return [this.#ranges.referenceTo(toCidrs(ranges))];
  }

  draft(): Draft {
    return {
      name: 'imported',
      head: [
        'Imported from a Caddyfile. It allows nothing that the configuration refused or sent elsewhere.',
        `${REFUSED_BY_EVERY_SPEC}; a path is compared with its case.`,
      ],
      ipRanges: this.#ranges.items,
      upstreams: [...this.#upstreams.values()],
      routes: this.#groups,
      apiKeys: this.#keyed ? [CALLER] : [],
      proxies: this.proxies,
      targets: [{ id: 'caddy', value: {} }],
    };
  }
}

/** The addresses of a site; none for the options of the server. */
function addressesIn({ words }: Written): string[] {
  return words.flatMap((word) => word.split(',')).filter((word) => word !== '');
}

function addressOf(text: string): Address | undefined {
  const [whole, scheme, host = '', port] = /^(?:(https?):\/\/)?([A-Za-z0-9.-]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const name = host.toLowerCase();
  const number = port === undefined ? (scheme === 'http' ? 80 : 443) : Number(port);
  const isName = name === '' || (nameProblem(name) === undefined && !/^[\d.]+$/.test(name));
  if (whole === undefined || whole === '' || !isName || number < 1 || number > 65535) return undefined;
  return { host: name, port: number };
}
