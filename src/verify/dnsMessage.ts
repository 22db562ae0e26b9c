/** As much of RFC 1035 as it takes to ask for an address and to answer. */
export interface Question {
  readonly id: number;
  /** Without trailing dot, in the case in which it was sent. */
  readonly name: string;
  readonly type: number;
}

export interface DnsAnswer {
  readonly id: number;
  readonly code: number;
  /** Owner and address of each A record. */
  readonly records: readonly { readonly name: string; readonly address: string }[];
}

export const TYPE_A = 1;

export function encodeQuery({ id, name, type }: Question): Buffer {
  return Buffer.concat([header(id, 0x0100, 0), encodeName(name), words(type, 1)]);
}

/** An answer with one address, or with none for any other type than A. */
export function encodeAnswer({ id, name, type }: Question, address: readonly number[]): Buffer {
  const question = Buffer.concat([encodeName(name), words(type, 1)]);
  if (type !== TYPE_A) return Buffer.concat([header(id, 0x8180, 0), question]);
  const record = Buffer.concat([encodeName(name), words(TYPE_A, 1, 0, 60, 4), Buffer.from(address)]);
  return Buffer.concat([header(id, 0x8180, 1), question, record]);
}

export function decodeQuestion(bytes: Buffer): Question {
  const { name, next } = decodeName(bytes, 12);
  return { id: bytes.readUInt16BE(0), name, type: bytes.readUInt16BE(next) };
}

export function decodeAnswer(bytes: Buffer): DnsAnswer {
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
    // A pointer leads back, or it would lead round for ever.
    if (target >= at) throw new Error('a name that points forward');
    at = target;
  }
}
