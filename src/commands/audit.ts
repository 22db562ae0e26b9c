import type { Imported } from '../import/draft.ts';
import { notCarriedText } from '../import/write.ts';
import { targets } from '../targets/index.ts';
import type { AuditedServer, RequestRunner, Target } from '../targets/target.ts';
import { findProgram, isRunnable, type RunnableTarget, serves, startEngine } from '../verify/engines.ts';
import { temporaryFolder } from '../verify/folder.ts';
import { freePorts } from '../verify/ports.ts';
import { type Connection, openConnection } from '../verify/raw.ts';
import { type Recorded, type Recorder, startRecorder } from '../verify/recorder.ts';
import { openScope, type Scope } from '../verify/scope.ts';
import { readAll, specText } from './import.ts';
import { type Io, progressTimer, type Status, unable, withHint } from './io.ts';
import { LAST_PORT } from './options.ts';

export interface AuditArguments {
  readonly nginx?: string | undefined;
  /** URL of a proxy that already runs on loopback. */
  readonly against?: string | undefined;
  /** Port of loopback that this proxy forwards to. */
  readonly upstream?: number | undefined;
  readonly operations?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly format?: 'text' | 'json' | undefined;
}

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
}

interface Crafted {
  readonly operation: string;
  readonly request: string;
  /** Method and target that arrived at the upstream. */
  readonly reached: string;
}

interface Findings {
  readonly reached: readonly string[];
  readonly crafted: readonly Crafted[];
  /** Headers of the caller that arrived and that may change what an upstream does, such as `Sudo`. */
  readonly overrides: readonly string[];
  /** Of the answers to operations that were sent as they are. */
  readonly statuses: ReadonlySet<number>;
}

/** Finds out what a proxy lets through, by sending requests: every finding is a request that arrived at an upstream. */
export async function audit(args: AuditArguments, io: Io): Promise<Status> {
  const scope = openScope();
  try {
    return await audited(args, scope, io);
  } catch (error) {
    return unable(`the proxy could not be asked: ${error instanceof Error ? error.message.trim() : String(error)}`, io);
  } finally {
    await scope.close();
  }
}

async function audited(args: AuditArguments, scope: Scope, io: Io): Promise<Status> {
  const operations = readOperations(args.operations, io);
  if (typeof operations === 'string') return unable(operations, io);
  const recorder = await startRecorder(args.against === undefined ? {} : { port: args.upstream ?? 0 });
  scope.defer(() => recorder.close());
  const started = args.against === undefined ? await startOld(args, recorder, scope, io) : running(args);
  if (typeof started === 'string') return unable(started, io);
  const asker = new Asker(started, recorder, scope, args.header ?? []);
  const findings = await findAll(operations, asker, io);
  const doubt = findings.reached.length + findings.crafted.length > 0 ? undefined : doubtOf(findings, args);
  if (doubt !== undefined) return unable(doubt, io);
  return report(findings, operations.length, started.imported, args.format ?? 'text', io);
}

/** What a proxy says that has looked at the path: nothing is there, or nothing by this method. */
const ABOUT_PATHS = [404, 405];

/**
 * Returns why it cannot be told whether a proxy refuses requests of which none arrived: it may have answered all of
 * them before it looked at what they ask for, or have sent them elsewhere.
 */
function doubtOf({ statuses }: Findings, { against, upstream }: AuditArguments): string | undefined {
  if (statuses.size === 0)
    return 'the proxy closed every connection without an answer; does it speak HTTP without TLS there?';
  if (against === undefined) return undefined;
  if ([...statuses].some((status) => status < 300))
    return `some requests were answered well, and none arrived at port ${upstream}: does the proxy forward there?`;
  const [status = 0, other] = statuses;
  if (other !== undefined || ABOUT_PATHS.includes(status)) return undefined;
  const remedy =
    status === 400
      ? 'does it speak HTTP without TLS there?'
      : status >= 500
        ? `does it forward to port ${upstream}?`
        : 'give what it asks every request for with --header, such as a key or its Host';
  return `the proxy answered ${status} to every request, whatever it asked for: ${remedy}`;
}

const OPERATIONS = 'name a file with "METHOD /path" a line, such as GET /api/v4/user';

