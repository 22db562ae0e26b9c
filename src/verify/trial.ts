import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HIDDEN_ADDRESS_HEADERS } from '../policy/answerHeaders.ts';
import { formatAddress } from '../policy/cidr.ts';
import { credentialText, keySource } from '../policy/key.ts';
import { hostAndPort } from '../policy/origin.ts';
import { headBytesOf } from '../policy/request.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import type { ExampleRequest } from '../prove/request.ts';
import { bodyLength } from '../prove/said.ts';
import type { ReadFileText, Target } from '../targets/target.ts';
import { identityFor } from './certificate.ts';
import { isRunnable, startEngine } from './engines.ts';
import { temporaryFolder } from './folder.ts';
import { freePorts } from './ports.ts';
import { accepts } from './process.ts';
import type { Random } from './random.ts';
import { openConnection, type RawResponse } from './raw.ts';
import { type Recorded, startRecorder } from './recorder.ts';
import type { Scope } from './scope.ts';
import { type Secrets, throwAwaySecrets } from './secrets.ts';
import { ARRIVAL_HEADER } from './upstreams.ts';

/** A real engine on a copy of files that listens and forwards on this machine. */
export interface Trial {
  readonly secrets: Secrets;
  /** Returns what became of a request; a text where it cannot be sent. */
  ask(request: ExampleRequest): Promise<Tried | string>;
}

/** What became of a request. */
export interface Tried {
  /** `undefined` where the engine closed the connection without an answer. */
  readonly response: RawResponse | undefined;
  readonly arrival: Arrival | undefined;
  /** Whether the certificates of upstreams are those of an authority that nobody knows. */
  readonly isStranger: boolean;
}

export interface Arrival {
  /** Such as `gitlab.example.com:443`. */
  readonly server: string;
  readonly request: Recorded;
}

export interface TrialOptions {
  readonly target: Target;
  readonly program: string;
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly files: readonly ReadFileText[];
  readonly random: Random;
  /** Whether upstreams have certificates of an authority that nobody knows. */
  readonly areStrangers?: boolean;
  /** A name that the certificates of all upstreams have too: one that the files ask for, and the spec does not. */
  readonly alsoNamed?: string | undefined;
  /** A request whose key has to be just that one. */
  readonly keyOf?: ExampleRequest | undefined;
}

/** Most listeners and servers of upstreams together. */
const MOST_PORTS = 60;
/** Milliseconds within which an answer must come. */
const PATIENCE = 20_000;

/** Starts the engine of a target; a text where that is not possible. */
export async function startTrial(options: TrialOptions, scope: Scope): Promise<Trial | string> {
  const { target, program, policy, proxy, files, random, areStrangers: isStranger = false, alsoNamed } = options;
  if (!isRunnable(target) || !target.moved) return 'the files of this target cannot be tried';
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  // When started by root, nginx works as another user, who must reach the files below.
  await chmod(folder.path, 0o711);
  const [port = 0, ...free] = await freePorts(MOST_PORTS);
  const [elsewhere, upstreams] = [new Map<string, number>(), new Map<string, number>()];
  const portFor = (ports: Map<string, number>) => (where: string) => {
    const text = where.toLowerCase();
    const own = ports.get(text) ?? free.pop() ?? 0;
    ports.set(text, own);
    return own;
  };
  const certificate = identityFor('trial.example');
  const authorities = join(folder.path, 'authorities.pem');
  const copies = target.moved(files, proxy, {
    port,
    elsewhere: portFor(elsewhere),
    upstream: portFor(upstreams),
    certificate: {
      certFile: await folder.write('proxy.crt', certificate.cert),
      keyFile: await folder.write('proxy.key', certificate.key),
    },
    authorities,
  });
  if (elsewhere.size + upstreams.size >= MOST_PORTS) return 'the files have too many listeners and servers';
  const arrivals: Arrivals = new Map();
  const trusted = await startServers(upstreams, { policy, arrivals, alsoNamed }, scope);
  await folder.write('authorities.pem', isStranger ? identityFor('a stranger to them').cert : trusted);
  const secrets = throwAwaySecrets(policy, random, options.keyOf && givenKey(options.keyOf));
  const secretFiles = target.secrets?.({ policy, values: secrets.values }).value ?? [];
  for (const { path, text } of copies) await write(join(folder.path, path), Buffer.from(text, 'latin1'));
  for (const { path, text } of secretFiles) await write(join(folder.path, path), text);
  const start = { program, folder: folder.path, ready: () => accepts(port), authorities };
  const server = await startEngine(target, start).catch((error: Error) => error.message);
  if (typeof server === 'string') return server;
  scope.defer(() => server.stop());
  return { secrets, ask: (request) => ask(request, { port, proxy, secrets, arrivals, isStranger }) };
}

