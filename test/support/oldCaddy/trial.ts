import { importers, specText } from '../../../src/commands/import.ts';
import { compile } from '../../../src/compile.ts';
import type { NotCarried } from '../../../src/import/draft.ts';
import { evaluate } from '../../../src/library.ts';
import type { Decision } from '../../../src/policy/decide.ts';
import { proxyAsked } from '../../../src/policy/hosts.ts';
import type { Policy } from '../../../src/policy/types.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { accepts, type Server, startServer } from '../../../src/verify/process.ts';
import type { Random } from '../../../src/verify/random.ts';
import { type RawResponse, sendRaw } from '../../../src/verify/raw.ts';
import type { Recorded, Recorder } from '../../../src/verify/recorder.ts';
import { type Line, NAMES, type Ports, printed } from './config.ts';

export interface Asked {
  readonly from: string;
  readonly host: string;
  readonly method: string;
  readonly target: string;
}

export interface Counts {
  configs: number;
  /** Files that Caddy itself refuses. */
  refused: number;
  requests: number;
  allowed: number;
  /** Forwarded by the old server and refused by the spec, with a word about it. */
  told: number;
}

export interface Fault {
  readonly kind: string;
  readonly text: string;
  readonly request: Asked;
}

export interface Bench {
  readonly program: string;
  readonly ports: Ports;
  readonly recorders: readonly Recorder[];
  readonly counts: Counts;
}

interface Seen {
  readonly status: number;
  readonly forwarded?: { readonly port: number; readonly request: Recorded };
}

const CLIENTS = ['127.0.0.1', '127.0.0.2', '127.0.0.9'];
const PATHS = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a/b/',
  '/a/b/c',
  '/a/x',
  '/ax',
  '/b',
  '/b/',
  '/b/x',
  '/c',
  '/A/b',
  '/a/B',
  '/a/x.php',
];
const ODD = ['//a', '/a//b', '/a/../b', '/%61', '/a%2Fb', '/a/b%20c'];

export function requestsTo(random: Random, count: number): Asked[] {
  return Array.from({ length: count }, () => ({
    from: random.chance(0.6) ? '127.0.0.1' : random.pick(CLIENTS),
    host: random.pick(NAMES),
    method: random.pick(['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']),
    target: `${random.pick(random.chance(0.9) ? PATHS : ODD)}${random.chance(0.15) ? '?a=b' : ''}`,
  }));
}

/** Imports a Caddyfile, runs it, and asks both the same. */
export async function tried(
  lines: readonly Line[],
  requests: readonly Asked[],
  bench: Bench,
): Promise<readonly Fault[]> {
  const { text, around } = printed(lines);
  const imported = importers()
    .find(({ kind }) => kind === 'caddyfile')
    ?.read([{ name: 'Caddyfile', text }]);
  if (!imported) throw new Error('no importer of Caddyfiles');
  const spec = 'problem' in imported ? undefined : specText(imported);
  const compiled = spec === undefined ? undefined : compile(spec, { file: 'imported.yaml', read: () => undefined });
  const told = 'problem' in imported ? (imported.reasons ?? []) : imported.notCarriedOver;
  const folder = await temporaryFolder();
  try {
    await folder.write('Caddyfile', text);
    const server = await started(folder.path, bench);
    if (!server) return [];
    const faults: Fault[] = [];
    const shown = () =>
      `${text
        .split('\n')
        .map((row, index) => `${index + 1} ${row}`)
        .join(
          '\n',
        )}\n${told.map((one) => `  ${one.line}: ${one.what}: ${one.reason}`).join('\n')}\n${spec?.split('# Not carried')[0]}`;
    try {
      for (const request of requests) {
        const seen = await sent(request, bench);
        bench.counts.requests += 1;
        const kind = faultOf({ request, seen, policy: compiled?.policy, told, around }, bench.counts);
        if (kind === undefined) continue;
        const got = `${seen.status} ${seen.forwarded?.request.target ?? ''} line ${seen.forwarded?.request.field('X-Line') ?? '-'}`;
        faults.push({ kind, request, text: `${JSON.stringify(request)} old: ${got}\n${shown()}` });
      }
    } finally {
      await server.stop();
    }
    const [bad] = compiled?.diagnostics.filter(({ severity }) => severity === 'error') ?? [];
    const [request] = requests;
    if (bad && request) faults.unshift({ kind: 'the spec is not valid', request, text: `${bad.message}\n${shown()}` });
    return faults;
  } finally {
    await folder.remove();
  }
}

