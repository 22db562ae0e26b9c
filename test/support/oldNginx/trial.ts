import { importers, specText } from '../../../src/commands/import.ts';
import { compile } from '../../../src/compile.ts';
import type { Imported, ImportFile, NotCarried } from '../../../src/import/draft.ts';
import { evaluate } from '../../../src/library.ts';
import type { Decision } from '../../../src/policy/decide.ts';
import { proxyAsked } from '../../../src/policy/hosts.ts';
import type { Policy, Proxy } from '../../../src/policy/types.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { type Server, startServer } from '../../../src/verify/process.ts';
import { type Connection, openConnection } from '../../../src/verify/raw.ts';
import type { Recorded, Recorder } from '../../../src/verify/recorder.ts';
import type { OldConfig } from './config.ts';
import type { Ports } from './http.ts';
import { type Line, type Place, printed } from './print.ts';
import type { OldRequest } from './requests.ts';

export interface Counts {
  configs: number;
  /** Configurations that nginx itself refuses. */
  refused: number;
  requests: number;
  allowed: number;
  /** Forwarded by the old server and refused by the spec, with a word about it. */
  told: number;
  /** As `told`, of requests that a spec always refuses. */
  unusual: number;
}

export interface Fault {
  readonly kind: string;
  readonly text: string;
  readonly request?: OldRequest;
}

/** What the old server did. */
interface Seen {
  readonly status: number;
  readonly place: number | undefined;
  /** What reached an upstream and was answered by it, with the upstream's port. */
  readonly forwarded?: { readonly port: number; readonly request: Recorded };
}

export interface Bench {
  readonly program: string;
  readonly ports: Ports;
  readonly recorders: readonly Recorder[];
  readonly counts: Counts;
}

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `${name}_temp_path temp_${name};`)
  .join(' ');

const EXTRA: readonly ImportFile[] = [
  { name: 'inc/more-keys.map', text: '"key-of-the-second-caller-2" token-1;\n' },
  { name: 'inc/more.geo', text: '127.0.0.9 1;\n' },
];

/** Where a trial gets its requests: about the configuration, and about the spec that was made of it. */
export type Asking = (policy: Policy | undefined) => readonly OldRequest[];

/** Imports a configuration, runs it, and asks both about the same requests. */
export async function tried(old: OldConfig, asking: Asking, bench: Bench): Promise<readonly Fault[]> {
  const files = [...old.files, ...EXTRA];
  const imported = importers()
    .find(({ kind }) => kind === 'nginx')
    ?.read(files);
  if (!imported) throw new Error('no importer of nginx');
  const spec = 'problem' in imported ? undefined : specText(imported);
  const compiled = spec === undefined ? undefined : compile(spec, { file: 'imported.yaml', read: () => undefined });
  const judge = new Judge(old, imported, compiled?.policy);
  const folder = await temporaryFolder();
  try {
    for (const { name, text } of files) await folder.write(name, text.replace(/^http \{/m, `http { ${TEMPORARY}`));
    await folder.write('users', 'u:{PLAIN}p\n');
    const server = await started(folder.path, bench);
    if (!server) return [];
    const broken = compiled?.diagnostics.filter(({ severity }) => severity === 'error') ?? [];
    const faults: Fault[] = broken.slice(0, 1).map(({ message }) => ({ kind: 'the spec is not valid', text: message }));
    try {
      const lines = new Lines();
      for (const request of asking(compiled?.policy)) {
        const seen = await sent(request, lines, bench.recorders);
        if (!seen) continue;
        bench.counts.requests += 1;
        const fault = judge.fault(request, seen, bench.counts);
        if (fault) faults.push({ ...fault, request });
      }
      lines.close();
    } finally {
      await server.stop();
    }
    return faults;
  } finally {
    await folder.remove();
  }
}

async function started(folder: string, { program, ports, counts }: Bench): Promise<Server | undefined> {
  const global = 'daemon off; master_process off; pid nginx.pid; error_log stderr crit;';
  const args = ['-e', 'stderr', '-p', `${folder}/`, '-c', 'nginx.conf', '-g', global];
  const ready = () => acceptsAny(ports.listen);
  try {
    const server = await startServer({ command: program, args, cwd: folder, ready, patience: 5_000 });
    counts.configs += 1;
    return server;
  } catch {
    counts.refused += 1;
    return undefined;
  }
}

/** Returns a small part of a configuration that has a fault of the same kind for the same request. */
export async function smallest(lines: readonly Line[], fault: Fault, bench: Bench): Promise<Fault> {
  const asking: Asking = () => (fault.request ? [fault.request] : []);
  let [best, found] = [lines, fault];
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (let place = 0; ; place += 1) {
      const less = withoutLine(best, place);
      if (!less) break;
      const faults = await tried({ ...printed(less), lines: less }, asking, bench);
      const same = faults.find(({ kind }) => kind === fault.kind);
      if (!same) continue;
      [best, found] = [less, same];
      isSmaller = true;
      place -= 1;
    }
  }
  return found;
}

