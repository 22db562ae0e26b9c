import type { Draft } from '../draft.ts';
import type { Random } from '../random.ts';
import { STRANGERS } from './segments.ts';

/** Spellings of `../`, and other texts that some server reads as `../`. */
const STEPS = [
  '../',
  './',
  '..%2f',
  '..%2F',
  '%2e%2e/',
  '%2e%2e%2f',
  '.%2e/',
  '%2E./',
  '..;/',
  '..;a=b/',
  '..\\',
  '..%5c',
  '%2e%2e%5c',
  '..%252f',
  '%252e%252e/',
  '%252e%252e%252f',
  '..%c0%af',
  '%c0%ae%c0%ae/',
  '..%00/',
  '..%0d/',
  '...//',
  '....//',
  '.;/',
  '/',
  '//',
  '%2f',
  '%5c',
  ';/',
  '%3b/',
  '?/',
  '#/',
  '%23/',
  '%3f/',
  '..%ef%bc%8f',
  '.%00./',
  '\xc0\xae\xc0\xae/',
];
const ENDS = [
  '/',
  '//',
  '/.',
  '/..',
  '/./',
  '/../',
  '/..;/',
  ';',
  ';a=b',
  '.json',
  '%20',
  '%09',
  '%00',
  '%0a',
  '%0d%0a',
  '%2f',
  '%2F..',
  '%5c',
  '%23',
  '%3f',
  '#',
  '#x',
  '%',
  '%2',
  '\\',
  '.',
  '..',
  '~',
  '*',
  '&',
  ':',
  '@',
  '\xff',
  '%25',
  '%2500',
];
const STARTS = [
  '/',
  '//',
  '/./',
  '/../',
  '/.',
  '/..;/',
  '/%2e/',
  '/%2e%2e/',
  '/%2f',
  '/;/',
  '/;x=y/',
  '\\',
  '/\\',
  '/a/..',
  '/a/../',
  '/a/%2e%2e',
  '%2f',
  '/x',
  '/api/..',
  '/%00',
];
const AUTHORITIES = [
  'http://gitlab.example.com',
  'https://probe.example',
  'HTTP://x',
  'http://x:80',
  'http://user:pass@x',
  'ftp://x',
  'http:',
  '//evil.example',
  'x',
  'http://',
  'unix:',
  'http://[::1]',
  'http://127.0.0.1:1',
];
const WHOLE = [
  '*',
  '/',
  '//',
  '',
  'probe.example:80',
  '?',
  '/?',
  '#',
  '/#',
  '.',
  '..',
  '/.',
  '/..',
  'http://',
  'http://probe.example',
  '/%',
  '/%00',
  '/\xff',
  '%2F',
  '/*',
  '/-/health',
];

type PathMutation = (path: string, random: Random) => string;

const at = (text: string, index: number, removed: number, added: string) =>
  text.slice(0, index) + added + text.slice(index + removed);
const slashes = (path: string) => [...path].flatMap((char, index) => (char === '/' ? [index] : []));
const anySlash = (path: string, random: Random) => random.pick([0, ...slashes(path)]);
const escape = (char: string, random: Random) => {
  const hex = char.charCodeAt(0).toString(16).padStart(2, '0');
  return `%${random.chance(0.5) ? hex : hex.toUpperCase()}`;
};

/** Changes of an allowed path. Most make one that is not allowed; the evaluator says which. */
const MUTATIONS: readonly PathMutation[] = [
  (path, random) => path + random.pick(ENDS),
  (path, random) => random.pick(STARTS) + path.slice(1),
  (path, random) => random.pick(AUTHORITIES) + path,
  (_, random) => random.pick(WHOLE),
  (path, random) => at(path, anySlash(path, random) + 1, 0, random.pick(STEPS)),
  (path, random) => at(path, anySlash(path, random) + 1, 0, `x/${random.pick(STEPS)}`),
  (path, random) =>
    at(
      path,
      anySlash(path, random),
      1,
      random.pick(['//', '/./', '%2f', '%2F', '\\', '%5c', '/;/', ';/', '', '%252f', '\xc0\xaf']),
    ),
  (path, random) => replaceByte(path, random, (char) => escape(char, random)),
  (path, random) => replaceByte(path, random, (char) => `%25${escape(char, random).slice(1)}`),
  (path, random) =>
    replaceByte(path, random, (char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase())),
  (path, random) =>
    replaceByte(path, random, (char) => String.fromCharCode(char.charCodeAt(0) ^ (1 << random.below(7)))),
  (path, random) => replaceByte(path, random, () => ''),
  (path, random) =>
    replaceByte(
      path,
      random,
      (char) =>
        char +
        random.pick(['%00', '%0a', '%0d', '%09', '%20', '\x80', '"', '\\', '.', ';', '%2e', 'x', '{', '%7b', '$']),
    ),
  (path, random) => replaceSegment(path, random, () => random.pick(STRANGERS)),
  (path, random) => replaceSegment(path, random, (segment) => segment + random.pick(STRANGERS)),
  (path, random) => replaceSegment(path, random, (segment) => random.pick(STRANGERS) + segment),
  (path, random) => replaceSegment(path, random, (segment) => `${segment}/${segment}`),
  (path, random) => replaceSegment(path, random, (segment) => `${segment}/x`),
  (path, random) => path.slice(0, anySlash(path, random)),
  (path, random) => path.slice(0, anySlash(path, random) + 1),
  (path) => path.toUpperCase(),
  (path, random) => path + path.slice(anySlash(path, random)),
  (path, random) => `${path}/${'a'.repeat(random.pick([500, 4_000, 7_000, 8_180, 9_000, 40_000]))}`,
  (path, random) => `/x${'/..'.repeat(random.below(4) + 1)}${path}`,
  (path, random) => [...path].map((char) => (char === '/' ? char : escape(char, random))).join(''),
];

/** Any byte except those that end a word of the request line, which the wire mutations try. */
function replaceByte(path: string, random: Random, change: (char: string) => string): string {
  const index = 1 + random.below(Math.max(1, path.length - 1));
  const changed = change(path[index] ?? 'a').replace(/[\x00-\x20\x7f]/g, '!');
  return at(path, index, 1, changed);
}

function replaceSegment(path: string, random: Random, change: (segment: string) => string): string {
  const start = anySlash(path, random) + 1;
  const end = path.indexOf('/', start);
  return path.slice(0, start) + change(path.slice(start, end < 0 ? undefined : end)) + (end < 0 ? '' : path.slice(end));
}

export function mutatePath(draft: Draft, random: Random): Draft {
  const [path = '', query] = draft.target.split(/(?=\?)/, 2);
  const target = random.pick(MUTATIONS)(path, random) + (query ?? '');
  return { ...draft, target: target === '' ? '/' : target };
}
