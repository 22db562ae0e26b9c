import type { Draft } from '../draft.ts';
import { raw } from '../draft.ts';
import type { Random } from '../random.ts';

/** Changes the bytes of a request in ways that a draft cannot express. */
type WireMutation = (request: string, random: Random) => string;

const afterStart = (request: string, lines: string) => request.replace('\r\n', `\r\n${lines}`);
const onLine = (request: string, random: Random, change: (line: string) => string) => {
  const end = request.indexOf('\r\n\r\n');
  const lines = request.slice(0, end).split('\r\n');
  const index = random.below(lines.length);
  lines[index] = change(lines[index] ?? '');
  return lines.join('\r\n') + request.slice(end);
};
const insert = (text: string, index: number, added: string) => text.slice(0, index) + added + text.slice(index);
const CONTROLS = [
  '\0',
  '\x01',
  '\x08',
  '\x0b',
  '\x0c',
  '\r',
  '\x1b',
  '\x1f',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  '\t',
  ' ',
  '\n',
];
const WITHOUT_BODY = /\r\nContent-Length: \d+|\r\nTransfer-Encoding: chunked/g;
const headOf = (request: string) => `${request.slice(0, request.indexOf('\r\n\r\n')).replace(WITHOUT_BODY, '')}\r\n`;
/** The request with another framing and another body. */
const framed = (request: string, framing: string, body: string) => `${headOf(request)}${framing}\r\n\r\n${body}`;

