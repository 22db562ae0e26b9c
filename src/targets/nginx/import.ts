import {
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
} from '../../import/draft.ts';
import { type CidrSet, isEverybody, isWithin, parseCidr, subtract, toCidrs, unionOf } from '../../policy/cidr.ts';
import { grouped } from '../../policy/grouped.ts';
import { type AnswerFound, accessOfServer, type Carried, forwardingKey, identityOf } from './importAccess.ts';
import { type Facts, factsOf, type KeyMap } from './importFacts.ts';
import { Listeners } from './importListen.ts';
import { ServerNames } from './importNames.ts';
import { proxyItem } from './importServer.ts';
import { lostSettings } from './importSettings.ts';
import { nginxTree, type Written } from './importTree.ts';
import { upstreamItem } from './importUpstream.ts';

/**
 * Returns a spec that allows no more than a configuration of nginx, which is given as files or as the output of `nginx
 * -T`.
 */
export function importNginx(files: readonly ImportFile[]): Imported | ImportProblem {
  const tree = nginxTree(files);
  if ('problem' in tree) return tree;
  const http = tree.directives.find(({ name }) => name === 'http') ?? { ...OUTSIDE, block: tree.directives };
  const facts = factsOf(http.block ?? []);
  const servers = (http.block ?? []).filter(({ name, block }) => name === 'server' && block);
  const builder = new DraftBuilder(facts, http, servers);
  for (const server of servers) builder.add(server);
  const notCarriedOver = [...tree.notCarriedOver, ...builder.notCarriedOver, ...lostSettings(http, servers)];
  if (builder.proxies.length === 0)
    return {
      file: files[0]?.name ?? '',
      line: 1,
      problem: 'no server of it forwards anything that a spec can allow',
      reasons: sorted([...notCarriedOver, ...builder.idle]),
    };
  return { draft: builder.draft(), notCarriedOver: sorted(notCarriedOver) };
}

/** Stands for the `http` block where files have only what stands inside of one. */
const OUTSIDE: Written = { name: 'http', args: [], file: '', line: 1 };

function sorted(all: readonly NotCarried[]): NotCarried[] {
  const key = ({ file, what, reason }: NotCarried) => `${file}\0${what}\0${reason}`;
  const once = new Map(all.toReversed().map((one) => [`${one.line}\0${key(one)}`, one]));
  return [...once.values()].sort((a, b) =>
    a.file === b.file ? a.line - b.line || (key(a) < key(b) ? -1 : 1) : a.file < b.file ? -1 : 1,
  );
}

const rangeOf = (text: string) => {
  const range = parseCidr(text);
  return unionOf(typeof range === 'string' ? [] : [range]);
};
const FAMILIES = ['0.0.0.0/0', '::/0'].map(rangeOf);
/** Addresses of many machines at once, which no client has. */
const GROUPS = unionOf(['224.0.0.0/4', 'ff00::/8'].flatMap((text) => rangeOf(text).ranges));

/** Collects the entries of a spec, server by server. */
class DraftBuilder {
  readonly proxies: DraftItem[] = [];
  readonly notCarriedOver: NotCarried[] = [];
  /** The servers that forward nothing, which is worth a word only where all are such. */
  readonly idle: NotCarried[] = [];
  readonly #facts: Facts;
  readonly #http: Written;
  readonly #names: ServerNames;
  #version: string | undefined;
  readonly #taken = new Set<string>();
  readonly #ranges = new DraftSets();
  readonly #upstreams = new Map<string, DraftItem>();
  readonly #groups: DraftGroup[] = [];
  readonly #keys = new Map<string, { readonly map: KeyMap; readonly groups: string[]; token: string }>();

  constructor(facts: Facts, http: Written, servers: readonly Written[]) {
    this.#facts = facts;
    this.#http = http;
    this.#names = new ServerNames(new Listeners(servers));
  }