/** Reads lines of `METHOD path`, with a tab or a blank in between; parameters in braces become numbers. */
function readOperations(file: string | undefined, io: Io): readonly Operation[] | string {
  if (file === undefined) return 'name the operations to send with --operations: "METHOD /path" a line';
  const found = readAll([file], io);
  if ('problem' in found) return withHint(`cannot read ${file}: ${found.problem}`, OPERATIONS);
  const rows: Operation[] = [];
  for (const [index, line] of (found.files[0]?.text ?? '').split('\n').entries()) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const [, method, path] = /^([A-Z]+)[\t ]+(\/\S*)/.exec(line) ?? [];
    // What is not sent would look like what does not get through.
    if (method === undefined || path === undefined)
      return withHint(`${file}:${index + 1}: this is no operation`, OPERATIONS);
    let number = 4200;
    rows.push({ name: `${method} ${path}`, method, path: path.replace(/\{[^}]*\}/g, () => String(++number)) });
  }
  return rows.length === 0 ? withHint(`${file} lists no operation`, OPERATIONS) : rows;
}

interface Started {
  readonly servers: readonly AuditedServer[];
  /** Headers of every request. */
  readonly headers: readonly string[];
  readonly imported?: Imported;
}

function running({ against = '', upstream }: AuditArguments): Started | string {
  const [, host, port] = /^http:\/\/(127\.0\.0\.1|localhost):(\d+)\/?$/.exec(against) ?? [];
  if (host === undefined) return '--against takes a proxy on this machine, such as http://127.0.0.1:8080';
  if (Number(port) < 1 || Number(port) > LAST_PORT) return `--against: a port is a number from 1 to ${LAST_PORT}`;
  if (upstream === undefined)
    return '--against needs --upstream: the port of 127.0.0.1 that the proxy takes for its upstream';
  return { servers: [{ port: Number(port), host: `${host}:${port}` }], headers: [] };
}

async function startOld(
  { nginx: configuration }: AuditArguments,
  recorder: Recorder,
  scope: Scope,
  io: Io,
): Promise<Started | string> {
  const target = targets.find(({ audited }) => audited);
  if (!target?.audited || !isRunnable(target) || !serves(target, 'requests') || configuration === undefined)
    return 'name a configuration, or a running proxy with --against';
  const found = readAll([configuration], io);
  const remedy = target.importer?.remedy ?? 'name another configuration';
  if ('problem' in found) return withHint(`cannot read ${configuration}: ${found.problem}`, remedy);
  const auditable = target.audited(found.files);
  if ('problem' in auditable) return withHint(`${auditable.file}:${auditable.line}: ${auditable.problem}`, remedy);
  if (auditable.sockets === 0) return `${configuration} has no server`;
  const moved = auditable.moveTo({ listen: await freePorts(auditable.sockets), upstream: recorder.port });
  for (const server of moved.unasked)
    io.err(`${server} is not asked: it is the default of no port, and no name that leads to it is written out\n`);
  if (moved.servers.length === 0) return 'no server can be asked';
  const program = findProgram(target, io.env);
  if (program === undefined)
    return withHint(`${target.run.program} is not on PATH`, 'install it, or put the folder that holds it into PATH');
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  for (const { path, text } of moved.files) await folder.write(`${target.name}/${path}`, text);
  await start(target, program, folder.path, moved.servers[0]?.port ?? 0, scope);
  const imported = target.importer?.read(found.files);
  const credential = moved.credential ? [`${moved.credential.header}: ${moved.credential.value}`] : [];
  return {
    servers: moved.servers,
    headers: credential,
    ...(imported && !('problem' in imported) && { imported }),
  };
}

async function start(
  target: RunnableTarget<RequestRunner> & Target,
  program: string,
  folder: string,
  port: number,
  scope: Scope,
): Promise<void> {
  const server = await startEngine(target, { program, folder, ready: { port } });
  scope.defer(() => server.stop());
}

/** Sends one request after the other to each server, and returns what arrived of each at the upstream. */
class Asker {
  readonly #started: Started;
  readonly #recorder: Recorder;
  readonly #more: readonly string[];
  readonly #connections = new Map<number, Connection>();
  /** Of all answers; none where each connection was closed, perhaps because the server speaks another protocol. */
  readonly statuses = new Set<number>();

