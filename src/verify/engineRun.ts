import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { hasError } from '../diagnostics/diagnostic.ts';
import { KEY_MAX_LENGTH } from '../policy/key.ts';
import type { Policy } from '../policy/types.ts';
import type { ReadFile, RenderedFile, RequestRunner, Runner } from '../targets/target.ts';
import { identityFor } from './certificate.ts';
import { type RunnableTarget, startEngine } from './engines.ts';
import type { Listener } from './exchange.ts';
import { temporaryFolder } from './folder.ts';
import { type Listening, loopbackPolicy, loopbackSockets } from './loopback.ts';
import { freePorts } from './ports.ts';
import type { Shard } from './probes/generate.ts';
import { ownTargets } from './probes/ownNames.ts';
import type { TestRequest } from './probes/tests.ts';
import type { Server } from './process.ts';
import { accepts } from './process.ts';
import { fixturesOf, type ProxyFixture } from './proxyFixture.ts';
import type { Random } from './random.ts';
import type { Scope } from './scope.ts';
import { type Secrets, throwAwaySecrets } from './secrets.ts';
import { startUpstreams, type Upstreams } from './upstreams.ts';

export interface EngineRunOptions {
  readonly program: string;
  readonly target: RunnableTarget<RequestRunner>;
  /** `targets.<name>` of the spec. */
  readonly options: unknown;
  readonly policy: Policy;
  readonly read: ReadFile;
  readonly random: Random;
  /** Whether keys keep their rate limits, which the probes would soon exceed. */
  readonly rates?: boolean;
  /** Milliseconds after which upstreams and bodies are taken for silent; long where absent. */
  readonly silence?: number;
  /** Which listeners the engine starts with; the proxies where absent. */
  readonly only?: Listening;
  /** Changes the generated files before the engine reads them; only the tests of `verify` do. */
  readonly tamper?: ((file: RenderedFile) => RenderedFile) | undefined;
}

/** Milliseconds: a 504 would only tell how busy this machine is. */
const PATIENT = 120_000;

export interface VerifyOptions<R extends Runner = RequestRunner> extends Omit<EngineRunOptions, 'random' | 'target'> {
  readonly target: RunnableTarget<R>;
  /** Number of generated probes, beside `tests`. */
  readonly requests: number;
  readonly seed: string;
  /** The part of the probes that is sent; all where absent. */
  readonly shard?: Shard | undefined;
  readonly tests: readonly TestRequest[];
  /** Whether to wait for the ends of what clients leave unfinished, which takes two minutes. */
  readonly patience?: boolean | undefined;
  /** Number of disagreements after which sending stops. */
  readonly enough?: number;
  readonly progress: (sent: number) => void;
}

