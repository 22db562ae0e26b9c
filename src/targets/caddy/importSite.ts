import type { NotCarried } from '../../import/draft.ts';
import { type CidrSet, intersect, parseCidr, sameAddresses, unionOf } from '../../policy/cidr.ts';
import { ByRegion, EVERYTHING, isInside, overlap, patternsIn, type Region, regionOf } from './importPaths.ts';
import type { Written } from './importTree.ts';

/** Requests of a site that are forwarded to one upstream. */
export interface Way {
  readonly patterns: readonly string[];
  /** Absent for every method. */
  readonly methods: readonly string[] | undefined;
  readonly upstream: Upstream;
  readonly keyed: boolean;
  readonly at: Written;
}

export interface Upstream {
  readonly url: string;
  readonly servers: readonly string[];
}

export interface SiteAccess {
  readonly ways: readonly Way[];
  /** Absent for everybody. */
  readonly ranges: CidrSet | undefined;
  readonly notCarriedOver: readonly NotCarried[];
}

/** The conditions of a matcher; `unknown` where it has some that a spec cannot express. */
interface Conditions {
  readonly paths: readonly string[] | undefined;
  readonly methods: readonly string[] | undefined;
  readonly ranges: CidrSet | undefined;
  /** Addresses that the matcher excludes. */
  readonly except: CidrSet | undefined;
  readonly unknown: boolean;
}

const ALWAYS: Conditions = {
  paths: undefined,
  methods: undefined,
  ranges: undefined,
  except: undefined,
  unknown: false,
};
const UNKNOWN: Conditions = { ...ALWAYS, unknown: true };

/** A directive that decides about requests of the site, with the conditions under which it does. */
interface Place {
  readonly regions: readonly Region[];
  readonly conditions: Conditions;
  readonly outcome: Upstream | undefined;
  readonly keyed: boolean;
  readonly at: Written;
  /** The groups around it, which decide about their requests through it. */
  readonly inside: readonly Written[];
  /** Why it cannot be carried over, whatever the other directives are. */
  readonly problem?: string;
}

const ANSWERS = [
  'respond',
  'abort',
  'error',
  'redir',
  'file_server',
  'php_fastcgi',
  'handle_path',
  'acme_server',
  'metrics',
];
const REFUSALS = ['respond', 'abort', 'error'];
const CHANGES = ['uri', 'rewrite', 'method', 'try_files', 'vars', 'map', 'invoke'];
/** Directives that decide nothing about where requests go and who may send them. Any other may refuse some. */
const SETTINGS = new Set(
  `bind copy_response copy_response_headers encode fs handle_errors header intercept log log_append log_name log_skip
  metrics push rate_limit request_body request_header root skip_log templates tls tracing`.split(/\s+/),
);
const LOGINS = ['basic_auth', 'basicauth', 'forward_auth'];

/** Returns what a site lets through, and nothing beyond it, with a list of all else in the site. */
export function accessOfSite(site: Written): SiteAccess {
  const walk = new Walk();
  walk.level(site.block ?? [], { conditions: ALWAYS, inside: [], keyed: false, changed: false, stranger: undefined });
  const { places, lost } = walk;
  const ranges = walk.ranges ?? places.find(({ outcome }) => outcome)?.conditions.ranges;
  const byRegion = new ByRegion(places);
  const ways = places.flatMap((place): Way[] => {
    if (!place.outcome) return [];
    const problem = place.problem ?? rivalry(place, byRegion) ?? addresses(place, ranges, walk.ranges !== undefined);
    if (problem === undefined) {
      const { paths, methods } = place.conditions;
      const patterns = (paths ?? ['/*']).flatMap(patternsIn);
      if (paths?.some((path) => /[^/]\*$/.test(path)))
        lost.push(lostAt(place.at, 'only whole segments are taken for its path, not texts that begin like it'));
      if (patterns.length > 0)
        return [{ patterns, methods, upstream: place.outcome, keyed: place.keyed, at: place.at }];
    }
    lost.push(lostAt(place.at, problem ?? 'no pattern says its path'));
    return [];
  });
  return { ways, ranges, notCarriedOver: lost };
}

function lostAt({ file, line, words }: Written, reason: string): NotCarried {
  return { file, line, what: words[0] ?? 'site', reason };
}

