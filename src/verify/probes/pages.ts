import type { Endpoint } from '../../policy/access.ts';
import { EVERY_METHOD } from '../../policy/pattern.ts';
import type { Cors } from '../../policy/types.ts';
import { type Draft, replaceField, withField, withoutField } from '../draft.ts';
import type { Random } from '../random.ts';
import { type Attempt, attempt, attemptAt, hostFor, type ProbeContext, sentFrom } from './base.ts';
import { nearHosts } from './hosts.ts';

const STRANGER = 'https://evil.example';

function someOrigin({ origins }: Cors, random: Random): string {
  return origins === 'any' ? 'https://page.example' : random.pick(origins);
}

/** Origins that are close to an allowed one. */
const near = (origin: string): readonly string[] => [
  `${origin}.evil.example`,
  `${origin}/`,
  origin.toUpperCase(),
  origin.slice(0, -1),
  origin.replace('.', 'x'),
  origin.replace('://', '://evil.'),
  origin.replace('://', '://evil@'),
  origin.replace(/^https?/, (scheme) => (scheme === 'http' ? 'https' : 'http')),
  `${origin}:443`,
  `${origin}x`,
  ` ${origin} \t`,
  `${origin} ${STRANGER}`,
  `${origin}, ${STRANGER}`,
  `${STRANGER}, ${origin}`,
  `,${origin}`,
  'null',
  '*',
  '',
  STRANGER,
];

/** A request of a page of another origin, or what its browser asks before it. */
export function mutatePage(draft: Draft, { fixture, random }: ProbeContext): Draft {
  const { cors, apiKeyHeader } = fixture.proxy;
  if (!cors) return draft;
  const origin = someOrigin(cors, random);
  const sent = random.chance(0.5) ? origin : random.pick(near(origin));
  const from = withField(draft, random.pick(['Origin', 'Origin', 'origin']), sent);
  const twice = (value: string) => withField(from, 'Origin', value);
  const asking = (method: string, of = from) =>
    withField({ ...withoutField(of, apiKeyHeader), method: 'OPTIONS' }, 'Access-Control-Request-Method', method);
  return random.pick<() => Draft>([
    () => from,
    () => from,
    () => twice(STRANGER),
    () => twice(origin),
    () => asking(draft.method),
    () => asking(draft.method),
    () => asking(random.pick(['DELETE', 'FROB', '*', ' ', '', ',GET', 'GET,PUT', 'get'])),
    () => withField(asking('GET'), 'Access-Control-Request-Method', ''),
    () => withField(asking(''), 'Access-Control-Request-Method', 'GET'),
    () => withField(asking('GET'), 'Access-Control-Request-Headers', 'authorization, x-evil'),
    () => withField(asking('GET'), 'Access-Control-Request-Private-Network', 'true'),
    () => ({ ...asking('GET'), method: random.pick(['GET', 'HEAD', 'options', 'POST', 'OPTION', 'OPTIONSX']) }),
    () => asking('GET', withoutField(from, 'origin')),
  ])();
}

/** What the browser of a page asks of an endpoint, and the page itself, from where it may and from elsewhere. */
export function* pagesAt(endpoint: Endpoint, context: ProbeContext): Generator<Attempt> {
  const { fixture, random } = context;
  const { cors } = fixture.proxy;
  if (!cors) return;
  const own = someOrigin(cors, random);
  const bare = (origin: string, method: string, target = endpoint.state.example): Draft => ({
    method,
    target,
    version: 'HTTP/1.1',
    fields: [
      ['Host', hostFor(fixture)],
      ['Origin', origin],
    ],
  });
  const [wanted = 'GET'] = endpoint.allow.filter((method) => method !== EVERY_METHOD);
  const asking = (draft: Draft) => withField(draft, 'Access-Control-Request-Method', wanted);
  const preflight = asking(bare(own, 'OPTIONS'));
  const admitted = fixture.admitted();
  const withOrigin = ({ draft, peer }: Attempt, origin: string) => ({
    draft: withField(draft, 'Origin', origin),
    peer,
  });
  yield sentFrom(preflight, admitted, context);
  yield sentFrom(bare(own, 'OPTIONS'), admitted, context);
  yield sentFrom(asking(bare(own, 'OPTIONS', `${preflight.target}/nowhere`)), admitted, context);
  yield sentFrom(preflight, fixture.refused(), context);
  for (const host of nearHosts(hostFor(fixture)))
    yield sentFrom(replaceField(preflight, 'Host', host), admitted, context);
  yield withOrigin(attempt({ endpoint, method: 'FROB', target: endpoint.state.example }, context), own);
  for (const origin of [own, ...near(own)]) {
    yield sentFrom(asking(bare(origin, 'OPTIONS')), admitted, context);
    yield sentFrom(bare(origin, 'GET'), admitted, context);
    yield withOrigin(attemptAt(endpoint, context), origin);
  }
}
