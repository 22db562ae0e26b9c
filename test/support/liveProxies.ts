import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { targets } from '../../src/targets/index.ts';
import { type TemporaryFolder, temporaryFolder } from '../../src/verify/folder.ts';
import { freePorts } from '../../src/verify/ports.ts';
import { accepts } from '../../src/verify/process.ts';
import { type Address, sendRaw } from '../../src/verify/raw.ts';
import { type Recorder, startRecorder } from '../../src/verify/recorder.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { certificateFor } from '../engines/certificate.ts';
import { type LiveCase, liveCase } from './live.ts';
import { mutatedJson, mutatedText, type Random } from './mutated.ts';
import { type Subject, started } from './mutationTrial.ts';

interface Ports {
  readonly shared: number;
  readonly secure: number;
  readonly upstream: number;
}

/** Two proxies on one port, told apart by their names, and one that speaks TLS. */
const specOf = ({ shared, secure, upstream }: Ports, certificate: string) => `version: 1
name: mutated
upstreams: { app: { url: "http://127.0.0.1:${upstream}" } }
routes:
  read: { upstream: app, allow: [GET /groups, "GET,POST /groups/{id:int}/hooks", "PUT /Mixed/{name*}"] }
apiKeys:
  reader: { key: env:READER, token: env:READER_TOKEN, ipRanges: [10.1.0.0/16] }
  writer: { key: env:WRITER, token: env:WRITER_TOKEN, expires: 2090-01-01 }
proxies:
  api: { listen: "127.0.0.1:${shared}", hosts: [a.example], ipRanges: [10.0.0.0/8], clientIp: { trustedProxies: [127.0.0.1] } }
  other: { listen: "127.0.0.1:${shared}", hosts: [b.example], ipRanges: [10.1.0.0/16], clientIp: { trustedProxies: [127.0.0.1] }, methodNotAllowed: 404 }
  secure:
    listen: "127.0.0.1:${secure}"
    hosts: [s.example]
    tls: { certFile: ${certificate}.pem, keyFile: ${certificate}.key }
    ipRanges: [10.0.0.0/8]
    clientIp: { trustedProxies: [127.0.0.1] }
targets: { nginx: { version: "1.29" }, caddy: {} }
`;

const KEYS = new Map([
  ['env:READER', 'reader-key-5f0c1e7a93b2d864'],
  ['env:WRITER', 'writer-key-b81d4c60e7f2a935'],
  ['env:READER_TOKEN', 'reader-token-0123456789abcdef'],
  ['env:WRITER_TOKEN', 'writer-token-0123456789abcdef'],
]);

interface Probe {
  readonly address: Address;
  readonly text: string;
}

const PATHS = [
  '/groups',
  '/groups/1/hooks',
  '/groups/x/hooks',
  '/Mixed/a/b',
  '/mixed/a',
  '/',
  '/%25/f',
  '/groups?sudo=1',
];

