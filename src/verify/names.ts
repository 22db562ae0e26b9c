import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasError } from '../diagnostics/diagnostic.ts';
import { resolveName } from '../policy/names.ts';
import type { DomainRewrite, Policy } from '../policy/types.ts';
import type { NameRunner } from '../targets/target.ts';
import { verifyCodes } from './codes.ts';
import type { Verified, VerifyOptions } from './engineRun.ts';
import { startEngine } from './engines.ts';
import { temporaryFolder } from './folder.ts';
import { freePort } from './ports.ts';
import { type Random, randomOf } from './random.ts';
import type { Scope } from './scope.ts';

/**
 * Looks up names through a real DNS server. The resolver behind it answers each name with an address of its own, so the
 * answer shows which name the server asked for.
 */
export async function verifyNames(options: VerifyOptions<NameRunner>, scope: Scope): Promise<Verified> {
  const { policy, target, program } = options;
  const resolver = await startResolver();
  scope.defer(async () => void resolver.close());
  const port = await freePort();
  const { value: files = [], diagnostics } = target.emit({
    policy,
    options: target.run.alone(options.options, { port, resolver: `127.0.0.1:${resolver.address().port}` }),
    at: ['targets', target.name],
    read: options.read,
  });
  if (hasError(diagnostics)) return { sent: 0, disagreements: 0, diagnostics };
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  for (const file of files.map(options.tamper ?? ((each) => each))) {
    await mkdir(dirname(join(folder.path, file.path)), { recursive: true });
    await writeFile(join(folder.path, file.path), file.text);
  }
  const client = await bound();
  scope.defer(async () => void client.close());
  const ask = asker(client, port);
  const ready = async () => (await ask('ready.invalid', 200)) !== undefined;
  const server = await startEngine(target, { program, folder: folder.path, ready });
  scope.defer(() => server.stop());
  return compareNames(options, ask);
}

type Ask = (name: string, patience?: number) => Promise<{ owner: string; address: string } | undefined>;

async function compareNames(
  { target, policy, requests, seed, progress }: VerifyOptions<NameRunner>,
  ask: Ask,
): Promise<Verified> {
  const names = [...new Set(namesFor(policy, randomOf(seed), requests))];
  const found: Verified['diagnostics'][number][] = [];
  for (const [index, name] of names.entries()) {
    const { name: expected, rewrite } = resolveName(policy, name);
    const answer = await ask(name);
    progress(index + 1);
    const isRight = answer?.address === addressOf(expected) && answer.owner.toLowerCase() === name.toLowerCase();
    if (isRight) continue;
    const actual =
      answer === undefined
        ? 'no address'
        : answer.address === addressOf(expected)
          ? `an answer about ${answer.owner}`
          : 'another name';
    found.push(
      verifyCodes.report('name-disagreement', rewrite?.origin ?? ['domainRewrites'], {
        engine: target.name,
        name,
        actual,
        expected,
      }),
    );
  }
  return { sent: names.length, disagreements: found.length, diagnostics: found.slice(0, 12) };
}

/** Every name of the spec, names below, above and beside it, and names that only look like it. */
function namesFor({ rewrites }: Policy, random: Random, count: number): string[] {
  const around = rewrites.flatMap(({ from, to }) => [
    from,
    to,
    `x.${from}`,
    `a.b.${from}`,
    `x${from}`,
    `x-${from}`,
    from.replace(/^[^.]*\./, ''),
    `${from}.example`,
    `${from}.cluster.local`,
    from.replace('.', 'x'),
    mixedCase(from, random),
    mixedCase(`x.${from}`, random),
    `x.${to}`,
    `_tcp.${from}`,
    `${'a'.repeat(60)}.${from}`,
  ]);
  const all = around.filter((name) => name.length <= 253 && name.includes('.'));
  // Where there are too many names, a random half covers every part of the spec.
  const fixed = all.length <= count ? all : Array.from({ length: count >> 1 }, () => random.pick(all));
  const made =
    rewrites.length === 0
      ? []
      : Array.from({ length: Math.max(0, Math.min(count, 5_000) - fixed.length) }, () =>
          madeName(random.pick(rewrites), random),
        );
  return [...fixed, ...made].filter((name) => name.length <= 253);
}

function madeName({ from }: DomainRewrite, random: Random): string {
  const label = () => random.text('abcdefghijklmnopqrstuvwxyz0123456789', 1 + random.below(8));
  const labels = from.split('.');
  const index = random.below(labels.length);
  return random.pick([
    `${label()}.${from}`,
    `${label()}.${label()}.${from}`,
    `${label()}${from}`,
    labels.with(index, label()).join('.'),
    labels.toSpliced(index, 0, label()).join('.'),
    `${from}.${label()}`,
  ]);
}

function mixedCase(name: string, random: Random): string {
  return [...name].map((letter) => (random.chance(0.5) ? letter.toUpperCase() : letter)).join('');
}

/** An address in 10.0.0.0/8 that differs from name to name. */
function addressOf(name: string): string {
  let value = 0x811c9dc5;
  for (const letter of name.toLowerCase()) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193);
  return [10, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function startResolver(): Promise<Socket> {
  const socket = await bound();
  socket.on('message', (bytes, { port, address }) => {
    const question = decodeQuestion(bytes);
    socket.send(encodeAnswer(question, addressOf(question.name).split('.').map(Number)), port, address);
  });
  return socket;
}

function asker(socket: Socket, port: number): Ask {
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
    const record = bytes && decodeAnswer(bytes).records[0];
    return record && { owner: record.name, address: record.address };
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