/** Without these lines nothing starts, or in another place. */
const KEPT = /^(?:access_log|events|http|upstream|server 127|listen)\b/;

/** Returns the lines without the one of this number, counted from the top, and without what is in it. */
function withoutLine(lines: readonly Line[], place: number): readonly Line[] | undefined {
  let left = place;
  const visit = (list: readonly Line[]): readonly Line[] =>
    list.flatMap((one) => {
      if (!KEPT.test(one.text) && left-- === 0) return [];
      const block = one.block && visit(one.block);
      return [block ? { ...one, block } : one];
    });
  const found = visit(lines);
  return left >= 0 ? undefined : found;
}

async function acceptsAny(ports: readonly number[]): Promise<boolean> {
  for (const port of ports) {
    const found = await openConnection({ port }).catch(() => undefined);
    found?.close();
    if (found) return true;
  }
  return false;
}

/** Connections that are kept, one for each client. */
class Lines {
  readonly #open = new Map<string, Connection>();

  async to({ port, from }: OldRequest): Promise<Connection | undefined> {
    const key = `${port} ${from}`;
    const known = this.#open.get(key);
    if (known?.open) return known;
    const made = await openConnection({ port, from }).catch(() => undefined);
    if (made) this.#open.set(key, made);
    return made;
  }

  close(): void {
    for (const one of this.#open.values()) one.close();
  }
}

/** The field by which an answer tells that it comes from an upstream, and of which request. */
export const SEEN = 'X-Seen';

async function sent(request: OldRequest, lines: Lines, recorders: readonly Recorder[]): Promise<Seen | undefined> {
  const { method, target, headers } = request;
  const fields = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  for (let again = 0; again < 2; again += 1) {
    const line = await lines.to(request);
    if (!line) return undefined;
    for (const one of recorders) one.take();
    const text = Buffer.from(`${method} ${target} HTTP/1.1\r\n${fields}Content-Length: 0\r\n\r\n`, 'latin1');
    const answer = await line.send(text).catch(() => undefined);
    if (!answer) {
      line.close();
      // A connection that was kept may have been closed before; one that is new says that there is no answer.
      continue;
    }
    if (/close/i.test(answer.field('connection') ?? '')) line.close();
    const [, place] = /timeout=(\d+)/.exec(answer.field('keep-alive') ?? '') ?? [];
    const [, port = '', index = ''] = /^(\d+) (\d+)$/.exec(answer.field(SEEN) ?? '') ?? [];
    const recorder = recorders.find((one) => String(one.port) === port);
    const found = recorder?.requests.find((one) => one.field('X-Number') === index) ?? recorder?.requests.at(-1);
    return {
      status: answer.status,
      place: place === undefined ? undefined : Number(place),
      ...(recorder && found && { forwarded: { port: recorder.port, request: found } }),
    };
  }
  return { status: 444, place: undefined };
}

/** Words that say nothing about what is refused. */
const BESIDES =
  /names no client addresses|what the upstream hears|the upstream hears its own name|got no token of its own/;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

class Judge {
  readonly #old: OldConfig;
  readonly #imported: Imported | undefined;
  readonly #told: readonly NotCarried[];
  readonly #policy: Policy | undefined;

