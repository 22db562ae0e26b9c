import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Fields, fieldOf, type Message, statusOf, takeResponse } from './http1.ts';

export interface Address {
  readonly port: number;
  readonly host?: string;
  /** Speaks TLS with this server name, taking any certificate where no authorities are given. */
  readonly tls?: { readonly serverName: string; readonly ca?: string };
  /** The address to come from, for instance 127.0.0.2. */
  readonly from?: string;
  /** Sent before anything else, in front of TLS too. */
  readonly preface?: string;
}

export interface RawResponse {
  readonly status: number;
  readonly startLine: string;
  readonly fields: Fields;
  readonly body: Buffer;
  /** Fields of interim answers before it, and of trailers after it. */
  readonly besides: Fields;
  /** The value of a field, `undefined` where it was not sent. */
  field(name: string): string | undefined;
  text(): string;
}

/** A connection that sends exactly the bytes it is given, one request after the other. */
export interface Connection {
  /** Sends one request as it is and waits for its response; rejects where the server closes without one. */
  send(request: string | Buffer): Promise<RawResponse>;
  /** Sends bytes, whatever they mean; a text is one byte a character (latin1). */
  write(bytes: string | Buffer): void;
  /**
   * The next response, read as one to this method; `undefined` where the server closes without one or says nothing for
   * so many milliseconds.
   */
  receive(method: string, patience?: number): Promise<RawResponse | undefined>;
  /**
   * The bytes received so far, as latin1, as soon as they contain this text, the server has closed, or it has been
   * silent for so many milliseconds.
   */
  until(text: string, patience: number): Promise<string>;
  /** Says that nothing more will be sent, and goes on listening. */
  end(): void;
  /** False once the server has closed, as it does after many errors. */
  readonly open: boolean;
  close(): void;
}

/** Milliseconds without a byte after which a server is taken for hung. */
const patience = 30_000;

export async function openConnection(address: Address): Promise<Connection> {
  const socket = await connected(address);
  let received: Buffer = Buffer.alloc(0);
  let ended = false;
  let failure = 'the server closed the connection without a response';
  let wake = (_late: boolean): void => {};
  const end = (reason?: string) => {
    ended = true;
    failure = reason ?? failure;
    wake(false);
  };
  socket.on('data', (bytes: Buffer) => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    wake(false);
  });
  socket.on('end', () => end()).on('close', () => end());
  socket.on('error', (error) => end(error.message));
  socket.on('timeout', () => {
    failure = 'no response in time';
    wake(true);
  });
  /** Waits until `make` can build something from the bytes received so far. */
  const waitFor = async <T>(make: () => T | undefined, milliseconds: number): Promise<T | undefined> => {
    for (let made = make(), waiting = false, late = false; ; made = make()) {
      if (made !== undefined || ended || late) {
        if (waiting) socket.setTimeout(0);
        return made;
      }
      if (!waiting) socket.setTimeout(milliseconds);
      waiting = true;
      late = await new Promise<boolean>((resolve) => {
        wake = resolve;
      });
    }
  };
  const next = (method: string, milliseconds = patience): Promise<RawResponse | undefined> =>
    waitFor(() => {
      const taken = takeResponse(received, method, ended);
      if (taken) received = taken.rest;
      return taken && responseFrom(taken.value);
    }, milliseconds);
  const until = async (text: string, milliseconds: number): Promise<string> => {
    const end = await waitFor(() => {
      const at = received.indexOf(text, 0, 'latin1');
      return at < 0 ? undefined : at + text.length;
    }, milliseconds);
    const taken = received.toString('latin1', 0, end);
    received = received.subarray(taken.length);
    return taken;
  };
  return {
    get open() {
      return !ended;
    },
    close: () => void socket.destroy(),
    write: (bytes) => void (typeof bytes === 'string' ? socket.write(bytes, 'latin1') : socket.write(bytes)),
    end: () => void socket.end(),
    receive: next,
    until,
    async send(request) {
      const method = /^[^ ]*/.exec(request.toString('latin1'))?.[0] ?? '';
      socket.write(request);
      const response = await next(method, patience);
      if (!response) throw new Error(failure);
      return response;
    },
  };
}

/** Sends one request as it is, over a connection of its own. */
export async function sendRaw(address: Address, request: string | Buffer): Promise<RawResponse> {
  const connection = await openConnection(address);
  try {
    return await connection.send(request);
  } finally {
    connection.close();
  }
}

async function connected({ port, host = '127.0.0.1', tls, from, preface = '' }: Address): Promise<Socket> {
  const to = { port, host, ...(from === undefined ? {} : { localAddress: from }) };
  const socket = await opened(connectTcp({ ...to, noDelay: true }), 'connect');
  if (preface !== '') socket.write(preface);
  if (!tls) return socket;
  const trust = tls.ca === undefined ? { rejectUnauthorized: false } : { ca: tls.ca };
  // TLS takes no address as server name; without one, Node sends the host's.
  const named = isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {};
  return opened(connectTls({ socket, ...named, ...trust }), 'secureConnect');
}

function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function responseFrom({ startLine, fields, body, interim = [], trailers = [] }: Message): RawResponse {
  const besides = [...interim.flat(), ...trailers];
  const status = statusOf(startLine);
  return {
    status,
    startLine,
    fields,
    body,
    besides,
    field: (name) => fieldOf(fields, name),
    text: () => body.toString('utf8'),
  };
}
