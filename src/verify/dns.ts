import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** Looks a name up; `undefined` where no answer comes within so many milliseconds. */
export type Ask = (name: string, patience?: number) => Promise<NameAnswer | undefined>;

export interface NameAnswer {
  /** The response code of RFC 1035, such as 3 for a name that does not exist. */
  readonly code: number;
  /** Of the first address; both are "" where there is none. */
  readonly owner: string;
  readonly address: string;
}

/** An address in 10.0.0.0/8 that differs from name to name. */
export function addressOf(name: string): string {
  let value = 0x811c9dc5;
  for (const letter of name.toLowerCase()) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193);
  return [10, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

export async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Starts a resolver that answers each name with an address of its own. */
export async function startResolver(): Promise<Socket> {
  const socket = await bound();
  socket.on('message', (bytes, { port, address }) => {
    const question = decodeQuestion(bytes);
    socket.send(encodeAnswer(question, addressOf(question.name).split('.').map(Number)), port, address);
  });
  return socket;
}

export function asker(socket: Socket, port: number): Ask {
  const waiting = new Map<number, (bytes: Buffer | undefined) => void>();
  let count = 0;
  socket.on('message', (bytes) => waiting.get(bytes.readUInt16BE(0))?.(bytes));
  // While the server is still starting, nobody listens and the socket gets an error.
  socket.on('error', () => {});
  return async (name, patience = 5_000) => {
    count = (count + 1) & 0xffff;
    const id = count;
    socket.send(encodeQuery({ id, name, type: TYPE_A }), port, '127.0.0.1');
    const bytes = await new Promise<Buffer | undefined>((resolve) => {
      const late = setTimeout(() => resolve(undefined), patience);
      waiting.set(id, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
    });
    waiting.delete(id);
    if (!bytes) return undefined;
    const { code, records } = decodeAnswer(bytes);
    const [first] = records;
    return { code, owner: first?.name ?? '', address: first?.address ?? '' };
  };
}

/** A question of RFC 1035; only address lookups are needed here. */
interface Question {
  readonly id: number;
  /** Without trailing dot, in the case in which it was sent. */
  readonly name: string;
  readonly type: number;
}

interface DnsAnswer {
  readonly id: number;
  readonly code: number;
  /** Owner and address of each A record. */
  readonly records: readonly { readonly name: string; readonly address: string }[];
}

const TYPE_A = 1;

function encodeQuery({ id, name, type }: Question): Buffer {
  return Buffer.concat([header(id, 0x0100, 0), encodeName(name), words(type, 1)]);
}

/** An answer with one address, or with none for any other type than A. */
function encodeAnswer({ id, name, type }: Question, address: readonly number[]): Buffer {
  const question = Buffer.concat([encodeName(name), words(type, 1)]);
  if (type !== TYPE_A) return Buffer.concat([header(id, 0x8180, 0), question]);
  const record = Buffer.concat([encodeName(name), words(TYPE_A, 1, 0, 60, 4), Buffer.from(address)]);
  return Buffer.concat([header(id, 0x8180, 1), question, record]);
}

function decodeQuestion(bytes: Buffer): Question {
  const { name, next } = decodeName(bytes, 12);
  return { id: bytes.readUInt16BE(0), name, type: bytes.readUInt16BE(next) };
}

function decodeAnswer(bytes: Buffer): DnsAnswer {
  const count = bytes.readUInt16BE(6);
  let at = decodeName(bytes, 12).next + 4;
  const records: { name: string; address: string }[] = [];
  for (let i = 0; i < count; i += 1) {
    const { name, next } = decodeName(bytes, at);
    const length = bytes.readUInt16BE(next + 8);
    const data = bytes.subarray(next + 10, next + 10 + length);
    if (bytes.readUInt16BE(next) === TYPE_A) records.push({ name, address: [...data].join('.') });
    at = next + 10 + length;
  }
  return { id: bytes.readUInt16BE(0), code: bytes.readUInt16BE(2) & 15, records };
}

function header(id: number, flags: number, answers: number): Buffer {
  return words(id, flags, 1, answers, 0, 0);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
}

function decodeName(bytes: Buffer, start: number): { name: string; next: number } {
  const labels: string[] = [];
  let next: number | undefined;
  for (let at = start; ; ) {
    const length = bytes.readUInt8(at);
    if (length === 0) return { name: labels.join('.'), next: next ?? at + 1 };
    if (length < 0xc0) {
      labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
      continue;
    }
    next ??= at + 2;
    const target = bytes.readUInt16BE(at) & 0x3fff;
    // A compression pointer must point backwards, or decoding would never end.
    if (target >= at) throw new Error('a name that points forward');
    at = target;
  }
}