/** Returns why another directive may decide about some of these requests; `undefined` where none does. */
function rivalry(place: Place, all: ByRegion<Place>): string | undefined {
  const rival = all
    .around(place.regions)
    .find(
      (other) =>
        other !== place &&
        !place.inside.includes(other.at) &&
        meets(other, place) &&
        !sameOutcome(other, place) &&
        !wins(place, other),
    );
  return rival && `line ${rival.at.line} decides about some of its requests otherwise: list the paths that are meant`;
}

/** Caddy's own order of the directives that answer; of others, none is known to come first. */
const ORDER = `redir handle route abort error respond metrics reverse_proxy php_fastcgi file_server acme_server`.split(
  ' ',
);

/** Returns the place of a directive in Caddy's order; `handle_path` counts as `handle`. */
const rankOf = ({ words: [name = ''] }: Written) => ORDER.indexOf(name.replace(/_path$/, ''));

/**
 * Returns whether a directive is certain to come before another. Caddy sorts directives by what they are, then those
 * that have only a path, longest path first; within `route`, and for `redir`, the first in the file decides.
 */
function wins(place: Place, other: Place): boolean {
  const [own, rival] = [place, other].map(({ inside, at }) => [...inside, at]);
  const level = own?.findIndex((one, index) => one !== rival?.[index]) ?? -1;
  const [a, b] = [own?.[level], rival?.[level]];
  const inRoute = [...place.inside, ...other.inside].some(({ words: [name] }) => name === 'route');
  if (!a || !b || inRoute) return false;
  if (rankOf(a) !== rankOf(b)) return rankOf(a) < rankOf(b) && rankOf(a) >= 0;
  const { methods, ranges, except, unknown } = other.conditions;
  const isSorted = !methods && !ranges && !except && !unknown && b.words[0] !== 'redir';
  const isNarrower = other.regions.every((outer) => place.regions.every((inner) => isInside(inner, outer)));
  return isSorted && isNarrower && place.regions.length === 1;
}

function sameOutcome(a: Place, b: Place): boolean {
  return JSON.stringify([a.outcome, a.keyed]) === JSON.stringify([b.outcome, b.keyed]) && a.outcome !== undefined;
}

function meets(a: Place, b: Place): boolean {
  const [left, right] = [a.conditions.methods, b.conditions.methods];
  const isApart = left && right && !a.conditions.unknown && !left.some((method) => right.includes(method));
  return !isApart && a.regions.some((one) => b.regions.some((other) => overlap(one, other)));
}

/**
 * Returns why the addresses of a directive do not fit. A proxy has one list of addresses: that of all its directives,
 * or what refusals leave.
 */
function addresses({ conditions }: Place, ranges: CidrSet | undefined, isSaid: boolean): string | undefined {
  const own = conditions.ranges;
  const isUsual = isSaid ? own === undefined : own === ranges || (own && ranges && sameAddresses(own, ranges));
  return isUsual ? undefined : 'other requests of its site come from other addresses';
}

interface Level {
  readonly conditions: Conditions;
  readonly inside: readonly Written[];
  readonly keyed: boolean;
  readonly changed: boolean;
  /** A directive that may refuse requests in a way that this importer does not know. */
  readonly stranger: Written | undefined;
}

interface Found {
  /** Words after the matcher. */
  readonly words: readonly string[];
  readonly level: Level;
  /** Whether it has a matcher of its own. */
  readonly isOwn: boolean;
  readonly isTop: boolean;
}

class Walk {
  readonly places: Place[] = [];
  readonly lost: NotCarried[] = [];
  /** Addresses that are left by refusals of all others. */
  ranges: CidrSet | undefined;

