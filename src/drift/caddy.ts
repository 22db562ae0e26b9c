import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Diagnostic, ok } from '../diagnostics/diagnostic.ts';
import { liveKeyIds, withoutSecrets } from './caddySecrets.ts';
import { driftCodes } from './codes.ts';
import { fingerprintFor } from './fingerprint.ts';
import { compareJson, type JsonDifference } from './json.ts';
import { type CompareLive, type Expected, optionsPath, unreadable } from './live.ts';
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
  const { differences, foreign } = compareJson(withoutSecrets(adapted.config), withoutSecrets(running));
  const at = optionsPath(expected);
  const known = new Set(expected.policy.apiKeys.map((key) => key.id));
  const strangers = [...new Set(liveKeyIds(running))].filter((id) => !known.has(id));
  return ok({
    drift: [
      ...differences.map(teller(adapted.config, live, expected)),
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
function teller(config: unknown, live: { readonly name: string; readonly text: string }, expected: Expected) {
  const hide = fingerprintFor(live.text);
  const originOf = originFinder(expected.policy);
  const known = new Set(stringsIn(config));
  const shown = (value: unknown): string => {
    const masked =
      JSON.stringify(value, (key, part) =>
        typeof part === 'string' && !known.has(part) && !HARMLESS.has(key) ? hide(part) : part,
      ) ?? '';
    return masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
  };
  return ({ path, wanted, found }: JsonDifference): Diagnostic => {
    const at = originOf([...stringsIn(wanted), ...stringsIn(found)]) ?? optionsPath(expected);
    const where = `${live.name} ${path}`;
    if (wanted === undefined) return driftCodes.report('added', at, { what: shown(found), where });
    if (found === undefined) return driftCodes.report('missing', at, { what: shown(wanted), where });
    return driftCodes.report('changed', at, { where, expected: shown(wanted), live: shown(found) });
  };
}

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