async function started(folder: string, { program, ports, counts }: Bench): Promise<Server | undefined> {
  const args = ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  try {
    const ready = () => accepts(ports.listen);
    const server = await startServer({ command: program, args, cwd: folder, env, ready, patience: 5_000 });
    counts.configs += 1;
    return server;
  } catch {
    counts.refused += 1;
    return undefined;
  }
}

async function sent({ from, host, method, target }: Asked, { ports, recorders }: Bench): Promise<Seen> {
  for (const one of recorders) one.take();
  const text = `${method} ${target} HTTP/1.1\r\nHost: ${host}:${ports.listen}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
  const answer: RawResponse | undefined = await sendRaw({ port: ports.listen, from }, text).catch(() => undefined);
  const recorder = recorders.find(({ requests }) => requests.length > 0);
  const request = recorder?.requests.at(-1);
  return { status: answer?.status ?? 0, ...(recorder && request && { forwarded: { port: recorder.port, request } }) };
}

interface Judged {
  readonly request: Asked;
  readonly seen: Seen;
  readonly policy: Policy | undefined;
  readonly told: readonly NotCarried[];
  readonly around: ReadonlyMap<number, readonly number[]>;
}

/** Returns what is wrong between the old server and the spec, in words. */
function faultOf({ request, seen: { forwarded }, policy, told, around }: Judged, counts: Counts): string | undefined {
  const decision = policy && decide(policy, request);
  if (decision?.kind === 'forward') {
    counts.allowed += 1;
    if (!forwarded) return 'wider: the old server did not forward it';
    const upstream = policy?.upstreams.find(({ id }) => id === decision.forwarding.upstream);
    if (!upstream?.servers.some(({ port }) => port === forwarded.port)) return 'wider: it went to another upstream';
    if (forwarded.request.method !== request.method) return 'wider: it was sent on with another method';
    if (forwarded.request.target !== request.target) return 'wider: it was sent on as another target';
    return undefined;
  }
  // The head of the spec says what every spec refuses: here odd paths, capital letters, and those that end in a slash.
  if (!forwarded || !/^(?:\/|(?:\/[a-z0-9_-][a-z0-9._-]*)+)(?:\?a=b)?$/.test(request.target)) return undefined;
  const lines = around.get(Number(forwarded.request.field('X-Line'))) ?? [];
  const isAbout = ({ line, what }: NotCarried) =>
    what === 'site' || (lines.includes(line) && !/^(?:header_up|tls|encode)$/.test(what));
  if (told.some((one) => isAbout(one) && !/names no client addresses/.test(one.reason))) {
    counts.told += 1;
    return undefined;
  }
  return 'forwarded, refused by the spec, and not told';
}

function decide(policy: Policy, { from, host, method, target }: Asked): Decision | undefined {
  const [first] = policy.proxies;
  if (!first) return undefined;
  const headers = [['Host', host]] as const;
  const proxy = proxyAsked(policy.proxies, first, { target, headers });
  if (!proxy) return undefined;
  const decided = evaluate(policy, { method, target, headers, from, proxy: proxy.id, at: 0 });
  return decided.kind === 'undecided' ? undefined : decided;
}

/** Returns a small part of a file that has a fault of the same kind for the same request. */
export async function smallest(lines: readonly Line[], fault: Fault, bench: Bench): Promise<Fault> {
  let [best, found] = [lines, fault];
  for (let place = 0; ; ) {
    const less = withoutLine(best, place);
    if (!less) return found;
    const same = (await tried(less, [fault.request], bench)).find(({ kind }) => kind === fault.kind);
    if (same) [best, found] = [less, same];
    else place += 1;
  }
}

/** Returns the lines without the one of this number, counted from the top, and without what is in it. */
function withoutLine(lines: readonly Line[], place: number): readonly Line[] | undefined {
  let left = place;
  const visit = (list: readonly Line[], isTop: boolean): readonly Line[] =>
    list.flatMap((one) => {
      const isKept = one.text.startsWith('header_up X-Line') || (isTop && one.text === '');
      if (!isKept && left-- === 0) return [];
      return [one.block && !isKept ? { ...one, block: visit(one.block, false) } : one];
    });
  const found = visit(lines, true);
  return left >= 0 ? undefined : found;
}