async function write(file: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** By the number that the answer carries. */
type Arrivals = Map<string, Arrival>;

/** Of servers that the spec knows without TLS. */
const NAMELESS = 'nameless.example';

/** What a proxy hides. */
const TO_HIDE = HIDDEN_ADDRESS_HEADERS.map((name) => [name, 'of the upstream'] as const);

/** An order to nginx to answer with something of its own. */
const ORDER = ['X-Accel-Redirect', '/ordered'] as const;

interface Serving extends Pick<TrialOptions, 'policy' | 'alsoNamed'> {
  readonly arrivals: Arrivals;
}

/** Starts a server in place of each one of the upstreams, and returns their authorities as PEM. */
async function startServers(ports: ReadonlyMap<string, number>, serving: Serving, scope: Scope) {
  const { policy, arrivals, alsoNamed } = serving;
  const also = alsoNamed === undefined ? [] : [alsoNamed];
  const names = new Map<string, string | undefined>(
    policy.upstreams.flatMap(({ servers, tls }) =>
      servers.map((server) => [hostAndPort(server), tls?.serverName] as const),
    ),
  );
  // OpenSSL finds the authority of a certificate by its name alone.
  // An engine that is told no name asks for that of the server, which is an address on this machine.
  const identityOf = (name: string) => identityFor(name, '127.0.0.1', ...also);
  const identities = new Map([...new Set(names.values())].map((name) => [name, identityOf(name ?? NAMELESS)] as const));
  let count = 0;
  for (const [server, port] of ports) {
    // A server that the spec does not know is most likely an edit of one that it knows.
    const name = names.has(server) ? names.get(server) : [...names.values()].find((each) => each !== undefined);
    const tls = identities.get(name) ?? identityOf(NAMELESS);
    const answer = (request: Recorded) => {
      const number = String(++count);
      arrivals.set(number, { server, request });
      return { fields: [[ARRIVAL_HEADER, number], ORDER, ...TO_HIDE] as const, body: 'tried' };
    };
    // The files may say http where the spec says https, and the other way round.
    const recorder = await startRecorder({ port, answer, keep: false, tls, alsoPlain: true });
    scope.defer(() => recorder.close());
  }
  return [...identities.values()].map(({ cert }) => cert).join('');
}

interface Asked {
  readonly port: number;
  readonly proxy: Proxy;
  readonly secrets: Secrets;
  readonly arrivals: Arrivals;
  readonly isStranger: boolean;
}

async function ask(
  request: ExampleRequest,
  { port, proxy, secrets, arrivals, isStranger }: Asked,
): Promise<Tried | string> {
  const raw = bytesOf(request, proxy, secrets);
  if ('problem' in raw) return raw.problem;
  const { family } = request.peer;
  const peer = formatAddress(request.peer);
  if (peer === '255.255.255.255') return 'engines take no such address from the line of PROXY protocol';
  const preface = `PROXY ${family === 4 ? `TCP4 ${peer} 127.0.0.1` : `TCP6 ${peer} ::1`} 50000 80\r\n`;
  const tls = proxy.tls ? { tls: { serverName: proxy.hosts[0] ?? 'trial.example' } } : {};
  const connection = await openConnection({ port, preface, ...tls });
  try {
    connection.write(raw.bytes);
    const response = await connection.receive(request.method, PATIENCE);
    const number = response?.field(ARRIVAL_HEADER) ?? '';
    const arrival = arrivals.get(number);
    arrivals.delete(number);
    return { response, arrival, isStranger };
  } finally {
    connection.close();
  }
}

/** Longest body that is sent. */
const MOST_BODY = 16_000_000;
/** The size of a header whose value is empty, for padding. */
const PADDING = 'X-Padding: \r\n';
const KEY = new RegExp(`^${keySource()}`);
const SELECTOR_LENGTH = 8;

/** Returns the bytes of a request, with the keys of this trial. */
export function bytesOf(
  request: ExampleRequest,
  { apiKeyHeader, apiKeyScheme }: Pick<Proxy, 'apiKeyHeader' | 'apiKeyScheme'>,
  secrets: Secrets,
): { readonly bytes: string } | { readonly problem: string } {
  const { method, target, caller, keyText, body, headBytes } = request;
  const headers = request.headers.filter(([name, value]) => name !== apiKeyHeader || value === '');
  if (keyText !== '') {
    const scheme = caller.kind === 'known' || caller.kind === 'followed' ? apiKeyScheme : undefined;
    headers.push([apiKeyHeader, credentialText(scheme, keyOf(keyText, caller, secrets))]);
  }
  const least = headBytesOf({ method, target, headers });
  if (headBytes !== undefined && headBytes !== least) {
    if (headBytes < least + PADDING.length) return { problem: `its head would have to have ${headBytes} bytes` };
    headers.push(['X-Padding', 'x'.repeat(headBytes - least - PADDING.length)]);
  }
  const length = bodyLength(request) ?? 0;
  if (length > MOST_BODY) return { problem: `its body would have to have ${length} bytes` };
  const head = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''];
  const content = body === 'chunked' ? '3\r\nabc\r\n0\r\n\r\n' : 'a'.repeat(length);
  return { bytes: head.join('\r\n') + content };
}

/** The key of a request, by its reference; another one of another length may be taken otherwise. */
function givenKey({ caller, keyText }: ExampleRequest): ReadonlyMap<string, string> {
  if (caller.kind === 'text' || caller.kind === 'alike') return new Map();
  const reference = caller.key.keys[caller.position]?.text;
  const [key] = KEY.exec(keyText) ?? [];
  return new Map(reference === undefined || key === undefined ? [] : [[reference, key]]);
}

function keyOf(text: string, caller: ExampleRequest['caller'], secrets: Secrets): string {
  if (caller.kind === 'text') return text;
  const key = secrets.keysOf(caller.key.id)[caller.kind === 'alike' ? 0 : caller.position] ?? '';
  if (caller.kind !== 'alike') return text.replace(KEY, () => key);
  return text.replace(KEY, (own) => own.slice(0, -SELECTOR_LENGTH) + key.slice(-SELECTOR_LENGTH));
}
