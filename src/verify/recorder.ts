import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { Identity } from './certificate.ts';
import { type Fields, fieldOf, type Message, takeRequest } from './http1.ts';

/** A request as it reached the upstream. */
export interface Recorded {
  /** Request line and header fields, byte for byte (as latin1). */
  readonly head: string;
  readonly method: string;
  /** The request target, byte for byte. */
  readonly target: string;
  readonly fields: Fields;
  readonly body: Buffer;
  /** Fields after the last chunk. */
  readonly trailers?: Fields;
  /** The server name that the client asked for over TLS; "" for none. */
  readonly serverName?: string;
  field(name: string): string | undefined;
}

export interface Answer {
  readonly status?: number;
  readonly fields?: Fields;
  readonly body?: string;
  /** Ends the connection after the answer, or at once where the answer is `raw: ''`. */
  readonly close?: boolean;
  /** The bytes of the whole answer (as latin1), in place of all other members. */
  readonly raw?: string;
  /** Switches to WebSocket, ignoring the other fields, and echoes what follows. */
  readonly upgrade?: boolean;
}

export interface RecorderOptions {
  /** Any free port where absent. */
  readonly port?: number;
  readonly host?: string;
  readonly tls?: Identity;
  /** Whether a server that speaks TLS takes requests without it, too. */
  readonly alsoPlain?: boolean;
  /** 200 with a small JSON body where absent. */
  readonly answer?: Answer | ((request: Recorded) => Answer);
  /**
   * Whether `requests` collects them; true where absent. A long run says false and sees each request once, in `answer`.
   */
  readonly keep?: boolean;
}

export interface Recorder {
  readonly port: number;
  /** In the order in which they arrived. */
  readonly requests: readonly Recorded[];
  /** Returns what was recorded so far and forgets it. */
  take(): readonly Recorded[];
  /** Uses another certificate from now on, and closes the connections made with the old one. */
  become(identity: Identity): void;
  close(): Promise<void>;
}

/** An upstream that writes down what it is sent and answers every request. */
export async function startRecorder(options: RecorderOptions = {}): Promise<Recorder> {
  const { port = 0, host = '127.0.0.1', tls, alsoPlain = false, answer = {}, keep = true } = options;
  let requests: Recorded[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    record(socket, (request) => {
      if (keep) requests.push(request);
      return typeof answer === 'function' ? answer(request) : answer;
    });
  };
  const secure = tls && createTlsServer({ ...tls, noDelay: true }, serve);
  const either = secure && alsoPlain && createTcpServer({ noDelay: true }, (socket) => sortOut(socket, secure, serve));
  const server = either || (secure ?? createTcpServer({ noDelay: true }, serve));
  const bound = await listen(server, port, host);
  return {
    port: bound,
    get requests() {
      return requests;
    },
    take() {
      const taken = requests;
      requests = [];
      return taken;
    },
    become(identity) {
      if (!secure) throw new Error('only a server that speaks TLS has a certificate');
      secure.setSecureContext({ ...identity });
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The first byte of a connection over TLS. */
const HANDSHAKE = 0x16;

/** Hands a connection to whoever speaks as its first byte says. */
function sortOut(socket: Socket, secure: TlsServer, serve: (socket: Socket) => void): void {
  socket.on('error', () => {});
  socket.once('data', (bytes: Buffer) => {
    socket.pause();
    socket.unshift(bytes);
    if (bytes[0] === HANDSHAKE) secure.emit('connection', socket);
    else serve(socket);
    process.nextTick(() => socket.resume());
  });
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      const address = server.address();
      if (typeof address === 'object' && address !== null) resolve(address.port);
    });
  });
}

const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

function record(socket: Socket, answer: (request: Recorded) => Answer): void {
  let received: Buffer = Buffer.alloc(0);
  let upgraded = false;
  const serverName = 'servername' in socket ? String(socket.servername || '') : undefined;
  socket.on('data', (bytes: Buffer) => {
    if (upgraded) return void socket.write(bytes);
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    for (let taken = takeRequest(received); taken; taken = takeRequest(received)) {
      received = taken.rest;
      const request = recordedFrom(taken.value, serverName);
      const given = answer(request);
      upgraded = given.upgrade ?? false;
      socket.write(upgraded ? SWITCHING : responseTo(request, given));
      if (given.close) return void socket.end();
    }
  });
  // A proxy may drop its connection; the request is recorded all the same.
  socket.on('error', () => {});
}

function recordedFrom({ head, startLine, fields, body, trailers }: Message, serverName: string | undefined): Recorded {
  const [method = '', target = ''] = startLine.split(' ');
  const name = serverName === undefined ? {} : { serverName };
  const more = trailers === undefined ? {} : { trailers };
  return { head, method, target, fields, body, ...more, ...name, field: (wanted) => fieldOf(fields, wanted) };
}

function responseTo({ method }: Recorded, answer: Answer): string | Buffer {
  if (answer.raw !== undefined) return Buffer.from(answer.raw, 'latin1');
  const { status = 200, fields = [], body = '{"ok":true}' } = answer;
  const given = new Set(fields.map(([name]) => name.toLowerCase()));
  const standard: Fields = [
    ['Content-Type', 'application/json'],
    ['Content-Length', String(Buffer.byteLength(body))],
  ];
  const all = [...standard.filter(([name]) => !given.has(name.toLowerCase())), ...fields];
  const head = [`HTTP/1.1 ${status} Recorded`, ...all.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
  return `${head}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}
