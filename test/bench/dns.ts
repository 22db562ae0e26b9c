/**
 * What rewrites cost a DNS query: CoreDNS with the generated rules against the same CoreDNS with none (`none`), and where
 * names are rewritten against one rule that rewrites them all (`one`), which is what any rewriting costs. They run side by
 * side and are loaded in turns, so that a busy machine slows all alike. `--only FORM` leaves the other forms out.
 */
import { join } from 'node:path';
import { resolveName } from '../../src/policy/names.ts';
import type { Policy } from '../../src/policy/types.ts';
import { coredns } from '../../src/targets/coredns/index.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { openScope } from '../../src/verify/scope.ts';
import { engine } from '../engines/engine.ts';
import { policyOf } from '../support/policy.ts';
import { ask } from '../targets/coredns/kdig.ts';
import { type DnsServer, startCoredns } from '../targets/coredns/servers.ts';
import { cpuSeconds, type Measured, median, output } from './load.ts';
import { openBench, type Row, rounded } from './report.ts';
import { serviceName as name } from './specs.ts';

const bench = openBench();
const { quick } = bench;
const rounds = quick ? 2 : 6;
const sizes = quick ? [1_000] : [1_000, 10_000];

type Pair = readonly [from: string, to: string];

/** What becomes of names, by the form of the rules that this makes. */
const FORMS: Readonly<Record<string, (n: number) => Pair>> = {
  // A list for all names, each of which keeps what stands before its ending.
  swap: (n) => [`${name(n)}.example.com`, `${name(n)}.link.example.com`],
  // Lists for each of ten names that all the others lead to.
  gather: (n) => [`${name(n)}.example.com`, `ingress${n % 10}.link.example.com`],
  // Nothing in common, so a rule each, in server blocks of their own.
  odd: (n) => [`${name(n)}.example.com`, `v${(n * 7_919) % 100_003}.example.net`],
};

type Control = 'none' | 'one';

interface Case {
  readonly form: string;
  readonly size: number;
  readonly asked: 'hit' | 'miss';
  readonly cached: boolean;
}

/** Names that are asked: some of those with a rule, or some beside them in the same zones. */
function asked({ form, size, asked: kind }: Pick<Case, 'form' | 'size' | 'asked'>): string[] {
  const some = Array.from({ length: 500 }, (_, i) => (i * 7_919) % size);
  const from = (n: number) => FORMS[form]?.(n)[0] ?? '';
  return some.map((n) => (kind === 'hit' ? from(n) : from(n).replace('-', '-un')));
}

async function programOf(wanted: Parameters<typeof engine>[0]) {
  const found = await engine(wanted);
  if ('missing' in found) throw new Error(`${wanted}: ${found.missing}`);
  return found;
}

/** An upstream that knows every name, and says in TXT records which one it was asked for. */
const UPSTREAM = `. {
    bind 127.0.0.1
    template IN A {
        answer "{{ .Name }} 60 IN A 10.0.0.1"
    }
    template IN TXT {
        answer "{{ .Name }} 60 IN TXT {{ .Name }}"
    }
}
`;

function corefileOf(policy: Policy, upstream: number, cached: boolean): string {
  const options = coredns.options.parse({ bind: ['127.0.0.1'], forward: [`127.0.0.1:${upstream}`] });
  const { value } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => undefined });
  const text = value?.[0]?.text ?? '';
  return cached ? text : text.replace(/^ *cache .*\n/gm, '');
}

/** What is timed must be what is right: the name that goes upstream is the evaluator's, and the owner the one asked for. */
async function checkAnswers(policy: Policy, { port }: DnsServer, names: readonly string[]): Promise<void> {
  const kdig = await programOf('kdig');
  const sample = names.slice(0, 60);
  const answers = await ask(
    kdig.path,
    port,
    sample.map((one) => [one, 'TXT']),
  );
  for (const [index, one] of sample.entries()) {
    const expected = `${one}. TXT "${resolveName(policy, one).name}."`;
    const found = answers[index]?.records.join();
    if (found !== expected) throw new Error(`${one}: ${found} in place of ${expected}`);
  }
}

interface Load {
  readonly program: string;
  readonly file: string;
  readonly server: DnsServer;
}

