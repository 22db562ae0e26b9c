import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

// Streams both ways through a site, and ends with an error where one is held back. A program, because it has to run
// inside a namespace.

const [, , origin = ''] = process.argv;
const url = (path: string) => `${origin}${path}`;

function open(path: string, options: RequestOptions = {}) {
  const asked = request(url(path), options);
  return { asked, answer: once(asked, 'response') as Promise<[IncomingMessage]> };
}

async function textOf([response]: [IncomingMessage]): Promise<string> {
  return Buffer.concat(await response.toArray()).toString();
}

async function get(path: string): Promise<string> {
  const { asked, answer } = open(path);
  asked.end();
  return textOf(await answer);
}

async function upload(): Promise<void> {
  const { asked, answer } = open('/upload', { method: 'POST' });
  asked.write('first');
  // Asks until what was sent has arrived, which it never does where a whole body is waited for.
  while ((await get('/received')) !== '5') await pause(20);
  asked.end(' last');
  console.log('upload', await textOf(await answer));
}

async function download(): Promise<void> {
  const { asked, answer } = open('/download');
  asked.end();
  const [response] = await answer;
  const parts = response[Symbol.asyncIterator]();
  const { value: first } = await parts.next();
  await get('/release');
  const { value: last } = await parts.next();
  console.log('download', `${first}${last}`);
}

async function webSocket(): Promise<void> {
  const key = { 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', Origin: origin, ...key };
  const { asked } = open('/-/cable', { headers });
  asked.end();
  const [response, socket] = await once(asked, 'upgrade');
  socket.write('ping');
  // The echo may come in pieces: Caddy hands on a byte that it read ahead as one of its own.
  let echo = '';
  for await (const bytes of socket) {
    echo += bytes;
    if (echo.length >= 'ping'.length) break;
  }
  console.log('websocket', response.headers['x-seen-origin'], echo);
}

const tooLong = setTimeout(() => {
  console.log('something is being held back');
  process.exit(1);
}, 20_000);
await upload();
await download();
await webSocket();
clearTimeout(tooLong);
