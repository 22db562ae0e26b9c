import type { Proxy, Upstream } from '../../policy/types.ts';
import type { EngineRun } from '../engineRun.ts';
import { connectTo, PATIENCE } from '../exchange.ts';
import { expectationOf } from '../expect.ts';
import { fieldOf } from '../http1.ts';
import type { Random } from '../random.ts';
import type { RawResponse } from '../raw.ts';
import { type CheckFailure, type Forwarded, forwardedBy, probeOf } from './check.ts';

/** An answer of an upstream that is unlike the others, and what is wrong with what the client got of it, who finds the proxy at this origin. */
interface OddAnswer {
  readonly bytes: (upstream: Upstream) => string;
  readonly problem: (response: RawResponse, origin: string) => string | undefined;
}

const BODY = '{"odd":true}';
const LENGTH = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`;

const withHead = (head: string) => `HTTP/1.1 200 OK\r\n${LENGTH}${head}\r\n${BODY}`;
const nameOf = ({ host }: Upstream) => (host.includes(':') ? `[${host}]` : host);

/** Ways to write an origin that browsers and HTTP libraries read as the same. */
const SPELLINGS: Readonly<Record<string, (upstream: Upstream) => string>> = {
  'without a scheme': (upstream) => `//${nameOf(upstream)}`,
  'with a dot after the name': (upstream) => `https://${nameOf(upstream)}.`,
  'in capitals': (upstream) => `HTTP://${nameOf(upstream).toUpperCase()}`,
  'with its usual port': (upstream) => `https://${nameOf(upstream)}:443`,
  'with its usual port and a dot': (upstream) => `http://${nameOf(upstream)}.:80`,
};

const spelled = ([how, spell]: readonly [string, (upstream: Upstream) => string]): [string, OddAnswer][] => [
  [
    `a Location that names it ${how}`,
    {
      bytes: (upstream) => withHead(`Location: ${spell(upstream)}/there?a=b\r\n`),
      problem: ({ fields }, origin) => wrongUrl(fieldOf(fields, 'location') ?? '', origin),
    },
  ],
  [
    `a Link that names it ${how}`,
    {
      bytes: (upstream) => withHead(`Link: <${spell(upstream)}/there?a=b>; rel="next"\r\n`),
      problem: ({ fields }, origin) => wrongUrl(/<([^>]*)>/.exec(fieldOf(fields, 'link') ?? '')?.[1] ?? '', origin),
    },
  ],
];

const ODD_ANSWERS: ReadonlyMap<string, OddAnswer> = new Map<string, OddAnswer>([
  ...Object.entries(SPELLINGS).flatMap(spelled),
  [
    'a head of 30 kB',
    {
      bytes: () => withHead(`X-Next-Page: 2\r\n${`X-Policy-Part: ${'x'.repeat(2_900)}\r\n`.repeat(10)}`),
      problem: ({ fields }) => (fieldOf(fields, 'x-next-page') === '2' ? undefined : 'its fields did not arrive'),
    },
  ],
]);

/** A client that follows the URL must come to the proxy. */
function wrongUrl(text: string, origin: string): string | undefined {
  const url = URL.canParse(text, origin) ? new URL(text, origin) : undefined;
  const due = new URL('/there?a=b', origin).href;
  return url?.href === due ? undefined : `it came back as ${text === '' ? 'nothing' : text}`;
}

/** Whether answers that are unlike the others come back whole and mapped. */
export async function oddAnswers(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  const failures: CheckFailure[] = [];
  for (const upstream of run.policy.upstreams) {
    const candidates = [...forwardedBy(run)].filter(
      ({ method, routeClass }) => method === 'GET' && routeClass.forwarding.upstream === upstream.id,
    );
    const asked = new Set<Proxy>();
    for (const candidate of candidates) {
      const { proxy } = candidate.fixture;
      if (asked.has(proxy)) continue;
      const problems = await problemsOf(candidate, { upstream, run, random });
      if (problems === undefined) continue;
      asked.add(proxy);
      failures.push(
        ...problems.map((problem) => ({ at: upstream.origin, problem: `upstream ${upstream.id} ${problem}` })),
      );
    }
  }
  return failures;
}

/** `undefined` where nobody may ask. */
async function problemsOf(
  candidate: Forwarded,
  { upstream, run, random }: { upstream: Upstream; run: EngineRun; random: Random },
): Promise<string[] | undefined> {
  const { fixture } = candidate;
  const { proxy } = fixture;
  const probe = probeOf(candidate, random);
  const [only] = expectationOf(probe, fixture, Date.now() / 1000).expected;
  if (only?.decision.kind !== 'forward') return undefined;
  const origin = proxy.publicUrl ?? `${proxy.tls ? 'https' : 'http'}://${fieldOf(only.request.fields, 'host')}`;
  const problems: string[] = [];
  for (const [what, { bytes, problem }] of ODD_ANSWERS) {
    run.upstreams.answerWith(() => ({ raw: bytes(upstream) }));
    const connection = await connectTo(proxy, probe.peer);
    connection.write(probe.raw);
    const response = await connection.receive('GET', PATIENCE);
    run.upstreams.answerWith(undefined);
    const found =
      response === undefined
        ? 'the client got no answer'
        : response.status !== 200
          ? `the client got ${response.status}`
          : problem(response, origin);
    connection.close();
    if (found !== undefined) problems.push(`answers with ${what}, and ${found}`);
  }
  return problems;
}