  level(directives: readonly Written[], outer: Level): void {
    const matchers = new Map(
      directives.flatMap((one) => (one.words[0]?.startsWith('@') ? [[one.words[0], conditionsOf(one)] as const] : [])),
    );
    const names = directives.map(({ words }) => words[0] ?? '');
    const keyed = outer.keyed || names.some((name) => LOGINS.includes(name));
    const changed = outer.changed || names.some((name) => CHANGES.includes(name));
    const stranger = outer.stranger ?? directives.find(isStranger);
    // A refusal after all groups answers the requests that no group matched; beside a `reverse_proxy` it would answer
    // all requests.
    const isRest = !names.includes('reverse_proxy') && outer.inside.at(-1)?.words[0] !== 'route';
    for (const one of directives) {
      const [name = '', ...args] = one.words;
      const [first = ''] = args;
      const isMatcher = /^[@/*]/.test(first);
      const own = !isMatcher ? ALWAYS : first.startsWith('@') ? (matchers.get(first) ?? UNKNOWN) : ofPaths([first]);
      const conditions = both(outer.conditions, own);
      if (isRest && !isMatcher && REFUSALS.includes(name)) continue;
      const rest = isMatcher ? args.slice(1) : args;
      const level = { conditions, inside: outer.inside, keyed, changed, stranger };
      this.#directive(one, { words: rest, level, isOwn: isMatcher, isTop: outer.inside.length === 0 });
    }
  }

  #directive(at: Written, { words, level, isOwn, isTop }: Found): void {
    const [name = ''] = at.words;
    if (name.startsWith('@')) return;
    if (name === 'handle' || name === 'route') {
      // A group decides about all requests that its matcher matches, also about those that nothing in it forwards.
      if (name === 'handle' && isOwn) this.#place(at, level, undefined);
      this.level(at.block ?? [], { ...level, inside: [...level.inside, at] });
    } else if (name === 'reverse_proxy') this.#proxy(at, words, level);
    // It says where the site listens, which its proxy keeps.
    else if (name === 'bind') return;
    else if (!ANSWERS.includes(name)) this.lost.push(lostAt(at, reasonFor(name)));
    else if (!isTop || !REFUSALS.includes(name) || !this.#narrows(level.conditions)) {
      this.lost.push(lostAt(at, 'a spec forwards or refuses; what it allows is none of these requests'));
      this.#place(at, level, undefined);
    }
  }

  /**
   * Reads a refusal of all other addresses, `respond @others 403` with `@others not remote_ip …`, as the list of
   * clients.
   */
  #narrows({ paths, methods, ranges, except, unknown }: Conditions): boolean {
    if (unknown || paths || methods || ranges || !except) return false;
    this.ranges = this.ranges ? intersect(this.ranges, except) : except;
    return true;
  }

  #proxy(at: Written, words: readonly string[], level: Level): void {
    const named = (at.block ?? []).filter((one) => one.words[0] === 'to').flatMap((one) => one.words.slice(1));
    const inner = (at.block ?? []).filter((one) => one.words[0] !== 'to');
    const isTls = inner.some(
      (one) => one.words[0] === 'transport' && one.block?.some(({ words: [word] }) => word === 'tls'),
    );
    // Where names are looked up for each request, or another protocol is spoken, the words say no upstream.
    const isOther = inner.some(
      ({ words: [word, kind] }) => word === 'dynamic' || (word === 'transport' && kind !== 'http'),
    );
    const outcome = isOther ? undefined : upstreamOf([...words, ...named], isTls);
    const changes = inner.find(({ words: [word = ''] }) => ['rewrite', 'method', 'handle_response'].includes(word));
    for (const one of inner)
      if (one !== changes) this.lost.push(lostAt(one, 'the proxy of a spec has its own way with this'));
    const problem = changes
      ? `${changes.words[0]} changes what is asked for, and a spec forwards what it matched`
      : level.changed
        ? 'the path is changed before, and a spec forwards what it matched'
        : level.stranger
          ? `${level.stranger.words[0]} in line ${level.stranger.line} may refuse some of its requests`
          : level.conditions.unknown || level.conditions.except
            ? 'its matcher asks for more than path, method and addresses'
            : undefined;
    if (!outcome) this.lost.push(lostAt(at, 'an upstream is one host over HTTP, or several addresses of one'));
    this.#place(at, level, outcome, problem);
  }

  #place(at: Written, { conditions, inside, keyed }: Level, outcome: Upstream | undefined, problem?: string): void {
    const regions = (conditions.paths ?? ['/*']).map((path) => regionOf(path) ?? EVERYTHING);
    this.places.push({ regions, conditions, outcome, keyed, at, inside, ...(problem !== undefined && { problem }) });
  }
}

const FORWARDS = ['handle', 'route', 'reverse_proxy'];

/** Returns whether a directive of Caddy decides about requests, in an order that this importer relies on. */
export function isDeciding(name: string): boolean {
  return [ANSWERS, CHANGES, LOGINS, FORWARDS].some((names) => names.includes(name));
}

