import { type PatternSegment, parsePattern } from '../../../src/policy/pattern.ts';
import type { Policy } from '../../../src/policy/types.ts';
import type { Random } from '../../../src/verify/random.ts';
import { segmentText } from '../probes.ts';
import { HOSTS, type OldConfig } from './config.ts';
import { CLIENTS, HEADERS, KEYS } from './http.ts';
import { WORDS } from './location.ts';

/** A request of a client to the old server. */
export interface OldRequest {
  readonly port: number;
  readonly from: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'FROB'];
const VALUES: readonly string[] = [
  ...WORDS.map(encodeURIComponent),
  'ab',
  '12',
  'abc',
  '%61',
  'x;y',
  'secret.php',
  'b.',
  'a%2Fb',
  '42',
  'f0',
  'a-b',
  '123456',
];
const QUERIES = ['', '', '', '', '?a=1', '?a=b', '?from=127.0.0.1', '?a=1&b=%20'];

function textOf(segment: PatternSegment, random: Random): string {
  return segmentText(segment, random, ({ kind, type }) => {
    if (kind === 'rest') return Array.from({ length: 1 + random.below(3) }, () => random.pick(VALUES)).join('/');
    return type === 'int' ? random.pick(['1', '12', '42', '123456']) : random.pick(VALUES);
  });
}

function pathOf(text: string, random: Random): string {
  const pattern = parsePattern(text);
  return 'problem' in pattern ? '/' : `/${pattern.segments.map((one) => textOf(one, random)).join('/')}`;
}

/** The paths that expressions and prefixes of the configuration are about, roughly. */
function pathsOf({ files }: OldConfig): string[] {
  const found = files.flatMap(({ text }) =>
    [...text.matchAll(/location (?:=|\^~|~\*?)? ?"?([^"{]*?)"? \{/g)].map(([, path = '']) =>
      path
        .replace(/^\^|\$$/g, '')
        .replace(/\(\?[^)]*\)|\\b/g, '')
        .replace(/\[[^\]]*\][+*?]*|\\[dwS][+*?]*(?:\{\d+\})?/g, '1')
        .replace(/\((\w*)\|[^)]*\)/g, '$1')
        .replace(/\(?\.[*+]\)?/g, 'b')
        .replace(/[\\()?+$^|]/g, ''),
    ),
  );
  return found.map((path) => encodeURI(path.startsWith('/') ? path : `/${path}`));
}

const VARIANTS: readonly ((path: string, random: Random) => string)[] = [
  (path) => path.replace(/[a-z]/, (letter) => letter.toUpperCase()),
  (path) => path.replace(/[a-z](?!.*[a-z])/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (path) => path.replace('/', '//'),
  (path) => path.replace(/\/(?=[^/]*$)/, '//'),
  (path) => `${path}/../b`,
  (path) => `/./b/..${path}`,
  (path) => path.replace(/\/(?=[^/]+$)/, '%2F'),
  (path) => `${path}/`,
  (path) => path.replace(/\/$/, ''),
  (path, random) => `${path}${random.pick(['x', '.php', '1', '%20', '%0a', ';a', '%3Fa=1', '%23', '%2e%2e'])}`,
  (path, random) => `${path.replace(/\/$/, '')}/${random.pick(VALUES)}`,
  (path, random) => `${path.replace(/\/$/, '')}/${random.pick(VALUES)}/${random.pick(VALUES)}`,
];

/** Returns requests that are about a configuration, and about the spec that was made of it. */
export function requestsTo(
  old: OldConfig,
  policy: Policy | undefined,
  random: Random,
  { ports, count }: Asking,
): OldRequest[] {
  const granted =
    policy?.proxies.flatMap(({ routes }) => routes.map(({ pattern, methods }) => ({ text: pattern.text, methods }))) ??
    [];
  const known = [...pathsOf(old), '/', '/check', '/b', '/secret'];
  return Array.from({ length: count }, () => {
    const one = granted.length > 0 && random.chance(0.6) ? random.pick(granted) : undefined;
    const plain = one ? pathOf(one.text, random) : random.pick(known);
    const path = random.chance(one ? 0.15 : 0.6) ? random.pick(VARIANTS)(plain, random) : plain;
    const method = one && random.chance(0.7) ? random.pick(one.methods) : random.pick(METHODS);
    return {
      port: random.chance(0.8) ? ports[0] : ports[1],
      from: random.pick(CLIENTS),
      method,
      target: `${path}${random.pick(QUERIES)}`,
      headers: headersOf(random),
    };
  });
}

interface Asking {
  readonly ports: readonly [number, number];
  readonly count: number;
}

function headersOf(random: Random): (readonly [string, string])[] {
  const distinct = HEADERS.flatMap((header): (readonly [string, string])[] => {
    if (random.chance(0.2)) return [];
    const key = random.pick([...KEYS.slice(0, 3), ...KEYS, KEYS[0]?.toUpperCase() ?? '']);
    return [[header, header === 'Authorization' && !random.chance(0.05) ? `Bearer ${key}` : key]];
  });
  const isKeyed = distinct.some(([name]) => name === 'Authorization');
  return [
    ['Host', random.chance(0.6) ? (HOSTS[0] ?? '') : random.pick(HOSTS)],
    ...distinct,
    ...(isKeyed || !random.chance(0.2) ? [] : [['Authorization', 'Basic dTpw'] as const]),
    ...(random.chance(0.2)
      ? [['X-Forwarded-For', random.pick([...CLIENTS, '127.0.0.1, 127.0.0.9', '127.0.0.9, 127.0.0.2'])] as const]
      : []),
    ...(random.chance(0.2) ? [['X-Real-IP', random.pick(CLIENTS)] as const] : []),
    ...(random.chance(0.2) ? [['X-Mode', random.pick(['a', 'b', '1'])] as const] : []),
  ];
}
