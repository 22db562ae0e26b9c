import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readAll } from '../src/verify/reading.ts';

const test = suite('reading');

/** What the strict reader makes of bytes, in a few words. */
function read(bytes: string): string {
  return readAll(bytes)
    .map((reading) => {
      if (reading.kind !== 'request') return reading.kind === 'malformed' ? `malformed: ${reading.why}` : 'incomplete';
      const { method, target, version, fields, body } = reading.request;
      const shown = fields
        .filter(([name]) => !/^(?:host|content-length|transfer-encoding)$/i.test(name))
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      const refusable = reading.refusable === undefined ? '' : ` (may refuse: ${reading.refusable})`;
      return [method, target, version, ...shown, ...(body === '' ? [] : [JSON.stringify(body)])].join(' ') + refusable;
    })
    .join(' | ');
}

const get = (lines: string) => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (framing: string, rest: string) => `POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${rest}`;

const TABLE: readonly (readonly [bytes: string, means: string])[] = [
  [get(''), 'GET / 1.1'],
  [get('X: 1\r\n'), 'GET / 1.1 X="1"'],
  [get('X:\t 1 \t\r\n'), 'GET / 1.1 X="1" (may refuse: a tab around a field value)'],
  [get('X:\r\n'), 'GET / 1.1 X=""'],
  [get('') + get(''), 'GET / 1.1 | GET / 1.1'],
  [get('Connection: x, Close\r\n') + get(''), 'GET / 1.1 Connection="x, Close"'],
  [get('').slice(0, -2), 'incomplete'],
  ['GET / HTTP/1.1\nHost: a\n\n', 'GET / 1.1 (may refuse: a line that ends in LF alone)'],
  [`\r\n${get('')}`, 'GET / 1.1 (may refuse: empty lines before the request line)'],
  [get('X: 1\r\r\n'), 'GET / 1.1 X="1" (may refuse: several CR before an LF)'],
  [get('X: 1\r2\r\n'), 'malformed: a bare CR'],
  [get('X: 1\0\r\n'), 'malformed: a NUL in the head'],
  [get('X: 1\r\n 2\r\n'), 'GET / 1.1 X="1 2" (may refuse: a continued line)'],
  ['GET / HTTP/1.1\r\n Host: a\r\n\r\n', 'malformed: blanks before the first field'],
  [get('X : 1\r\n'), 'malformed: a blank or control character in a field name'],
  [get('X\r\n'), 'GET / 1.1 (may refuse: a line that is no field)'],
  [get('X@Y: 1\r\n'), 'GET / 1.1 (may refuse: a line that is no field)'],
  [get('X_Y: 1\r\n'), 'GET / 1.1 X_Y="1"'],
  [get('X: \x01\r\n'), 'GET / 1.1 X="\\u0001" (may refuse: a control character in a field value)'],
  [get('Host: b\r\n'), 'malformed: several Host fields'],
  ['GET / HTTP/1.1\r\n\r\n', 'malformed: no Host'],
  ['GET / HTTP/1.0\r\n\r\n', 'GET / 1.0 (may refuse: no Host)'],
  ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'malformed: a Host that is no authority'],
  ['GET / HTTP/1.1\r\nHost: a_b\r\n\r\n', 'GET / 1.1 (may refuse: an unusual Host)'],
  ['GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 'malformed: a request line that is not of three words'],
  ['GET /\r\n\r\n', 'malformed: a request line that is not of three words'],
  ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 'malformed: a protocol that is not HTTP/1'],
  ['GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n', 'malformed: a control character in the target'],
  ['G(T / HTTP/1.1\r\nHost: a\r\n\r\n', 'malformed: a method that is no token'],
  ['GET /a//b?c HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /a//b?c 1.1'],
  [
    'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET http://a/ 1.1 (may refuse: a target that is no valid origin-form)',
  ],
  ['GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /%zz 1.1 (may refuse: a target that is no valid origin-form)'],
  ['GET /a/../.. HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /a/../.. 1.1 (may refuse: a target that is no valid origin-form)'],
  ['GET /a/.. HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /a/.. 1.1'],
  [post('Content-Length: 2', '{}'), 'POST / 1.1 "{}"'],
  [post('Content-Length: 2', '{'), 'incomplete'],
  [post('Content-Length: 0', get('')), 'POST / 1.1 | GET / 1.1'],
  [post('Content-Length: 2\r\nContent-Length: 2', '{}'), 'POST / 1.1 "{}" (may refuse: Content-Length twice)'],
  [post('Content-Length: 2\r\nContent-Length: 3', '{}'), 'malformed: several different Content-Lengths'],
  [post('Content-Length: +2', '{}'), 'malformed: a Content-Length that is no number'],
  [post('Transfer-Encoding: CHUNKED', '2\r\n{}\r\n0\r\n\r\n'), 'POST / 1.1 "{}"'],
  [
    post('Transfer-Encoding: chunked', '1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n'),
    'POST / 1.1 "{}" (may refuse: an unusual chunk size)',
  ],
  [
    post('Transfer-Encoding: chunked', '2\r\n{}\r\n0\r\nSudo: x\r\n\r\n'),
    'POST / 1.1 "{}" (may refuse: trailers or an LF alone after the last chunk)',
  ],
  [post('Transfer-Encoding: chunked', '2\r\n{}'), 'incomplete'],
  [post('Transfer-Encoding: chunked', '2\r\n{}x\r\n0\r\n\r\n'), 'malformed: a chunk longer than its size'],
  [post('Transfer-Encoding: chunked', '0x2\r\n{}\r\n0\r\n\r\n'), 'malformed: a chunk size that is no number'],
  [post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n'), 'malformed: a Transfer-Encoding other than chunked'],
  [
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
    'malformed: a Transfer-Encoding other than chunked',
  ],
  [post('Transfer-Encoding: \x0bchunked', '0\r\n\r\n'), 'malformed: a Transfer-Encoding other than chunked'],
  [
    post('Content-Length: 6\r\nTransfer-Encoding: chunked', '0\r\n\r\nG'),
    'POST / 1.1 (may refuse: Content-Length beside Transfer-Encoding) | incomplete',
  ],
  [
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / 1.0 (may refuse: Transfer-Encoding in HTTP/1.0)',
  ],
];

for (const [bytes, means] of TABLE) test(JSON.stringify(bytes), () => assert.is(read(bytes), means));

test('the size of a head is counted as it was sent, and very many fields may be refused', () => {
  const head = 'GET / HTTP/1.1\r\nHost:  x\r\n\r\n';
  const [reading] = readAll(`\r\n${head}`);
  assert.is(reading?.kind === 'request' && reading.headBytes, head.length + 2);
  const many = readAll(`GET / HTTP/1.1\r\nHost: x\r\n${'X: 1\r\n'.repeat(1_000)}\r\n`)[0];
  assert.match((many?.kind === 'request' && many.refusable) || '', /very many fields/);
});

test.run();
