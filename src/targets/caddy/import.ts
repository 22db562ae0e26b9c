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
  USUAL_METHODS,
} from '../../import/draft.ts';
import { isEverybody, toCidrs } from '../../policy/cidr.ts';
import { nameProblem } from '../../policy/domains.ts';
import { grouped } from '../../policy/grouped.ts';
import { accessOfSite, type SiteAccess, type Way } from './importSite.ts';
import { caddyTree, type Written } from './importTree.ts';

/** Returns a spec that allows no more than some Caddyfiles. */
export function importCaddyfile(files: readonly ImportFile[]): Imported | ImportProblem {
  const making = new Making();
  for (const file of files) {
    const tree = caddyTree(file);
    if ('problem' in tree) return tree;
    for (const site of tree) making.add(site);
  }
  if (making.proxies.length === 0)
    return { file: files[0]?.name ?? '', line: 1, problem: 'no site of it forwards anything that a spec can allow' };
  return { draft: making.draft(), notCarriedOver: making.notCarriedOver };
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

  add(site: Written): void {
    const lose = (at: Written, what: string, reason: string) =>
      void this.notCarriedOver.push({ file: at.file, line: at.line, what, reason });
    if (site.words.length === 0) {
      for (const one of site.block ?? []) lose(one, one.words[0] ?? 'option', 'the server itself is no part of a spec');
      return;
    }
    const access = accessOfSite(site);
    this.notCarriedOver.push(...access.notCarriedOver);
    if (access.ways.length === 0) return;
    const addresses = site.words.flatMap((word) => word.split(',')).filter((word) => word !== '');
    const known = addresses.flatMap((text): Address[] => {
      const address = addressOf(text);
      if (address && !this.#sockets.has(`${address.port} ${address.host}`)) return [address];
      lose(site, 'site', address ? 'its address has a site already' : 'its address is no whole name with a port');
      return [];
    });
    if (known.length === 0) return;
    if (known.some(({ port }) => port === 443))
      lose(
        site,
        'tls',
        'Caddy gets certificates by itself: a proxy is given files under tls, or something in front ends TLS',
      );
    const groups = this.#groupsOf(access.ways);
    const ranges = this.#rangeNames(access, site, lose);
    for (const [port, own] of grouped(known, (one) => one.port)) {
      const hosts = own.flatMap(({ host }) => (host === '' ? [] : [host]));
      for (const { host } of own) this.#sockets.add(`${port} ${host}`);
      const id = freeName(identifierOf(hosts[0] ?? 'api', 'api'), this.#taken);
      const isNamed = hosts.length === own.length;
      const value = {
        listen: port,
        ...(isNamed && { hosts }),
        ipRanges: ranges,
        routes: groups,
        methodNotAllowed: 404,
      };
      this.proxies.push({ id, notes: [`${site.file}:${site.line}`], value });
    }
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
      head: ['Imported from a Caddyfile. It allows nothing that the configuration refused or sent elsewhere.'],
      ipRanges: this.#ranges.items,
      upstreams: [...this.#upstreams.values()],
      routes: this.#groups,
      apiKeys: this.#keyed ? [CALLER] : [],
      proxies: this.proxies,
      targets: [{ id: 'caddy', value: {} }],
    };
  }
}

function addressOf(text: string): Address | undefined {
  const [whole, scheme, host = '', port] = /^(?:(https?):\/\/)?([A-Za-z0-9.-]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const name = host.toLowerCase();
  const number = port === undefined ? (scheme === 'http' ? 80 : 443) : Number(port);
  const isName = name === '' || (nameProblem(name) === undefined && !/^[\d.]+$/.test(name));
  if (whole === undefined || whole === '' || !isName || number < 1 || number > 65535) return undefined;
  return { host: name, port: number };
}
