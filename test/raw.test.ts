import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { takeRequest, takeResponse } from '../src/verify/http1.ts';
import { openConnection, sendRaw } from '../src/verify/raw.ts';
import { startRecorder } from '../src/verify/recorder.ts';

const framing = suite('framing');
const ok = 'HTTP/1.1 200 OK\r\n';
for (const [method, bytes, status, body, rest] of [
  ['GET', `${ok}Content-Length: 2\r\n\r\nhiNEXT`, 200, 'hi', 'NEXT'],
  ['GET', `${ok}content-length:  2 \r\n\r\nhi`, 200, 'hi', ''],
  ['GET', `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\nyou\r\n0\r\n\r\nNEXT`, 200, 'hiyou', 'NEXT'],
  ['GET', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: 1\r\n\r\nNEXT`, 200, '', 'NEXT'],
  ['HEAD', `${ok}Content-Length: 2\r\n\r\nNEXT`, 200, '', 'NEXT'],
  ['GET', 'HTTP/1.1 204 No Content\r\n\r\nNEXT', 204, '', 'NEXT'],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nNEXT', 304, '', 'NEXT'],
  ['GET', `HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 0\r\n\r\n`, 200, '', ''],
  ['GET', `${ok}\r\nuntil the end`, 200, 'until the end', ''],
] as const) {
  framing(JSON.stringify(bytes), () => {
    const taken = takeResponse(Buffer.from(bytes), method, true);
    assert.ok(taken);
    assert.match(taken.value.startLine, new RegExp(`^HTTP/1.1 ${status}`));
    assert.is(taken.value.body.toString(), body);
    assert.is(taken.rest.toString(), rest);
    // Whatever is missing of a message that declares its end, it is not complete.
    const framed = !bytes.includes('until');
    const whole = bytes.length - rest.length;
    for (let length = 0; framed && length < whole; length += 1) {
      assert.is(takeResponse(Buffer.from(bytes.slice(0, length)), method, false), undefined, `${length} bytes`);
    }
  });
}

framing('a request keeps its bytes', () => {
  const head = 'POST /a%2fb/%zz?x HTTP/1.1\r\nHost: a\r\nX-Two:  1 \r\nx-two: \xff';
  const taken = takeRequest(Buffer.from(`${head}\r\nContent-Length: 1\r\n\r\n!GET`, 'latin1'));
  assert.is(taken?.value.head, `${head}\r\nContent-Length: 1`);
  assert.is(taken?.value.body.toString(), '!');
  assert.is(taken?.rest.toString(), 'GET');
});
framing.run();

const wire = suite('wire');
wire('the recorder has what was sent, byte for byte', async () => {
  const recorder = await startRecorder();
  const request = 'PUT /api//v4/%2e%2E/x?y=%20 HTTP/1.1\r\nHoSt: gitlab\r\nX_Y: \xe9\r\nContent-Length: 3\r\n\r\na\0b';
  const response = await sendRaw(recorder, Buffer.from(request, 'latin1'));
  assert.is(response.status, 200);
  assert.is(response.field('content-type'), 'application/json');
  assert.is(response.text(), '{"ok":true}');
  const [recorded] = recorder.take();
  assert.is(`${recorded?.head}\r\n\r\n${recorded?.body}`, request);
  assert.is(recorded?.target, '/api//v4/%2e%2E/x?y=%20');
  assert.is(recorded?.field('host'), 'gitlab');
  assert.equal(recorder.requests, []);
  await recorder.close();
});

wire('a connection is kept for many requests', async () => {
  const recorder = await startRecorder({
    answer: ({ target }) => ({ status: 404, body: target, fields: [['X-A', '1']] }),
  });
  const connection = await openConnection(recorder);
  for (const target of ['/1', '/2', '/3']) {
    const response = await connection.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal([response.status, response.text(), response.field('x-a')], [404, target, '1']);
  }
  assert.ok(connection.open);
  connection.close();
  assert.is(recorder.requests.length, 3);
  await recorder.close();
});

wire('a server that closes without a response is an error', async () => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const error = await sendRaw({ port }, 'GET / HTTP/1.1\r\n\r\n').catch((reason: Error) => reason);
  assert.ok(error instanceof Error);
  server.close();
});

wire('nobody listening is an error', async () => {
  const error = await sendRaw({ port: 1 }, 'GET / HTTP/1.1\r\n\r\n').catch((reason: Error) => reason);
  assert.match(String(error), /ECONNREFUSED/);
});
wire.run();
