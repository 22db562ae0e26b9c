import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Diagnostic, ok } from '../../diagnostics/diagnostic.ts';
import { type Access, accessOf, type Rule } from '../../policy/access.ts';
import type { Policy } from '../../policy/types.ts';
import { memberOf, parseJson } from '../../source/value.ts';
import { driftCodes, fingerprintFor, keyDrift, originFinder, renderAgain, unreadable } from '../live.ts';
import { pathOfProgram, variableOfProgram } from '../program.ts';
import type { CompareLive, Expected, LiveText } from '../target.ts';
import { compareJson, type JsonDifference } from './liveConfig.ts';
import { STRANGE, withoutKeys } from './liveKeys.ts';
import { pathRows, ROW_PLACEHOLDER } from './routes.ts';

const HINT = 'give what "curl localhost:2019/config/" prints on the machine that runs Caddy';

/**
 * Compares the running configuration, as the admin API prints it, with what `caddy adapt` on this machine makes of our
 * files.
 */
export const compareCaddy: CompareLive = (live, expected) => {
  if (live.text.trim() === '')
    return unreadable(expected, `${live.name}: it is empty; did the command that made it fail?`, HINT);
  const running = parseJson(live.text);
  if (running === undefined) return unreadable(expected, `${live.name}: it is not whole JSON`, HINT);
  if (running === null) return unreadable(expected, `${live.name}: Caddy runs without any configuration`, HINT);
  if (memberOf(running, 'apps') === undefined)
    return unreadable(expected, `${live.name}: it has no "apps", so it is not Caddy's /config/`, HINT);
  const adapted = adapt(expected);
  if ('problem' in adapted) return unreadable(expected, adapted.problem, adapted.hint);
  const { config: wanted } = withoutKeys(adapted.config);
  const { config, counts, strange } = withoutKeys(running);
  const { differences, foreign } = compareJson(wanted, config);
  const keys = strange.length > 0 ? ok([]) : keyDrift(expected.policy, [...counts.values()], live.name);
  const drift = [
    ...differences.map(teller(wanted, live, expected)),
    ...strange.map((path) => {
      const where = `${live.name} ${path}`;
      return renderAgain(driftCodes.report('added', ['apiKeys'], { what: STRANGE, where }));
    }),
    ...(keys.value ?? []),
  ];
  const others = foreign.map((path) => driftCodes.report('foreign', expected.at, { what: path, where: live.name }));
  return ok({ drift, foreign: others }, keys.diagnostics);
};

type Adapted = { readonly config: unknown } | { readonly problem: string; readonly hint: string };

/** Results by file list, so that all captures that are compared with the same files need one run of caddy. */
const adaptations = new WeakMap<object, Adapted>();

/** Adapts our files without the secrets, which the running configuration is compared without as well. */
function adapt({ files }: Expected): Adapted {
  const [first = files] = files;
  const known = adaptations.get(first) ?? adaptAnew(files);
  adaptations.set(first, known);
  return known;
}