  constructor(
    old: OldConfig,
    imported: ReturnType<ReturnType<typeof importers>[number]['read']>,
    policy: Policy | undefined,
  ) {
    this.#old = old;
    this.#imported = 'problem' in imported ? undefined : imported;
    this.#told = 'problem' in imported ? (imported.reasons ?? []) : imported.notCarriedOver;
    this.#policy = policy;
  }

  fault(request: OldRequest, seen: Seen, counts: Counts): Fault | undefined {
    const decision = this.#decide(request);
    const about = () => this.#about(request, seen, decision);
    if (decision?.kind === 'forward') {
      counts.allowed += 1;
      const problem = this.#wider(request, seen, decision);
      return problem === undefined ? undefined : { kind: `wider: ${problem}`, text: about() };
    }
    const isHeadTold = request.method === 'HEAD' && this.#isTold(seen.place, /HEAD/);
    if (decision?.kind === 'answer' && !isHeadTold && (seen.forwarded || seen.status !== decision.status))
      return { kind: 'wider: the spec answers', text: about() };
    const isAnswered = seen.status >= 200 && seen.status < 300 && seen.place !== undefined;
    if (!(seen.forwarded || isAnswered) || decision?.kind === 'answer') return undefined;
    if (!isPlain(request)) {
      counts.unusual += 1;
      return undefined;
    }
    if (this.#isTold(seen.place)) {
      counts.told += 1;
      return undefined;
    }
    const did = seen.forwarded ? 'forwarded' : 'answered';
    return { kind: `${did}, refused by the spec, and not told`, text: about() };
  }

  #proxy({ port, target, headers, from }: OldRequest): Proxy | undefined {
    const proxies = this.#policy?.proxies ?? [];
    const on = (address: string | undefined) =>
      proxies.find(({ listen }) => listen.port === port && listen.address === address);
    const first = on('127.0.0.1') ?? on(undefined) ?? on('0.0.0.0');
    return first && from !== '' ? proxyAsked(proxies, first, { target, headers }) : undefined;
  }