  constructor(started: Started, recorder: Recorder, scope: Scope, more: readonly string[]) {
    this.#started = started;
    this.#recorder = recorder;
    this.#more = more;
    scope.defer(async () => {
      for (const connection of this.#connections.values()) connection.close();
    });
  }

  /** Asks servers until one forwards what is looked for. */
  async find(method: string, target: string, isWanted: (arrived: Recorded) => boolean): Promise<Recorded | undefined> {
    for (const server of this.#started.servers) {
      // One request may bring several: a proxy asks somebody whether it is allowed, or sends a copy.
      const arrived = (await this.ask(server, method, target)).find(isWanted);
      if (arrived) return arrived;
    }
    return undefined;
  }

  get servers(): readonly AuditedServer[] {
    return this.#started.servers;
  }

  async ask(
    { port, host }: AuditedServer,
    method: string,
    target: string,
    headers: readonly string[] = [],
  ): Promise<readonly Recorded[]> {
    this.#recorder.take();
    const body = /^(?:GET|HEAD|DELETE|OPTIONS)$/.test(method)
      ? []
      : ['Content-Type: application/json', 'Content-Length: 2'];
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `Host: ${host}`,
      ...this.#started.headers,
      ...this.#more,
      ...headers,
      ...body,
    ];
    const text = `${lines.join('\r\n')}\r\n\r\n${body.length > 0 ? '{}' : ''}`;
    const kept = this.#connections.get(port);
    // A server closes a connection after some errors, and after a number of requests.
    let end: End = kept?.open ? await this.#send(kept, text) : 'closed';
    if (end === 'closed') end = await this.#send(await this.#opened(port), text);
    if (end !== 'answered') this.#connections.delete(port);
    const arrived = this.#recorder.take();
    if (end === 'late' && arrived.length === 0) throw new Error(`no answer to ${method} ${target} in time`);
    return arrived;
  }

  async #opened(port: number): Promise<Connection> {
    const connection = await openConnection({ port });
    this.#connections.set(port, connection);
    return connection;
  }

  async #send(connection: Connection, text: string): Promise<End> {
    let isLate = false;
    const clock = setTimeout(() => {
      isLate = true;
      connection.close();
    }, PATIENCE);
    try {
      this.statuses.add((await connection.send(text)).status);
      return 'answered';
    } catch {
      const end = isLate || connection.open ? 'late' : 'closed';
      connection.close();
      return end;
    } finally {
      clearTimeout(clock);
    }
  }
}

/** How a request ended. A server that closes the connection instead of answering has refused it: some are told to. */
type End = 'answered' | 'closed' | 'late';

/** Milliseconds for an answer to end, whose server may go on for ever. */
const PATIENCE = 30_000;

const pathOf = (target: string) => target.split('?', 1)[0] ?? '';
/** Most tails from all operations. An operation is tried with half as many tails from similar paths as well. */
const MOST_TAILS = 40;
const OFTEN = 3_000;

async function findAll(operations: readonly Operation[], asker: Asker, io: Io): Promise<Findings> {
  const reached: Operation[] = [];
  const refused: Operation[] = [];
  const isTime = progressTimer(OFTEN);
  const progress = (done: number, what: string) => {
    if (isTime()) io.err(`${done} of ${operations.length} operations ${what}\n`);
  };
  for (const [index, operation] of operations.entries()) {
    const arrived = await asker.find(operation.method, operation.path, (one) => isIt(one, operation));
    (arrived ? reached : refused).push(operation);
    progress(index, 'sent as they are');
  }
  const statuses = new Set(asker.statuses);
  const tails = tailsOf(reached);
  const crafted: Crafted[] = [];
  for (const [index, operation] of refused.entries()) {
    for (const target of variants(operation, tailsFor(operation, tails))) {
      const arrived = await asker.find(operation.method, target, (one) => isIt(one, operation));
      if (!arrived) continue;
      crafted.push({
        operation: operation.name,
        request: `${operation.method} ${target}`,
        reached: `${arrived.method} ${arrived.target}`,
      });
      break;
    }
    progress(reached.length + index, 'sent in other spellings');
  }
  const names = reached.map(({ name }) => name);
  return { reached: names, crafted, overrides: await overrides(reached, asker), statuses };
}

function isIt(arrived: Recorded, { method, path }: Operation): boolean {
  return arrived.method === method && pathOf(arrived.target) === path;
}

interface Tail {
  readonly text: string;
  /** Segments of each path that ends with this text. */
  readonly paths: (readonly string[])[];
}

/**
 * Returns by method how the paths end that got through. A proxy that matches the decoded path sees such a tail behind
 * an escaped "?" (`/users/1%3F/issues`), while the upstream may see only the path before it.
 */
function tailsOf(reached: readonly Operation[]): ReadonlyMap<string, readonly Tail[]> {
  const found = new Map<string, Map<string, Tail>>();
  for (const { method, path } of reached) {
    const tails = found.get(method) ?? new Map<string, Tail>();
    found.set(method, tails);
    const segments = path.split('/').slice(1);
    for (const length of [1, 2, 3]) {
      const text = segments
        .slice(-length)
        .join('/')
        .replace(/\b\d+\b/g, '1');
      if (segments.length <= length || !/^[^/]*[a-z]/.test(text)) continue;
      const tail = tails.get(text) ?? { text, paths: [] };
      tails.set(text, tail);
      tail.paths.push(segments);
    }
  }
  return new Map([...found].map(([method, tails]) => [method, [...tails.values()]]));
}

