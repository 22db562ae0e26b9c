import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Diagnostic, ok } from '../diagnostics/diagnostic.ts';
import { routeFinder } from './caddyRoutes.ts';
import { liveKeyIds, withoutSecrets } from './caddySecrets.ts';
import { driftCodes } from './codes.ts';
import { fingerprintFor } from './fingerprint.ts';
import { compareJson, type JsonDifference } from './json.ts';
import { type CompareLive, type Expected, type LiveText, optionsPath, unreadable } from './live.ts';
import { originFinder } from './origin.ts';

const HINT = 'give what "curl localhost:2019/config/" prints on the machine that runs Caddy';

/** The running configuration as the admin API prints it, against what this machine's `caddy adapt` makes of ours. */
export const compareCaddy: CompareLive = (live, expected) => {
  if (live.text.trim() === '')
    return unreadable(expected, `${live.name}: it is empty; did the command that made it fail?`, HINT);
  const running = parseJson(live.text);
  if (running === undefined) return unreadable(expected, `${live.name}: it is not whole JSON`, HINT);
  if (running === null) return unreadable(expected, `${live.name}: Caddy runs without any configuration`, HINT);
  const apps = appsOf(running);
  if (apps === undefined)
    return unreadable(expected, `${live.name}: it has no "apps", so it is not Caddy's /config/`, HINT);
  const adapted = adapt(expected);
  if ('problem' in adapted) return unreadable(expected, adapted.problem, adapted.hint);
  const wanted = withoutSecrets(adapted.config);
  const { differences, foreign } = compareJson(wanted, withoutSecrets(running));
  const at = optionsPath(expected);
  const known = new Set(expected.policy.apiKeys.map((key) => key.id));
  const strangers = [...new Set(liveKeyIds(running))].filter((id) => !known.has(id));
  return ok({
    drift: [
      ...differences.map(teller(wanted, live, expected)),
      ...strangers.map((id) =>
        driftCodes.report('added', ['apiKeys'], { what: `a key for "${id}"`, where: live.name }),
      ),
    ],
    foreign: foreign.map((path) => driftCodes.report('foreign', at, { what: path, where: live.name })),
  });
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function appsOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'apps' in value ? value.apps : undefined;
}

type Adapted = { readonly config: unknown } | { readonly problem: string; readonly hint: string };

/** Runs beside the secrets, if they were rendered here, because the Caddyfile imports them from there. */
function adapt({ files, folder }: Expected): Adapted {
  const caddyfile = files.find(({ path }) => path === 'caddy/Caddyfile');
  if (!caddyfile) throw new Error('no Caddyfile among the files of caddy');
  const beside = join(folder, 'caddy');
  const cwd = existsSync(beside) ? beside : tmpdir();
  const options = { cwd, input: caddyfile.text, encoding: 'utf8', maxBuffer: 2 ** 30 } as const;
  const { stdout, stderr, status, error } = spawnSync(
    'caddy',
    ['adapt', '--config', '-', '--adapter', 'caddyfile'],
    options,
  );
  const missing = 'live Caddy is compared as JSON, and only caddy can make that of a Caddyfile';
  if (error) return { problem: missing, hint: 'put the same version of caddy that runs there on the PATH' };
  const config = status === 0 ? parseJson(stdout) : undefined;
  if (config !== undefined) return { config };
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return { problem: `caddy adapt refused ours: ${said}`, hint: 'is this caddy at least 2.11?' };
}

/** Puts differences into words; a text that is not one of ours may be a key or a token and is hidden. */
function teller(config: unknown, live: LiveText, expected: Expected) {
  const hide = fingerprintFor(live.text);
  const originOf = originFinder(expected.policy);
  const routesOf = routeFinder(expected.policy, config);
  const known = new Set(stringsIn(config));
  /** What stands in a list stands under the name of the list. */
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
    const at = rule?.origin ?? originOf(words) ?? optionsPath(expected);
    const related = others
      .slice(0, RELATED)
      .map(({ origin }) => ({ at: origin, message: 'the row concerns this too' }));
    const more = related.length > 0 ? { related } : {};
    const where = `${live.name} ${path}`;
    // What a table of paths looks for is a path, and no place for a credential.
    const name = routes ? undefined : /([^/]*)(?:\/\d+)*$/.exec(path)?.[1];
    if (wanted === undefined) return driftCodes.report('added', at, { what: shown(found, name), where }, more);
    if (found === undefined) return driftCodes.report('missing', at, { what: shown(wanted, name), where }, more);
    return driftCodes.report('changed', at, { where, expected: shown(wanted, name), live: shown(found, name) }, more);
  };
}

/** So many further lines of the spec are shown. */
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
