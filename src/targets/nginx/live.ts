import { type Diagnostic, ok, type Related, type Result, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { keyPosition } from '../../plan/log.ts';
import { parseCidr } from '../../policy/cidr.ts';
import type { Policy } from '../../policy/types.ts';
import {
  driftCodes,
  type Fingerprint,
  fingerprintFor,
  keyDrift,
  originFinder,
  renderAgain,
  unreadable,
} from '../live.ts';
import { referenceDrift } from '../references.ts';
import type { CompareLive, Expected, LiveText, ReadFileText } from '../target.ts';
import { compareDirectives, type Difference, type NginxDirective, parseNginx } from './liveConfig.ts';
import { hostDifferences } from './liveHost.ts';
import { isRoutingRow, ruleFinder } from './liveRoutes.ts';
import { isIncluded, type NginxOptions } from './options.ts';

const HINT = 'give what "nginx -T" prints on the machine, whole';

/**
 * Compares generated files with the output of `nginx -T`, which has every file that nginx read under a line with its
 * name.
 */
export const compareNginx: CompareLive<NginxOptions> = (live, expected) => {
  const sections = sectionsOf(live.text);
  if ('problem' in sections) return unreadable(expected, `${live.name}: ${sections.problem}`, HINT);
  const own = expected.files.filter(({ path }) => path.endsWith('.conf'));
  const parsed = new Map<string, readonly NginxDirective[]>();
  for (const [path, text] of sections.files) {
    const directives = parseNginx(text);
    if ('problem' in directives) return unreadable(expected, `${live.name}: ${path}: ${directives.problem}`, HINT);
    parsed.set(path, directives);
  }
  const matches = matchFiles(own, [...parsed.keys()]);
  const tell = teller(own, live.text, expected);
  const drift = own.flatMap((file): Diagnostic[] => {
    const path = matches.get(file);
    const wanted = parseNginx(file.text);
    if ('problem' in wanted) throw new Error(`${file.path}: ${wanted.problem}`);
    const where = path ?? live.name;
    if (path === undefined)
      return [driftCodes.report('missing', expected.at, { what: `the file ${file.path}`, where })];
    return compareDirectives(wanted, parsed.get(path) ?? []).map((difference) => tell(difference, path));
  });
  const ours = new Set(matches.values());
  const main = own.find(({ path }) => /\/(?:nginx|http)\.conf$/.test(path));
  const secrets = `${((main && matches.get(main)) ?? '').replace(/[^/]*$/, '')}secrets/`;
  const isSecret = (path: string) =>
    /^(?:keys|tokens)[^/]*\.conf$/.test(path.startsWith(secrets) ? path.slice(secrets.length) : '');
  const host = isIncluded(expected.options) ? hostDifferences(parsed, ours) : undefined;
  // Our files include no others than secrets, so that another file is there only because a change includes it.
  const others = [...parsed.keys()]
    .filter((path) => !host && !ours.has(path) && !isSecret(path))
    .map((path) => driftCodes.report('added', expected.at, { what: `the file ${path}`, where: live.name }));
  const reaching = (host?.reaching ?? []).map((what) => {
    const where = `the http block in ${live.name}`;
    return driftCodes.report('added', expected.at, { what, where });
  });
  const foreign = (host?.beside ?? []).map((what) =>
    driftCodes.report('foreign', expected.at, { what, where: live.name }),
  );
  const keys = keysDrift(new Map([...parsed].filter(([path]) => isSecret(path))), expected.policy, live.name);
  // Where the numbers differ, the references do so too.
  const replaced = [...sections.files].flatMap(([path, text]) =>
    keys.value?.length === 0 && isSecret(path) ? replacedIn(text, path, expected.policy) : [],
  );
  return ok(
    { drift: [...drift, ...others, ...reaching, ...(keys.value ?? []), ...replaced], foreign },
    keys.diagnostics,
  );
};

/** Returns the drift of the key and token files on disk. */
export function renderedKeys(policy: Policy, files: readonly LiveText[], where: string): Result<readonly Diagnostic[]> {
  const parsed = files.map(({ name, text }) => [name, parseNginx(text)] as const);
  const broken = parsed.some(([, directives]) => 'problem' in directives);
  const entries = parsed.flatMap(([name, directives]) =>
    'problem' in directives ? [] : [[name, directives] as const],
  );
  if (broken) return ok([renderAgain(driftCodes.report('added', ['apiKeys'], { what: STRANGE, where }))]);
  const { value = [], diagnostics } = keysDrift(new Map(entries), policy, where);
  if (value.length > 0) return ok(value, diagnostics);
  return ok(
    files.flatMap(({ name, text }) => replacedIn(text, name, policy)),
    diagnostics,
  );
}

function replacedIn(text: string, file: string, policy: Policy): Diagnostic[] {
  return referenceDrift(text, file, policy, /\/tokens[^/]*$/.test(file) ? 'tokens' : 'keys');
}

const STRANGE = 'a table of keys or tokens that is not as ours are';

/** Returns the drift of key and token files. No entry of them is ever shown. */
function keysDrift(files: Files, policy: Policy, where: string): Result<Diagnostic[]> {
  const entriesOf = (kind: RegExp) => [...files].flatMap(([path, entries]) => (kind.test(path) ? entries : []));
  const { keys, tokens, strange } = keysIn(entriesOf(/\/keys[^/]*$/), entriesOf(/\/tokens[^/]*$/));
  const at = ['apiKeys'];
  if (strange) return ok([renderAgain(driftCodes.report('added', at, { what: STRANGE, where }))]);
  const { value = [], diagnostics } = keyDrift(policy, policy.apiKeys.length > 0 || keys.size > 0 ? [keys] : [], where);
  const known = new Map(policy.apiKeys.map(({ id, origin }) => [id, origin]));
  const without = keys.size === 0 ? [] : [...known].filter(([id]) => !tokens.has(id));
  const strangers = [...tokens].filter((id) => !known.has(id) && !keys.has(id));
  const missing = without.map(([id, origin]) =>
    driftCodes.report('missing', origin, { what: `the token for "${id}"`, where }),
  );
  const added = strangers.map((id) => driftCodes.report('added', at, { what: `a token for "${id}"`, where }));
  return ok([...value, ...[...missing, ...added].map(renderAgain)], diagnostics);
}

type OwnFile = Expected['files'][number];
type Files = ReadonlyMap<string, readonly NginxDirective[]>;

/** Splits what `nginx -T` prints. Files in other folders than that of `nginx.conf`, such as those of secrets, are left out. */
export function printed(text: string): readonly ReadFileText[] | undefined {
  const sections = sectionsOf(text);
  if ('problem' in sections) return undefined;
  const folderOf = (path: string) => path.replace(/[^/]*$/, '');
  const [main = ''] = sections.files.keys();
  const own = [...sections.files].filter(([path]) => folderOf(path) === folderOf(main));
  return own.map(([path, each]) => ({ path, text: each }));
}

interface Sections {
  readonly files: ReadonlyMap<string, string>;
}

function sectionsOf(text: string): Sections | { readonly problem: string } {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const failure = /^nginx: \[(?:emerg|alert)\] (.*)$/m.exec(text)?.[1];
  const parts = text.split(/^# configuration file (.+):$/m);
  if (parts.length < 3) {
    return {
      problem:
        failure === undefined
          ? 'it is not what nginx -T prints: no line "# configuration file …:"'
          : `nginx said: ${failure}`,
    };
  }
  const files = new Map<string, string>();
  for (let index = 1; index < parts.length; index += 2) {
    const path = parts[index] ?? '';
    if (files.has(path)) return { problem: `it holds ${path} twice, which nginx prints once` };
    // The line end behind the name is none of the file, whose lines would count one too many.
    files.set(path, (parts[index + 1] ?? '').replace(/^\r?\n/, ''));
  }
  return { files };
}

/**
 * Finds our files among live paths by their names, in the folder that has most of them: another file may be called
 * nginx.conf too.
 */
function matchFiles(own: readonly OwnFile[], paths: readonly string[]): Map<OwnFile, string> {
  const nameOf = (path: string) => path.replace(/^.*\//, '');
  const folderOf = (path: string) => path.slice(0, -nameOf(path).length);
  const candidates = paths.filter((path) => own.some((file) => nameOf(file.path) === nameOf(path)));
  const counts = new Map<string, number>();
  for (const path of candidates) counts.set(folderOf(path), (counts.get(folderOf(path)) ?? 0) + 1);
  const best = candidates.toSorted((a, b) => (counts.get(folderOf(b)) ?? 0) - (counts.get(folderOf(a)) ?? 0));
  return new Map(
    own.flatMap((file) => {
      const path = best.find((one) => nameOf(one) === nameOf(file.path));
      return path === undefined ? [] : [[file, path] as const];
    }),
  );
}

/** Returns a function that describes a difference. An argument where a secret may stand is replaced by its fingerprint. */
function teller(own: readonly OwnFile[], live: string, expected: Expected) {
  const hide = fingerprintFor(live);
  const originOf = nginxOrigins(expected);
  const known = vocabularyOf([...own.map(({ text }) => text), ...expected.policy.apiKeys.map(({ id }) => id)]);
  return (difference: Difference, file: string): Diagnostic => {
    const { kind, wanted, found, inside } = difference;
    const ours = wanted ? ownWords(wanted) : '';
    const theirs = found ? directiveWords(found, { known, hide, inside: inside.at(-1) }) : '';
    const { at, related, path } = originOf(difference, file);
    const block = inside.map((one) => [one.name, ...one.args].join(' ')).join(' / ');
    const place = block === '' ? file : `${file} (${block})`;
    const where = path === undefined ? place : `${place}, for paths such as ${path},`;
    const more = related.length > 0 ? { related } : {};
    if (kind === 'changed') return driftCodes.report('changed', at, { where, expected: ours, live: theirs }, more);
    return driftCodes.report(kind, at, { what: kind === 'added' ? theirs : ours, where }, more);
  };
}

/** Returns every word of the generated files, none of which is a secret. */
function vocabularyOf(texts: readonly string[]): ReadonlySet<string> {
  return new Set(texts.flatMap((text) => text.split(/[\s;{}"']+/)));
}

/** Directives whose arguments can hold no credential. */
const HARMLESS = new Set([
  'accept_mutex',
  'allow',
  'client_max_body_size',
  'deny',
  'error_page',
  'include',
  'internal',
  'keepalive',
  'keepalive_timeout',
  'limit_except',
  'limit_req',
  'listen',
  'location',
  'log_format',
  'access_log',
  'error_log',
  'proxy_hide_header',
  'proxy_http_version',
  'proxy_pass',
  'proxy_read_timeout',
  'proxy_ssl_name',
  'proxy_ssl_server_name',
  'proxy_ssl_trusted_certificate',
  'proxy_ssl_verify',
  'root',
  'server',
  'server_name',
  'worker_connections',
  'worker_processes',
]);

interface Showing {
  readonly known: ReadonlySet<string>;
  readonly hide: Fingerprint;
  /** The block around it. */
  readonly inside: NginxDirective | undefined;
}

/**
 * Returns a live directive for people. Where a credential may stand (headers, maps, variables), an argument that is no
 * word of our files is hidden, whatever it looks like.
 */
function directiveWords(directive: NginxDirective, { known, hide, inside }: Showing): string {
  const { name, args, block } = directive;
  const parent = inside?.name;
  // A row of a routing table holds only paths, which are no secrets, if all of its values are known.
  if (isRoutingRow(directive, inside) && args.every((arg) => isPlain(arg, known))) return ownWords(directive);
  // Rows of a table begin with a key instead of the name of a directive.
  const isName = parent !== 'map' && parent !== 'geo' && /^[a-z_0-9]{2,40}$/.test(name);
  const shownName = isName || isPlain(name, known) ? name : hide(name);
  const open = isName && HARMLESS.has(name);
  const shown = args.map((arg) => (open || isPlain(arg, known) ? arg : hide(arg)));
  return `"${[shownName, ...shown].join(' ')}${block ? ' { … }' : ''}"`;
}

/** Returns a directive of ours. It is shown as it is, because generated files hold no secret. */
function ownWords({ name, args, block }: NginxDirective): string {
  return `"${[name, ...args].join(' ')}${block ? ' { … }' : ''}"`;
}

/** An address, words of ours, a variable alone, a switch or a number. */
function isPlain(arg: string, known: ReadonlySet<string>): boolean {
  if (typeof parseCidr(arg) === 'object') return true;
  return arg.split(/[\s;{}"']+/).every((word) => known.has(word) || /^(?:\$\w+|on|off|\d{1,6}[smhkKMG]?)$/.test(word));
}

/** What in the spec a piece of nginx configuration comes from. */
interface NginxOrigin {
  readonly at: SpecPath;
  readonly related: readonly Related[];
  /** A path that reaches a row of a routing table, where the row has only a short name for it. */
  readonly path: string | undefined;
}

/** Number of further lines of the spec that are shown. */
const RELATED = 2;

function nginxOrigins(expected: Expected): (difference: Difference, file: string) => NginxOrigin {
  const { policy, at: options } = expected;
  const originOf = originFinder(policy);
  const rulesOf = ruleFinder(policy);
  return ({ wanted, found, inside }, file) => {
    const block = inside.at(-1);
    const row = wanted ?? found;
    const { rules = [], path } = (row && rulesOf(row, block)) ?? {};
    const [rule, ...others] = rules;
    const related = others
      .slice(0, RELATED)
      .map(({ origin }) => ({ at: origin, message: 'the row concerns this too' }));
    if (rule) return { at: rule.origin, related, path };
    const words = [wanted, found].flatMap((one) => (one ? allWords(one) : []));
    const candidates = [
      words,
      isOfUpstream(row) ? (block?.block ?? []).filter(isOfUpstream).flatMap(allWords) : [],
      !wanted && found && block ? neighbours(found, block) : [],
      inside.flatMap(({ name, args }) => [name, ...args]),
      [file.replace(/^.*\/|(?:\.(?:routes|paths))?\.conf$/g, '')],
    ];
    const origin = candidates.map(originOf).find((one) => one !== undefined);
    return { at: origin ?? sectionOf(block, file, policy) ?? options, related, path };
  };
}

/** Tables that identify a caller. */
const CALLERS = /_(?:selector|hash|id|position|grants|token|expiry|rate_\w+)$/;

/** The part of the spec that a table or a file of ours is made from as a whole. */
function sectionOf(block: NginxDirective | undefined, file: string, policy: Policy): SpecPath | undefined {
  const [source = '', result = source] = block?.args ?? [];
  if (policy.apiKeys.length > 0 && CALLERS.test(result)) return ['apiKeys'];
  if (policy.proxies.length > 0 && block?.name === 'geo' && result.startsWith('$in_')) return ['ipRanges'];
  return policy.rewrites.length > 0 && file.endsWith('/sites.conf') ? ['domainRewrites'] : undefined;
}

function isOfUpstream(directive: NginxDirective | undefined): boolean {
  return /^proxy_(?:pass|ssl_\w+)$/.test(directive?.name ?? '');
}

/** Returns the keys of rows that have the same value as a row that is not ours: they concern the same clients or keys. */
function neighbours({ args }: NginxDirective, table: NginxDirective): string[] {
  if (table.name !== 'map' && table.name !== 'geo') return [];
  const same = table.block?.filter((one) => one.name !== 'default' && one.args[0] === args[0]) ?? [];
  return same.slice(0, 5).map(({ name }) => name);
}

function allWords({ name, args, block = [] }: NginxDirective): string[] {
  return [name, ...args, ...block.slice(0, 5).flatMap(allWords)];
}

/** What the files of keys and tokens hold, without any key or token. */
interface LiveKeys {
  /** How many keys stand for each id. */
  readonly keys: ReadonlyMap<string, number>;
  /** Ids that have a token. */
  readonly tokens: ReadonlySet<string>;
  /** Whether there is anything that "secrets render" does not write, such as a value for everybody. */
  readonly strange: boolean;
}

const HASH = /^hash:(?<end>[A-Za-z0-9._~+/=-]{8})$/;
const ID = /^id:(?<end>[A-Za-z0-9._~+/=-]{8})$/;
const POSITION = /^position:[A-Za-z0-9._~+/=-]{8}$/;
const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

/** Reads entries as nginx includes them into its tables: those of `secrets/keys*.conf`, and of `secrets/tokens*.conf`. */
export function keysIn(keyEntries: readonly NginxDirective[], tokenEntries: readonly NginxDirective[]): LiveKeys {
  const hashed = new Set<string>();
  const ids = new Map<string, string>();
  const tokens = new Map<string, string>();
  const positions = new Set<string>();
  let strange = false;
  for (const { name, args, block } of keyEntries) {
    const [value = '', ...more] = args;
    const hash = HASH.exec(name)?.groups?.['end'];
    const end = ID.exec(name)?.groups?.['end'];
    const isHash = hash !== undefined && /^[A-Za-z0-9_-]{22}$/.test(value) && !hashed.has(hash);
    const isId = end !== undefined && /^[A-Za-z0-9._-]+$/.test(value) && !ids.has(end);
    const isPosition = POSITION.test(name) && value === keyPosition(1) && !positions.has(name);
    if (isPosition) positions.add(name);
    if (more.length > 0 || block || !(isHash || isId || isPosition)) strange = true;
    if (isHash) hashed.add(hash);
    if (isId) ids.set(end, value);
  }
  for (const { name, args, block } of tokenEntries) {
    const [value = '', ...more] = args;
    if (more.length > 0 || block || !/^[A-Za-z0-9._-]+$/.test(name) || name === 'default' || !TOKEN.test(value))
      strange = true;
    if (tokens.has(name)) strange = true;
    tokens.set(name, value);
  }
  const keys = new Map<string, number>();
  // An id without a hash belongs to no key.
  for (const [end, id] of ids) if (hashed.has(end)) keys.set(id, (keys.get(id) ?? 0) + 1);
  return { keys, tokens: new Set(tokens.keys()), strange };
}