export interface Verified {
  readonly sent: number;
  /** Number of probes on which engine and evaluator disagree. */
  readonly disagreements: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** A real engine on generated files, with the upstreams and secrets that a comparison needs. */
export interface EngineRun {
  readonly policy: Policy;
  readonly fixtures: ReadonlyMap<string, ProxyFixture>;
  readonly secrets: Secrets;
  readonly upstreams: Upstreams;
  readonly server: Server;
  /** Where the sites listen, if they do. */
  readonly site: Listener;
  /** Request targets that spell names of the generated files. */
  readonly ownTargets: readonly string[];
  /** The lines of the engine's access log; complete once it has ended. A long run logs more than a text can hold. */
  accessLog(): AsyncIterable<string>;
  /** The first secret found in anything that the engine wrote; call it once the engine has ended. */
  leak(): Promise<string | undefined>;
}

export type EngineRunResult = { readonly run: EngineRun } | { readonly diagnostics: readonly Diagnostic[] };

export async function startEngineRun(options: EngineRunOptions, scope: Scope): Promise<EngineRunResult> {
  const { program, target, random, only = 'proxies', tamper = (file) => file } = options;
  const upstreams = await startUpstreams(options.policy);
  scope.defer(() => upstreams.close());
  const sockets = loopbackSockets(options.policy, only);
  const ports = await freePorts(sockets.length + (only === 'proxies' ? 0 : 1));
  const sitePort = only === 'proxies' ? 0 : (ports.at(-1) ?? 0);
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  // When started by root, nginx works as another user, who must reach the files below.
  await chmod(folder.path, 0o711);
  const own = identityBehindSites(options.policy, upstreams, only) ?? identityFor('probe.example');
  const certificate = {
    certFile: await folder.write('proxy.crt', own.cert),
    keyFile: await folder.write('proxy.key', own.key),
  };
  const policy = loopbackPolicy(options.policy, {
    proxies: new Map(sockets.map((socket, index) => [socket, ports[index] ?? 0])),
    upstreams: upstreams.ports,
    caFile: await folder.write('authorities.pem', upstreams.authorities),
    tls: certificate,
    rates: options.rates ?? false,
    silence: options.silence ?? PATIENT,
    only,
  });
  const here = { port: sitePort, certificate, policy };
  const sites = only === 'proxies' ? undefined : target.run.sites(options.options, here);
  const emit = (rendered: Policy) =>
    target.emit({
      policy: rendered,
      options: sites ? sites.options : target.run.alone(options.options),
      at: ['targets', target.name],
      read: options.read,
    });
  const emitted = emit(policy);
  // A target that cannot limit rates must report that, so it also sees the keys with their rates.
  const { diagnostics: refusals } = emit({ ...policy, apiKeys: options.policy.apiKeys });
  const secrets = throwAwaySecrets(policy, random);
  const keyFiles = target.secrets?.({ policy, values: secrets.values });
  const diagnostics = [...refusals, ...(keyFiles?.diagnostics ?? [])];
  if (hasError(diagnostics)) return { diagnostics };
  const files = (emitted.value ?? []).map(tamper);
  const secretFiles = keyFiles?.value ?? [];
  await Promise.all(files.map((file) => write(folder.path, file, 0o644)));
  await Promise.all(secretFiles.map((file) => write(folder.path, file, 0o600)));
  const ready = async () => (await Promise.all(ports.map(accepts))).every(Boolean);
  const server = await startEngine(target, { program, folder: folder.path, ready });
  scope.defer(() => server.stop());
  const known = new Set([...files, ...secretFiles].map(({ path }) => path));
  const leak = async () => secrets.leakIn(server.output()) ?? leakBelow(folder.path, known, secrets);
  const fixtures = new Map(fixturesOf(policy, secrets).map((fixture) => [fixture.proxy.id, fixture]));
  const accessLog = () => linesIn(join(folder.path, target.name, target.run.accessLog));
  const site: Listener = {
    listen: { address: '127.0.0.1', port: sitePort },
    hosts: [],
    clientIp: sites?.does.clientIp ?? { kind: 'direct' },
    ...(sites?.does.speakTls && { tls: certificate }),
  };
  return {
    run: { policy, fixtures, secrets, upstreams, server, site, ownTargets: ownTargets(files), accessLog, leak },
  };
}

/** Sites ask a proxy behind them for the certificate of their upstream. */
function identityBehindSites({ rewrites, upstreams }: Policy, started: Upstreams, only: Listening) {
  if (only !== 'chain') return undefined;
  const ids = new Set(rewrites.map(({ upstream }) => upstream));
  return upstreams.flatMap(({ id, tls }) => (ids.has(id) && tls ? [started.identityOf(tls.serverName)] : []))[0];
}

async function write(folder: string, { path, text }: RenderedFile, mode: number): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode });
}

/** The first secret in a file below a folder, but for known ones. */
export async function leakBelow(
  folder: string,
  known: ReadonlySet<string>,
  secrets: Pick<Secrets, 'leakIn'>,
): Promise<string | undefined> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || known.has(file.slice(folder.length + 1))) continue;
    let end = '';
    for await (const piece of textIn(file, 'latin1')) {
      const leak = secrets.leakIn(end + piece);
      if (leak !== undefined) return leak;
      // Of a secret that lies across two pieces, the first holds all but its last character at most.
      end = (end + piece).slice(-KEY_MAX_LENGTH);
    }
  }
  return undefined;
}

/** The lines of a file; none where there is no file, since an engine may log nothing. */
async function* linesIn(file: string): AsyncGenerator<string> {
  let last = '';
  for await (const piece of textIn(file, 'utf8')) {
    const lines = (last + piece).split('\n');
    last = lines.pop() ?? '';
    yield* lines;
  }
  if (last !== '') yield last;
}

async function* textIn(file: string, encoding: BufferEncoding): AsyncGenerator<string> {
  try {
    for await (const piece of createReadStream(file, { encoding })) yield String(piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