function adaptAnew(files: Expected['files']): Adapted {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  try {
    for (const { path, text } of files) writeFileSync(join(folder, basename(path)), text);
    return adaptIn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function adaptIn(folder: string): Adapted {
  const missing = 'live Caddy is compared as JSON, and only caddy can make that of a Caddyfile';
  const hint = `put the same version of caddy that runs there on the PATH, or name it in ${variableOfProgram('caddy')}`;
  const program = pathOfProgram('caddy', process.env);
  if (program === undefined) return { problem: missing, hint };
  const args = ['adapt', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
  const { stdout, stderr, status, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (error) return { problem: missing, hint };
  const config = status === 0 ? parseJson(stdout) : undefined;
  if (config !== undefined) return { config };
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return { problem: `caddy adapt refused ours: ${said}`, hint: 'is this caddy at least 2.11?' };
}

/**
 * Returns a function that describes a difference. A text that is not in our configuration may be a key or a token, and
 * is hidden.
 */
function teller(config: unknown, live: LiveText, expected: Expected) {
  const hide = fingerprintFor(live.text);
  const originOf = originFinder(expected.policy);
  const routesOf = routeFinder(expected.policy, config);
  const known = new Set(stringsIn(config));
  /** Elements of a list count as standing under the name of the list. */
  const masked = (value: unknown, name: string): unknown => {
    if (typeof value === 'string') return known.has(value) || HARMLESS.has(name) ? value : hide(value);
    if (Array.isArray(value)) return value.map((item) => masked(item, name));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, key)]));
  };
  const shown = (value: unknown, name: string | undefined): string => {
    const text = JSON.stringify(name === undefined ? value : masked(value, name)) ?? '';
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  };
  return (difference: JsonDifference): Diagnostic => {
    const { path, wanted, found } = difference;
    const routes = routesOf(difference);
    const [rule, ...others] = routes?.rules ?? [];
    const words = [...(routes?.outputs ?? []), ...stringsIn(wanted), ...stringsIn(found)];
    const at = rule?.origin ?? originOf(words) ?? expected.at;
    const related = others
      .slice(0, RELATED)
      .map(({ origin }) => ({ at: origin, message: 'the row concerns this too' }));
    const more = related.length > 0 ? { related } : {};
    const where = `${live.name} ${path}`;
    // A table of paths looks up paths, which hold no credential.
    const name = routes ? undefined : /([^/]*)(?:\/\d+)*$/.exec(path)?.[1];
    if (wanted === undefined) return driftCodes.report('added', at, { what: shown(found, name), where }, more);
    if (found === undefined) return driftCodes.report('missing', at, { what: shown(wanted, name), where }, more);
    return driftCodes.report('changed', at, { where, expected: shown(wanted, name), live: shown(found, name) }, more);
  };
}

/** Number of further lines of the spec that are shown. */
const RELATED = 2;
const LONGEST = 200;
/** Names under which Caddy keeps no credential. */
const HARMLESS = new Set([
  'handler',
  'dial',
  'host',
  'path',
  'pattern',
  'method',
  'ranges',
  'listen',
  'protocol',
  'module',
  'level',
]);

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** A difference in the table of a proxy's paths. */
interface RouteDifference {
  /** Lines of the spec that the row stands for. */
  readonly rules: readonly Rule[];
  /** Outputs of the row. */
  readonly outputs: readonly string[];
}

/** Returns `undefined` for differences elsewhere. */
type RoutesOf = (difference: JsonDifference) => RouteDifference | undefined;

const ROW = /^(?<table>\/apps\/http\/servers\/(?<server>[^/]+)\/.*)\/mappings\/(?<row>\d+)(?:\/.*)?$/;

/**
 * Returns a function that finds the rules behind a difference in a table of paths. `wanted` is the configuration that
 * paths of differences refer to.
 */
function routeFinder(policy: Policy, wanted: unknown): RoutesOf {
  const proxies = new Map(policy.proxies.map((proxy) => [proxy.id, proxy]));
  const known = new Map<Access | undefined, ReturnType<typeof rulesByRow>>();
  const rowsOf = (server: string) => {
    const proxy = proxies.get(server);
    const access = proxy && accessOf(proxy);
    const rows = known.get(access) ?? rulesByRow(access);
    known.set(access, rows);
    return rows;
  };
  return ({ path, ...difference }) => {
    const { table = '', server = '', row = '' } = ROW.exec(path)?.groups ?? {};
    const map = at(wanted, table.split('/').slice(1));
    if (JSON.stringify(memberOf(map, 'destinations')) !== JSON.stringify([ROW_PLACEHOLDER])) return undefined;
    // Where a row is only in the running configuration, the index in the path is that of the running list.
    const entry = difference.wanted === undefined ? difference.found : at(map, ['mappings', row]);
    const rules = rowsOf(server).get(String(memberOf(entry, 'input_regexp'))) ?? [];
    const outputs = [memberOf(entry, 'outputs') ?? []].flat();
    return { rules, outputs: outputs.map(String) };
  };
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce(memberOf, value);
}

function rulesByRow(access: Access | undefined): ReadonlyMap<string, readonly Rule[]> {
  const rows = access ? pathRows(access) : [];
  return new Map(rows.map(({ pattern, endpoints }) => [pattern, endpoints.flatMap(({ written }) => written)]));
}