/** Returns the tails to try for an operation: first those of the most similar paths, then the most frequent ones. */
function tailsFor({ method, path }: Operation, tails: ReadonlyMap<string, readonly Tail[]>): string[] {
  const segments = path.split('/').slice(1);
  const alike = (other: readonly string[]) => {
    const at = other.findIndex((segment, index) => segment !== segments[index]);
    return at < 0 ? other.length : at;
  };
  const rated = (tails.get(method) ?? []).map(({ text, paths }) => ({
    text,
    alike: Math.max(...paths.map(alike)),
    count: paths.length,
  }));
  const byName = (a: string, b: string) => (a < b ? -1 : 1);
  const near = rated.toSorted((a, b) => b.alike - a.alike || b.count - a.count || byName(a.text, b.text));
  const usual = rated.toSorted((a, b) => b.count - a.count || a.text.length - b.text.length || byName(a.text, b.text));
  const both = [...near.slice(0, MOST_TAILS / 2), ...usual.slice(0, MOST_TAILS)];
  return [...new Set(both.map(({ text }) => text))];
}

/** Yields other spellings of a request target, which a proxy and its upstream may read differently. */
function* variants({ path }: Operation, tails: readonly string[]): Generator<string> {
  for (const tail of tails) yield `${path}%3F/${tail}`;
  for (const tail of tails.slice(0, 4)) yield `/${tail}/..${path}`;
  for (const tail of tails.slice(0, 4)) yield `${path}%23/${tail}`;
  const last = path.lastIndexOf('/');
  yield `${path.slice(0, last)}%2F${path.slice(last + 1)}`;
  yield path.replace(/\//g, '//');
  yield `${path.slice(0, last)}/./${path.slice(last + 1)}`;
  yield `${path.slice(0, last)}/x/..${path.slice(last)}`;
  yield `${path.slice(0, last)}/x/%2e%2e${path.slice(last)}`;
  yield `${path.slice(0, last + 1)}%${(path.charCodeAt(last + 1) || 0x2f).toString(16).padStart(2, '0')}${path.slice(last + 2)}`;
  yield path.toUpperCase();
}

const OVERRIDES = [
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
  'X-Original-URL',
  'X-Rewrite-URL',
  'Sudo',
  'Authorization',
  'Cookie',
  'JOB-TOKEN',
  'X-Forwarded-For',
];

/** Returns those of `OVERRIDES` that arrive at the upstream as the caller sent them. */
async function overrides([first]: readonly Operation[], asker: Asker): Promise<string[]> {
  if (!first) return [];
  const headers = OVERRIDES.map((name) => `${name}: postern-audit`);
  const found = new Set<string>();
  for (const server of asker.servers) {
    const arrived = await asker.ask(server, first.method, first.path, headers);
    for (const name of OVERRIDES)
      if (arrived.some((one) => one.field(name)?.includes('postern-audit'))) found.add(name);
  }
  return OVERRIDES.filter((name) => found.has(name));
}

function report(
  { reached, crafted, overrides: headers }: Findings,
  operations: number,
  imported: Imported | undefined,
  format: 'text' | 'json',
  io: Io,
): Status {
  const status: Status = crafted.length > 0 || headers.length > 0 ? 1 : 0;
  const notCarriedOver = imported?.notCarriedOver ?? [];
  if (format === 'json') {
    const spec = imported && specText(imported);
    io.out(
      `${JSON.stringify({ operations, reached, crafted, overrides: headers, notCarriedOver, ...(spec !== undefined && { spec }) }, null, 2)}\n`,
    );
    return status;
  }
  io.out(
    `${operations} operations were sent; ${reached.length} got through as they are, ${crafted.length} more in another spelling\n`,
  );
  for (const name of reached) io.out(`  ${name}\n`);
  if (crafted.length > 0) io.out('only in another spelling:\n');
  for (const { operation, request, reached: arrived } of crafted)
    io.out(`  ${operation}: ${request} arrived as ${arrived}\n`);
  if (headers.length > 0) io.out(`headers of callers that arrive at the upstream: ${headers.join(', ')}\n`);
  if (imported) io.out(`\nwhat a spec can say of it:\n\n${specText(imported)}`);
  for (const one of notCarriedOver) io.err(`not carried over: ${notCarriedText(one)}\n`);
  return status;
}
