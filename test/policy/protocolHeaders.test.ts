import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_REQUEST_HEADERS, WEBSOCKET_HEADERS } from '../../src/policy/headers.ts';
import { headerRefusal } from '../../src/policy/refusedHeaders.ts';

const test = suite('headers that a protocol needs');

/** Those that pass by themselves, and those that a route may name. */
const PROTOCOLS: Readonly<Record<string, readonly string[]>> = {
  'downloads in parts': ['Range', 'If-Range', 'If-Match', 'Accept-Encoding'],
  'Git over HTTP': ['Git-Protocol', 'Content-Encoding', 'Accept', 'Content-Type'],
  'uploads to a registry': ['Content-Range', 'Content-Type', 'Docker-Content-Digest'],
  'uploads that are taken up again': ['Tus-Resumable', 'Upload-Length', 'Upload-Offset', 'Upload-Metadata'],
  'events of a server': ['Last-Event-ID', 'Accept', 'Cache-Control'],
  WebDAV: ['Depth', 'Destination', 'If', 'Lock-Token', 'Overwrite', 'Timeout'],
  'requests that may come twice': ['Idempotency-Key', 'Prefer', 'If-None-Match', 'If-Unmodified-Since'],
  traces: ['Traceparent', 'Tracestate', 'X-Request-Id', 'X-Correlation-Id', 'Baggage'],
  'checksums of objects': ['Content-MD5', 'Digest', 'X-Amz-Content-Sha256', 'X-Checksum-Sha1'],
};

for (const [what, names] of Object.entries(PROTOCOLS))
  test(`${what}: each passes, or a route may let it pass`, () => {
    for (const name of names)
      assert.ok(
        DEFAULT_REQUEST_HEADERS.includes(name.toLowerCase()) || headerRefusal(name, 'forward') === undefined,
        `${name} ${headerRefusal(name, 'forward')}`,
      );
  });

test('WebSockets: what opens one passes with websocket: true, with its page and its protocols', () => {
  for (const name of ['Key', 'Version', 'Protocol', 'Extensions'])
    assert.ok(WEBSOCKET_HEADERS.includes(`sec-websocket-${name.toLowerCase()}`), name);
  assert.ok(WEBSOCKET_HEADERS.includes('origin'));
});

test.run();