function isStranger({ words: [name = ''], block = [] }: Written): boolean {
  if (name === 'tls') return block.some(({ words: [option] }) => option === 'client_auth');
  return !SETTINGS.has(name) && !isDeciding(name) && !name.startsWith('@');
}

function reasonFor(name: string): string {
  if (LOGINS.includes(name)) return 'callers need a key of the spec instead';
  if (CHANGES.includes(name)) return 'a spec forwards what it matched, so nothing beside this is carried over';
  if (name === 'import') return 'name the file beside this one, or put its lines here';
  return 'it is no part of a spec, or said there in another way';
}

function ofPaths(paths: readonly string[]): Conditions {
  return { ...ALWAYS, paths, unknown: paths.some((path) => regionOf(path) === undefined) };
}

function conditionsOf({ words: [, ...rest], block }: Written): Conditions {
  const lines = block
    ? block.map(({ words, block: inner }) => ({ words, inner }))
    : [{ words: rest, inner: undefined }];
  return lines.reduce<Conditions>((known, { words, inner }) => both(known, conditionOf(words, inner)), ALWAYS);
}

function conditionOf([name = '', ...args]: readonly string[], inner?: readonly Written[]): Conditions {
  if (name === 'path') return ofPaths(args);
  if (name === 'method') return { ...ALWAYS, methods: args.map((method) => method.toUpperCase()) };
  if (name === 'remote_ip' || name === 'client_ip') {
    const ranges = rangesOf(args);
    return ranges ? { ...ALWAYS, ranges } : UNKNOWN;
  }
  if (name !== 'not') return UNKNOWN;
  const [one, ...others] = inner ? inner.map(({ words }) => words) : [args];
  const denied = one && others.length === 0 ? conditionOf(one) : UNKNOWN;
  return denied.ranges && !denied.unknown ? { ...ALWAYS, except: denied.ranges } : UNKNOWN;
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', 'fd00::/8', '::1/128'];

function rangesOf(words: readonly string[]): CidrSet | undefined {
  const parsed = words.flatMap((word) => (word === 'private_ranges' ? PRIVATE : [word])).map((word) => parseCidr(word));
  const ranges = parsed.flatMap((one) => (typeof one === 'string' ? [] : [one]));
  return ranges.length === parsed.length && ranges.length > 0 ? unionOf(ranges) : undefined;
}

/**
 * Returns the conditions that require both. Two lists of paths are more than one matcher can say, unless the inner
 * paths are below the outer ones.
 */
function both(a: Conditions, b: Conditions): Conditions {
  if (a === ALWAYS) return b;
  if (b === ALWAYS) return a;
  const [outer, inner] = [a.paths, b.paths];
  const isBelow = outer && inner?.every((path) => outer.some((whole) => isBelowOf(path, whole)));
  const methods =
    a.methods && b.methods ? a.methods.filter((one) => b.methods?.includes(one)) : (a.methods ?? b.methods);
  return {
    paths: inner ?? outer,
    methods,
    ranges: a.ranges && b.ranges ? intersect(a.ranges, b.ranges) : (a.ranges ?? b.ranges),
    except: a.except ?? b.except,
    unknown: a.unknown || b.unknown || (outer !== undefined && inner !== undefined && !isBelow),
  };
}

function isBelowOf(path: string, whole: string): boolean {
  const [inner, outer] = [regionOf(path), regionOf(whole)];
  return inner !== undefined && outer !== undefined && (path === whole || isInside(inner, outer));
}

const SERVER = /^(?:(https?):\/\/)?([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/;

function upstreamOf(words: readonly string[], isTls: boolean): Upstream | undefined {
  const all = words.map((word) => SERVER.exec(word));
  const [first] = all;
  const name = first?.[2];
  if (name === undefined || all.some((one) => !one || one[1] !== first?.[1])) return undefined;
  const scheme = first?.[1] ?? (isTls ? 'https' : 'http');
  const usual = scheme === 'https' ? 443 : 80;
  const servers = all.map((one) => `${one?.[2]}:${one?.[3] ?? usual}`);
  if (servers.some((server) => Number(server.split(':')[1]) > 65535)) return undefined;
  const port = first?.[3] === undefined ? '' : `:${first[3]}`;
  return { url: `${scheme}://${name}${port}`.toLowerCase(), servers: servers.length > 1 ? servers : [] };
}