  add(server: Written): void {
    const access = accessOfServer(server, this.#http, this.#facts);
    this.notCarriedOver.push(...access.notCarriedOver);
    if (access.carried.length === 0) {
      const { file, line } = server;
      this.idle.push({ file, line, what: 'server', reason: 'it forwards nothing that a spec can allow' });
      return;
    }
    const named = this.#names.of(server);
    this.notCarriedOver.push(...named.notCarriedOver);
    if ('unreachable' in named) {
      this.#lose(server, 'server', named.unreachable);
      return;
    }
    const ways = grouped(access.carried, ({ forward }) => forwardingKey(forward));
    const groups = [...ways.values()].map((carried) => this.#group(carried));
    const ranges = this.#rangeNames(access.ranges, server);
    const keys = access.carried.flatMap(({ forward }) => (forward.keys ? [forward.keys] : []));
    const [first] = keys;
    if (first && keys.some(({ header }) => header.toLowerCase() !== first.header.toLowerCase()))
      this.#lose(first.at, 'keys', 'one proxy reads keys from one header');
    const isAsked = ({ keys: asked }: AnswerFound) =>
      !asked || keys.some(({ variable }) => variable === asked.variable);
    for (const { at, pattern } of access.answers.filter((one) => !isAsked(one)))
      this.#lose(at, `location = ${pattern}`, 'it asks for a key that no route of the server asks for');
    const { item, notCarriedOver, version } = proxyItem(server, {
      names: named.names,
      http: this.#http,
      ranges,
      groups,
      answers: access.answers.filter(isAsked),
      keys: first,
    });
    this.notCarriedOver.push(...notCarriedOver);
    this.#version ??= version;
    this.proxies.push({ ...item, id: freeName(item.id, this.#taken) });
  }

  #group(carried: readonly Carried[]): string {
    const [first] = carried;
    if (!first) throw new Error('a group without requests');
    const { keys } = first.forward;
    const upstream = this.#upstream(first);
    const id = freeName(keys ? upstream : `${upstream}-open`, this.#taken);
    const entries = grouped(carried, ({ entry }) => entry.request);
    const allow = [...entries.values()].flatMap(([one, ...others]) =>
      one
        ? [{ ...one.entry, notes: [...(one.entry.notes ?? []), ...others.flatMap(({ entry }) => entry.notes ?? [])] }]
        : [],
    );
    this.#groups.push({ id, upstream, ...(keys ? {} : { auth: 'passthrough' as const }), allow });
    if (keys) {
      const known = this.#keys.get(keys.variable) ?? { map: keys, groups: [], token: '' };
      known.groups.push(id);
      this.#keys.set(keys.variable, known);
    }
    return id;
  }

  #upstream(carried: Carried): string {
    const key = JSON.stringify([carried.origin, identityOf(carried.forward)]);
    const known = this.#upstreams.get(key);
    if (known) return known.id;
    const { item, notCarriedOver } = upstreamItem(carried, this.#facts);
    this.notCarriedOver.push(...notCarriedOver);
    const named = { ...item, id: freeName(item.id, new Set([...this.#upstreams.values()].map(({ id }) => id))) };
    this.#upstreams.set(key, named);
    return named.id;
  }

  #rangeNames(ranges: CidrSet | undefined, server: Written): 'any' | readonly string[] {
    if (!ranges || isEverybody(ranges)) {
      this.#lose(
        server,
        'server',
        'it names no client addresses, so that everybody may connect: name them under ipRanges',
      );
      return 'any';
    }
    if (FAMILIES.some((family) => isWithin(family, ranges)))
      this.#lose(server, 'server', 'it admits every address of IPv4 or of IPv6: name those that are meant');
    // No client has an address of many machines, and a spec has no list of all addresses of a family.
    const cidrs = toCidrs(subtract(ranges, GROUPS)).map((cidr) => cidr.replace(/(?<=\.\d+)\/32$|\/128$/, ''));
    return [this.#ranges.referenceTo(cidrs)];
  }

  #lose(at: Written, what: string, reason: string): void {
    this.notCarriedOver.push({ file: at.file, line: at.line, what, reason });
  }

  #apiKeys(): DraftItem[] {
    return [...this.#keys.values()].flatMap(({ map, groups }): DraftItem[] => {
      const count = Math.max(1, map.entries.length);
      const variable = identifierOf(map.variable, 'key').toUpperCase().replaceAll('-', '_');
      return Array.from({ length: count }, (_, index) => {
        const entry = map.entries[index];
        const number = count === 1 ? '' : `_${index + 1}`;
        const where = entry
          ? `${entry.at.file}:${entry.at.line}`
          : `${map.at.file}:${map.at.line}, which lists no key here`;
        return {
          id: freeName(count === 1 ? 'caller' : `caller-${index + 1}`, this.#taken),
          notes: [`${where}; the key itself is not copied, put it where the reference points to`],
          value: {
            key: `env:POSTERN_KEY_${variable}${number}`,
            token: `env:POSTERN_TOKEN_${variable}${number}`,
            routes: groups,
          },
        };
      });
    });
  }

  draft(): Draft {
    return {
      name: 'imported',
      head: [
        'Imported from nginx. It allows nothing that the configuration refused or sent elsewhere.',
        `${REFUSED_BY_EVERY_SPEC}; a key is compared with its case.`,
      ],
      ipRanges: this.#ranges.items,
      upstreams: [...this.#upstreams.values()],
      routes: this.#groups,
      apiKeys: this.#apiKeys(),
      proxies: this.proxies,
      targets: [{ id: 'nginx', value: this.#version === undefined ? {} : { version: this.#version } }],
    };
  }
}
