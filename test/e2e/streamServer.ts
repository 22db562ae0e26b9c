import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';

// A GitLab whose answers show what has arrived so far. A program, because it has to run inside a namespace.

const option = { type: 'string', default: '' } as const;
const { values } = parseArgs({ options: { port: option, cert: option, key: option } });
let received = 0;
let release = () => {};

const server = createServer({ cert: readFileSync(values.cert), key: readFileSync(values.key) }, (request, response) => {
  if (request.url === '/upload') {
    request.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    request.on('end', () => response.end(String(received)));
  } else if (request.url === '/received') response.end(String(received));
  else if (request.url === '/download') {
    // As much as is announced, but not at once: a length that is known must not make a proxy wait for all of it.
    response.writeHead(200, { 'Content-Length': '10' }).write('first');
    release = () => response.end(' last');
  } else if (request.url === '/release') {
    release();
    response.end();
  } else response.writeHead(404).end();
});

// Jobs have terminals in the browser; who may open one depends on the page that asks.
server.on('upgrade', ({ headers }, socket) => {
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write(`${[...head, `X-Seen-Origin: ${headers.origin}`].join('\r\n')}\r\n\r\n`);
  socket.pipe(socket);
});

server.listen(Number(values.port), '127.0.0.1');