async function measure({ program, file, server: { port, pid } }: Load): Promise<Measured> {
  const before = cpuSeconds(pid);
  const options = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', '1', '-c', '4', '-q', '100'];
  const text = await output(program, options);
  const used = cpuSeconds(pid) - before;
  const completed = Number(/Queries completed:\s+(\d+)/.exec(text)?.[1]);
  return {
    perSecond: Number(/Queries per second:\s+([\d.]+)/.exec(text)?.[1]),
    cpu: (used * 1e6) / completed,
  };
}

/** What a query is compared with: no rule, or one rule that does for every name what such a list does. */
function controlsOf({ asked: kind }: Case): readonly Control[] {
  return kind === 'hit' ? ['none', 'one'] : ['none'];
}

const EVERY = policyOf({ domainRewrites: [{ from: '*.example.com', to: '*.link.example.net' }] });

async function compare(which: 'coredns' | 'coredns-oldest', one: Case, upstream: DnsServer): Promise<Row[]> {
  const scope = openScope();
  try {
    const { path, version } = await programOf(which);
    const pair = FORMS[one.form];
    const domainRewrites = Array.from({ length: one.size }, (_, n) => pair?.(n) ?? []).map(([from, to]) => ({
      from,
      to,
    }));
    const policy = policyOf({ domainRewrites });
    const names = asked(one);
    const start = async (from: Policy): Promise<DnsServer> => {
      const server = await startCoredns(path, corefileOf(from, upstream.port, one.cached));
      scope.defer(() => server.stop());
      return server;
    };
    const controls = controlsOf(one);
    const servers = [await start(policy)];
    for (const control of controls) servers.push(await start(control === 'one' ? EVERY : { ...policy, rewrites: [] }));
    const [generated] = servers;
    if (generated) await checkAnswers(policy, generated, names);
    const folder = await temporaryFolder();
    scope.defer(() => folder.remove());
    await folder.write('queries', names.map((each) => `${each} A\n`).join(''));
    const { path: program } = await programOf('dnsperf');
    const results: Measured[][] = servers.map(() => []);
    // The first round warms up.
    for (let round = 0; round <= rounds; round++)
      for (const [index, server] of servers.entries()) {
        const measured = await measure({ program, file: join(folder.path, 'queries'), server });
        if (round > 0) results[index]?.push(measured);
      }
    const [own = [], ...others] = results;
    return controls.map((control, index) => rowOf({ one, version, control }, own, others[index] ?? []));
  } finally {
    await scope.close();
  }
}

interface Compared {
  readonly one: Case;
  readonly version: string;
  readonly control: Control;
}

function rowOf({ one, version, control }: Compared, generated: readonly Measured[], others: readonly Measured[]): Row {
  const cpuOf = (all: readonly Measured[]) => all.map(({ cpu }) => cpu).toSorted((a, b) => a - b)[all.length >> 2] ?? 0;
  const ratios = generated.map(({ perSecond }, round) => perSecond / (others[round]?.perSecond ?? Number.NaN));
  return {
    bench: 'dns',
    engine: `coredns ${version}`,
    case: `${one.form} ${one.asked} ${one.cached ? 'cached' : 'uncached'}`,
    size: one.size,
    control,
    // The median of the rounds; of the CPU the lower quartile, because others can only add to it.
    ratio: rounded(median(ratios), 3),
    cpu: rounded(cpuOf(generated), 1),
    controlCpu: rounded(cpuOf(others), 1),
  };
}

const scope = openScope();
try {
  const { path } = await programOf('coredns');
  const upstream = await startCoredns(path, UPSTREAM);
  scope.defer(() => upstream.stop());
  // The quick run leaves out what says the same of the older version.
  for (const which of quick ? (['coredns'] as const) : (['coredns', 'coredns-oldest'] as const))
    for (const form of Object.keys(FORMS).filter((each) => bench.only === undefined || each === bench.only))
      for (const size of sizes)
        for (const cached of [true, false])
          for (const kind of ['hit', 'miss'] as const)
            for (const row of await compare(which, { form, size, asked: kind, cached }, upstream)) bench.add(row);
  bench.finish();
} finally {
  await scope.close();
}