function probesOf({ shared, secure }: Ports): Probe[] {
  const one = (
    host: string,
    method: string,
    target: string,
    { key = 'env:WRITER', from = '10.1.2.3', more = '' } = {},
  ) => {
    const address = host === 's.example' ? { port: secure, tls: { serverName: host } } : { port: shared };
    const credential = KEYS.has(key) ? `PRIVATE-TOKEN: ${KEYS.get(key)}\r\n` : key;
    const head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: ${from}\r\n${credential}${more}`;
    return { address, text: `${head}Connection: close\r\n\r\n` };
  };
  const body = (type: string, length: number) => `Content-Type: ${type}\r\nContent-Length: ${length}\r\n`;
  return ['a.example', 'b.example', 's.example', 'c.example'].flatMap((host) => [
    ...['GET', 'POST', 'PUT', 'DELETE'].flatMap((method) => PATHS.map((path) => one(host, method, path))),
    ...['10.1.2.3', '10.9.9.9', '192.0.2.1'].flatMap((from) =>
      ['', 'env:READER', 'env:WRITER', 'PRIVATE-TOKEN: wrong-key-0123456789\r\n'].map((key) =>
        one(host, 'GET', '/groups', { from, key }),
      ),
    ),
    one(host, 'GET', '/groups', { more: 'Cookie: a=b\r\nAuthorization: x\r\nX-Real-IP: 1.2.3.4\r\nSudo: 1\r\n' }),
    one(host, 'POST', '/groups/1/hooks', { more: body('text/plain', 0) }),
    one(host, 'POST', '/groups/1/hooks', { more: body('application/json', 99_999_999) }),
  ]);
}

/** What each probe gets, and what of it reaches the upstream, without what differs from one time to the next. */
async function decisions(probes: readonly Probe[], recorder: Recorder): Promise<string[]> {
  const found: string[] = [];
  for (const { address, text } of probes) {
    recorder.take();
    const answer = await sendRaw(address, text).then(
      ({ status, field }) => `${status} ${field('allow') ?? ''} ${field('location') ?? ''}`,
      () => 'closed',
    );
    const sent = recorder.take().map(({ head }) => headersByName(head));
    found.push(`${answer}\n${sent.join('\n')}`);
  }
  return found;
}

/** Which of two headers of different names comes first is no decision. */
function headersByName(head: string): string {
  const [line = '', ...headers] = head.replace(/^X-Request-Id:.*$/gim, '').split('\r\n');
  const nameOf = (header: string) => header.split(':', 1)[0]?.toLowerCase() ?? '';
  return [line, ...headers.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)))].join('\n');
}

interface Engine {
  readonly target: 'nginx' | 'caddy';
  /** What the engine itself prints of what it runs. */
  capture(folder: string): string;
  mutate(text: string, random: Random): string;
  /** Puts a captured text where the engine reads it, and says how it is started. */
  place(text: string, folder: string): { readonly command: string; readonly args: readonly string[] };
}

const nginx = (program: string): Engine => ({
  target: 'nginx',
  capture: (folder) =>
    spawnSync(program, ['-T', '-e', 'stderr', '-p', `${folder}/nginx/`, '-c', 'nginx.conf'], {
      encoding: 'utf8',
    }).stdout,
  mutate: mutatedText,
  place(text, folder) {
    const files = text.split(/^# configuration file (.*):$/m).slice(1);
    for (let index = 0; index + 1 < files.length; index += 2) {
      const path = files[index] ?? '';
      const inside = path.slice(path.indexOf('/nginx/') + 1);
      mkdirSync(dirname(join(folder, inside)), { recursive: true });
      writeFileSync(join(folder, inside), files[index + 1] ?? '');
    }
    const args = ['-e', 'stderr', '-p', `${folder}/nginx/`, '-c', 'nginx.conf', '-g', 'daemon off;'];
    return { command: program, args };
  },
});

const caddy = (program: string): Engine => ({
  target: 'caddy',
  capture: (folder) =>
    spawnSync(program, ['adapt', '--config', 'Caddyfile', '--adapter', 'caddyfile'], {
      cwd: `${folder}/caddy`,
      encoding: 'utf8',
    }).stdout,
  mutate: (text, random) => JSON.stringify(mutatedJson(JSON.parse(text), random)),
  place(text, folder) {
    writeFileSync(join(folder, 'caddy/live.json'), text);
    return { command: program, args: ['run', '--config', 'live.json'] };
  },
});

interface Bench {
  readonly here: LiveCase;
  readonly folder: TemporaryFolder;
  readonly ports: Ports;
  readonly recorder: Recorder;
}

async function benchOf({ target }: Engine, openssl: string, scope: Scope): Promise<Bench> {
  const recorder = await startRecorder();
  scope.defer(() => recorder.close());
  const [shared = 0, secure = 0] = await freePorts(2);
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  const { certFile } = await certificateFor(['s.example'], openssl, folder);
  const ports = { shared, secure, upstream: recorder.port };
  const here = liveCase(specOf(ports, certFile.replace(/\.pem$/, '')));
  const secrets =
    targets.find(({ name }) => name === target)?.secrets?.({ policy: here.policy, values: KEYS }).value ?? [];
  for (const { path, text } of [...here.files(target), ...secrets]) await folder.write(path, text);
  mkdirSync(join(folder.path, target, 'temp'), { recursive: true });
  return { here, folder, ports, recorder };
}

/** What an engine decides that runs this text; `undefined` where it refuses to start. */
async function asked(text: string, { target, place }: Engine, bench: Bench): Promise<string[] | undefined> {
  const { folder, ports, recorder } = bench;
  const ready = async () => (await accepts(ports.shared)) && (await accepts(ports.secure));
  const env = { ...process.env, HOME: folder.path, XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path };
  const start = { ...place(text, folder.path), cwd: join(folder.path, target), env, ready, patience: 60_000 };
  const server = await started(start);
  if (server === 'refused') return undefined;
  if (server === 'silent') return ['nothing listens'];
  try {
    return await decisions(probesOf(ports), recorder);
  } finally {
    await server.stop();
    while (await accepts(ports.shared)) await pause(20);
  }
}

/** nginx or Caddy, with proxies that share a port, and one with TLS. */
export async function liveProxies(
  target: Engine['target'],
  programs: { readonly engine: string; readonly openssl: string },
  scope: Scope,
): Promise<Subject> {
  const engine = target === 'nginx' ? nginx(programs.engine) : caddy(programs.engine);
  const bench = await benchOf(engine, programs.openssl, scope);
  return {
    name: target,
    target,
    here: bench.here,
    capture: engine.capture(bench.folder.path),
    asked: 40,
    mutate: engine.mutate,
    decisions: (text) => asked(text, engine, bench),
  };
}
