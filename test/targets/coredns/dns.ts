import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, HTTPS: 65 } as const;
export type RecordType = keyof typeof types;

export interface Answer {
  readonly rcode: number;
  /** The question as it came back, letter by letter. */
  readonly question: string;
  /** `owner TYPE data`, in the order of the message. */
  readonly records: readonly string[];
}

/** Asks a server on the loopback interface over UDP. Names are sent letter by letter, so that 0x20 case can be seen to survive. */
export async function ask(port: number, name: string, type: RecordType = 'A'): Promise<Answer> {
  const socket = createSocket('udp4');
  try {
    socket.send(query(name, type), port, '127.0.0.1');
    const [message] = (await once(socket, 'message', { signal: AbortSignal.timeout(20_000) })) as [Buffer];
    return decode(message);
  } finally {
    socket.close();
  }
}

function query(name: string, type: RecordType): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const question = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  const header = [0x13, 0x37, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
  return Buffer.concat([Buffer.from(header), ...question, Buffer.from([0, 0, types[type], 0, 1])]);
}

function decode(message: Buffer): Answer {
  const [question, afterName] = readName(message, 12);
  const count = message.readUInt16BE(6);
  const records: string[] = [];
  let at = afterName + 4;
  for (let i = 0; i < count; i += 1) {
    const [owner, start] = readName(message, at);
    const type = Object.entries(types).find(([, number]) => number === message.readUInt16BE(start))?.[0] ?? 'unknown';
    const length = message.readUInt16BE(start + 8);
    records.push(`${owner} ${type} ${readData(message, start + 10, length, type)}`);
    at = start + 10 + length;
  }
  return { rcode: message.readUInt16BE(2) & 0xf, question, records };
}

function readData(message: Buffer, at: number, length: number, type: string): string {
  const data = message.subarray(at, at + length);
  switch (type) {
    case 'A':
      return [...data].join('.');
    case 'AAAA':
      return data.toString('hex');
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return readName(message, at)[0];
    case 'MX':
      return `${data.readUInt16BE(0)} ${readName(message, at + 2)[0]}`;
    case 'SRV':
      return `${data.readUInt16BE(0)} ${data.readUInt16BE(2)} ${data.readUInt16BE(4)} ${readName(message, at + 6)[0]}`;
    case 'HTTPS':
      return `${data.readUInt16BE(0)} ${readName(message, at + 2)[0]}`;
    default:
      return data.toString('hex');
  }
}

/** The name at an offset and the offset behind it. Compression pointers lead backwards, so this ends. */
function readName(message: Buffer, start: number): [name: string, end: number] {
  let name = '';
  let end: number | undefined;
  for (let at = start; ; ) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) {
      end ??= at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
    } else if (length === 0) {
      return [name || '.', end ?? at + 1];
    } else {
      name += `${message.toString('latin1', at + 1, at + 1 + length)}.`;
      at += 1 + length;
    }
  }
}