const FRAMINGS: readonly (readonly [framing: string, body: string])[] = [
  ['Content-Length: 4\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
  ['Content-Length: 6\r\nTransfer-Encoding: chunked', '0\r\n\r\nG'],
  [
    'Transfer-Encoding: chunked\r\nContent-Length: 4',
    '5c\r\nGPOST / HTTP/1.1\r\nContent-Length: 15\r\n\r\nx=1\r\n0\r\n\r\n',
  ],
  ['Content-Length: 2\r\nContent-Length: 2', '{}'],
  ['Content-Length: 2\r\nContent-Length: 0', '{}'],
  ['Content-Length: 2, 2', '{}'],
  ['Content-Length: 0, 2', '{}'],
  ['Content-Length: +2', '{}'],
  ['Content-Length: -2', '{}'],
  ['Content-Length: 0x2', '{}'],
  ['Content-Length: 2.0', '{}'],
  ['Content-Length: 2 ', '{}'],
  ['Content-Length: ', '{}'],
  ['Content-Length: 2 2', '{}'],
  ['Content-Length: two', '{}'],
  ['Content-Length: 99999999999999999999', '{}'],
  ['Content-Length: 18446744073709551618', '{}'],
  ['Content-Length: 1\r\nContent-Length: 2', '{}'],
  ['Content-Length : 2', '{}'],
  ['Content-Length\t: 2', '{}'],
  ['Content-Length: 002', '{}'],
  ['Content-Length:2', '{}'],
  ['Content-Length:\x0b2', '{}'],
  ['Content-Length: 9', '{}'],
  ['Content-Length: 1', '{}'],
  ['Transfer-Encoding: Chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding:\tchunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked ', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked, chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: gzip, chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked, gzip', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: identity', '{}'],
  ['Transfer-Encoding: xchunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: "chunked"', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: \x0bchunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked\x01', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding:\r\n chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding : chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: ', '{}'],
  ['Transfer Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  ['Transfer_Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  ['X: X\nTransfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  ['X: X\rTransfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  [' Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  ['Transfer-Encoding: cow\r\nContent-Length: 2', '{}'],
  ['Transfer-Encoding: chunked', '0002\r\n{}\r\n000\r\n\r\n'],
  ['Transfer-Encoding: chunked', '2;a=b\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '2 \r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '2\n{}\n0\n\n'],
  ['Transfer-Encoding: chunked', '0x2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '+2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '-2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '2\r\n{}xx\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '3\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '2\r\n{}\r\n'],
  ['Transfer-Encoding: chunked', 'FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '2;\nxx\r\n4c\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '2\r\n{}\r\n0\r\nSudo: root\r\nPrivate-Token: evil\r\n\r\n'],
  ['Transfer-Encoding: chunked\r\nTrailer: Sudo', '2\r\n{}\r\n0\r\nSudo: root\r\n\r\n'],
];
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/1.9',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1',
  'HTTP/1.',
  'HTTP/1.10',
  'HTTP/01.1',
  'http/1.1',
  'HTTP/1.1x',
  'HTP/1.1',
  'HTTP /1.1',
  'HTTP/1,1',
  '',
  'HTTP/1.1 HTTP/1.1',
  'HTTP/3.0',
  'HTTP/-1.1',
];
const HOSTS = [
  '',
  'evil.example',
  'Probe.Example',
  'probe.example:8080',
  'probe.example:',
  'probe.example:99999',
  'probe.example.',
  '..',
  'a b',
  'a/b',
  'a?b',
  'a#b',
  'a@b',
  'user:pass@a',
  '[::1]',
  '[::1',
  '[::1]:80',
  '127.0.0.1',
  'a_b',
  'xn--e1afmkfd',
  '\xe9',
  '%61',
  'a,b',
  '*',
  '{env.HOME}',
  '$host',
  'x'.repeat(300),
  'a\\b',
  'a"b',
  '-',
  "a'b",
  'a:b:c',
];

const MUTATIONS: readonly WireMutation[] = [
  (request, random) => framed(request, ...random.pick(FRAMINGS)),
  (request, random) => framed(request, ...random.pick(FRAMINGS)),
  (request, random) => framed(request, ...random.pick(FRAMINGS)),
  (request, random) => request.replace(/ HTTP\/1\.1\r\n/, ` ${random.pick(VERSIONS)}\r\n`),
  (request, random) =>
    request
      .replace(/ HTTP\/1\.1\r\n/, ` ${random.pick(['HTTP/1.0', 'HTTP/1.0', ''])}\r\n`)
      .replace(/Host: [^\r]*\r\n/, () => (random.chance(0.5) ? '' : 'Host: x\r\n')),
  (request, random) => request.replace(/Host: [^\r]*/, () => `Host: ${random.pick(HOSTS)}`),
  (request, random) => afterStart(request, `Host: ${random.pick(HOSTS)}\r\n`),
  (request) => request.replace(/Host: [^\r]*\r\n/, ''),
  (request, random) => request.replace(/\r\n/g, () => (random.chance(0.4) ? '\n' : '\r\n')),
  (request) => request.replaceAll('\r\n', '\n'),
  (request, random) => onLine(request, random, (line) => `${line}\r`),
  (request, random) =>
    onLine(request, random, (line) => insert(line, random.below(line.length + 1), random.pick(CONTROLS))),
  (request, random) =>
    onLine(request, random, (line) => insert(line, random.below(line.length + 1), random.pick(CONTROLS))),
  (request, random) =>
    onLine(request, random, (line) =>
      line.replace(
        ': ',
        random.pick([':', ' : ', '\t: ', ':\t', ':\r\n ', ':\r\n\t', ':  ', '', ' ', ';', '::', ':\x0b', ':\0']),
      ),
    ),
  (request, random) =>
    onLine(request, random, (line) => `${line}\r\n${random.pick([' ', '\t'])}${random.pick(['folded', '', 'X-Y: z'])}`),
  (request, random) =>
    onLine(request, random, (line) => `${random.pick([' ', '\t', '\x0b', '\0', ':', '\x01'])}${line}`),
  (request, random) =>
    onLine(
      request,
      random,
      (line) =>
        `${line}\r\n${random.pick(['no colon here', ': no name', 'a b: c', 'a\tb: c', 'a"b: c', 'a(b): c', 'a/b: c', 'a@b: c', '\xe9: c', 'a[]: c', 'a: b: c', '=', 'X'.repeat(300), `X: ${'y'.repeat(9_000)}`])}`,
    ),
  (request, random) => request.replace(' ', random.pick(['  ', '\t', ' \t', '\x0b', '\x0c', '\r', '\xa0', '%20', ''])),
  (request, random) =>
    request.replace(
      / HTTP\//,
      () => `${random.pick(['  ', '\t', ' x ', '%20', '?', '\0', '\x0c', ' \r\n', '\r\n', ' HTTP/1.1\r\n'])}HTTP/`,
    ),
  (request, random) =>
    random.pick([
      '\r\n',
      '\r\n\r\n',
      '\n',
      ' ',
      '\0',
      '\r',
      '\t',
      'x',
      '\x16\x03\x01',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n',
    ]) + request,
  (request, random) => afterStart(request, `X-Many: 1\r\n`.repeat(random.pick([20, 80, 99, 200, 1_000]))),
  (request, random) =>
    afterStart(request, `X-Long: ${'x'.repeat(random.pick([1_000, 7_900, 8_200, 17_000, 70_000]))}\r\n`),
  (request, random) =>
    request + random.pick(['', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', request, '\r\n', 'x', 'GET /admin HTTP/1.1\r\n']),
  (request, random) => request.slice(0, random.below(request.length)),
];

/** The request with its bytes changed; `readAll` says what they mean then. */
export function mutateWire(draft: Draft, random: Random): string {
  return random.pick(MUTATIONS)(raw(draft), random);
}