  #decide(request: OldRequest): Decision | undefined {
    const proxy = this.#proxy(request);
    if (!proxy || !this.#policy) return undefined;
    const { method, target, headers, from } = request;
    const caller = this.#caller(proxy, headers);
    const decided = evaluate(this.#policy, {
      method,
      target,
      headers,
      from,
      proxy: proxy.id,
      at: 0,
      ...(caller !== undefined && { apiKey: caller }),
    });
    if (decided.kind === 'undecided') throw new Error(JSON.stringify(decided));
    return decided;
  }

  /** The caller whose key a request holds: the notes of a draft say on which line each key stands. */
  #caller({ apiKeyHeader }: Proxy, headers: OldRequest['headers']): string | undefined {
    const sent = headers.find(([name]) => name.toLowerCase() === apiKeyHeader?.toLowerCase())?.[1];
    if (sent === undefined) return undefined;
    return this.#imported?.draft.apiKeys?.find(({ notes: [note = ''] = [] }) => {
      const [, file, line] = /^(.*?):(\d+);/.exec(note) ?? [];
      const text = this.#old.files.find(({ name }) => name === file)?.text.split('\n')[Number(line) - 1];
      return text?.includes(`"${sent}"`) || text?.includes(`"\\\\${sent}"`);
    })?.id;
  }

  #wider(
    request: OldRequest,
    { forwarded, place }: Seen,
    decision: Extract<Decision, { kind: 'forward' }>,
  ): string | undefined {
    // Who the client is, where several proxies wrote a header, is told and differs.
    const isReported = request.headers.some(([name]) => /^X-(?:Forwarded-For|Real-IP)$/.test(name));
    if (!forwarded && isReported && this.#isTold(place, /last address of the header/)) return undefined;
    if (!forwarded) return this.#isHeadTold(request, decision) ? undefined : 'the old server did not forward it';
    const upstream = this.#policy?.upstreams.find(({ id }) => id === decision.forwarding.upstream);
    if (!upstream?.servers.some(({ port }) => port === forwarded.port)) return 'it went to another upstream';
    if (forwarded.request.method !== request.method) return 'it was sent on with another method';
    const [path, query] = parts(request.target);
    const [oldPath, oldQuery] = parts(forwarded.request.target);
    if (path !== oldPath) return 'it was sent on with another path';
    if (query !== oldQuery && !this.#isTold(place, /query/)) return 'it was sent on with another query';
    const token = forwarded.request.field(upstream.tokenHeader);
    if (
      decision.key &&
      !token?.includes('token-') &&
      !this.#told.some(({ reason }) => /no token of its own|is before its tokens/.test(reason))
    )
      return 'the upstream got the token in another header';
    return undefined;
  }

  /** Returns whether HEAD is listed about the location that an allowed request was granted for. */
  #isHeadTold({ method }: OldRequest, { at }: Extract<Decision, { kind: 'forward' }>): boolean {
    const [, group, , index] = at;
    const entry = this.#imported?.draft.routes?.find(({ id }) => id === group)?.allow[Number(index)];
    const isAbout = ({ file, line, reason }: NotCarried) =>
      /HEAD/.test(reason) && entry?.notes?.includes(`${file}:${line}`) === true;
    return method === 'HEAD' && this.#told.some(isAbout);
  }

  /** Returns whether something is listed about a location, or about all of them. */
  #isTold(id: number | undefined, words = /./): boolean {
    const { places } = this.#old;
    const own = places.find((one) => one.id === id);
    return this.#told.some(({ file, line, reason }) => {
      if (BESIDES.test(reason) || !words.test(reason)) return false;
      const inner = places.filter((one) => holds(one, file, line)).sort((a, b) => b.first - a.first)[0];
      return (
        !inner || !own || inner === own || (inner.file === own.file && inner.first < own.first && inner.last > own.last)
      );
    });
  }

  #about(request: OldRequest, seen: Seen, decision: Decision | undefined): string {
    const told = this.#told.map(({ file, line, what, reason }) => `  ${file}:${line}: ${what}: ${reason}`).join('\n');
    const text = this.#old.files
      .map(
        ({ name, text: one }) =>
          `== ${name}\n${one
            .split('\n')
            .map((row, index) => `${index + 1} ${row}`)
            .join('\n')}`,
      )
      .join('\n');
    const { forwarded, ...rest } = seen;
    const got = forwarded && `${forwarded.port} ${forwarded.request.head.split('\r\n')[0]}`;
    const spec = this.#imported ? specText(this.#imported).split('# Not carried')[0] : 'no spec';
    return `${JSON.stringify(request)}\nold: ${JSON.stringify(rest)} ${got ?? 'not forwarded'}\nnew: ${JSON.stringify(decision)?.slice(0, 300)}\ntold:\n${told}\n${text}\n${spec}`;
  }
}

function holds({ file, first, last }: Place, name: string, line: number): boolean {
  return file === name && first <= line && line <= last;
}

/** Path and query, as the upstream understands them: nginx may escape a path anew. */
function parts(target: string): readonly [path: string, query: string] {
  const at = target.indexOf('?');
  const [path, query] = at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
  return [unescape(path), query];
}

function unescape(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A request of the kind that a spec can allow: it has no path that is written unusually, and a usual method. */
function isPlain({ method, target, headers }: OldRequest): boolean {
  const isUsual = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\/?(?:\?[a-z]=[a-z0-9]*)?$/.test(target);
  return isUsual && METHODS.includes(method) && !headers.some(([, value]) => /^(?:Bearer )?KEY-/.test(value));
}
