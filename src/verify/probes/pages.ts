import type { Endpoint } from '../../policy/access.ts';
import type { Cors } from '../../policy/types.ts';
import { type Draft, withField, withoutField } from '../draft.ts';
import type { Random } from '../random.ts';
import { type Attempt, attempt, attemptAt, hostFor, type ProbeContext, sentFrom } from './base.ts';

const STRANGER = 'https://evil.example';

function someOrigin({ origins }: Cors, random: Random): string {
  return origins === 'any' ? 'https://page.example' : random.pick(origins);
}

/** An origin that is close to an allowed one. */
function nearOrigin(origin: string, random: Random): string {
  return random.pick([
    `${origin}/`,
    `${origin}.evil.example`,
    `${origin}:443`,
    `${origin}x`,
    origin.slice(0, -1),
    origin.toUpperCase(),
    origin.replace('://', '://evil.'),
    origin.replace('://', '://evil@'),
    origin.replace('.', 'x'),
    origin.replace(/^https?/, (scheme) => (scheme === 'http' ? 'https' : 'http')),
    ` ${origin} \t`,
    `${origin} ${STRANGER}`,
    `${origin}, ${STRANGER}`,
    `${STRANGER}, ${origin}`,
    `,${origin}`,
    'null',
    '*',
    '',
    STRANGER,
  ]);
}

/** A request of a page of another origin, or what its browser asks before it. */
export function mutatePage(draft: Draft, { fixture, random }: ProbeContext): Draft {
  const { cors, apiKeyHeader } = fixture.proxy;
  if (!cors) return draft;
  const origin = someOrigin(cors, random);
  const sent = random.pick([origin, origin, nearOrigin(origin, random), nearOrigin(origin, random)]);
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

/** For every endpoint: what the browser of a page asks, and the page itself, from where it may and from elsewhere. */
export function* pagesAt(endpoint: Endpoint, context: ProbeContext): Generator<Attempt> {
  const { fixture, random } = context;
  const { cors } = fixture.proxy;
  if (!cors) return;
  for (const origin of [someOrigin(cors, random), STRANGER]) {
    const bare = (method: string): Draft => ({
      method,
      target: endpoint.state.example,
      version: 'HTTP/1.1',
      fields: [
        ['Host', hostFor(fixture)],
        ['Origin', origin],
      ],
    });
    const wanted = endpoint.allow[0] ?? 'GET';
    const asking = withField(bare('OPTIONS'), 'Access-Control-Request-Method', wanted === '*' ? 'GET' : wanted);
    yield sentFrom(asking, fixture.admitted(), context);
    yield sentFrom(bare('OPTIONS'), fixture.admitted(), context);
    yield sentFrom({ ...asking, target: `${asking.target}/nowhere` }, fixture.admitted(), context);
    yield sentFrom(asking, fixture.refused(), context);
    const page = attemptAt(endpoint, context);
    yield { ...page, draft: withField(page.draft, 'Origin', origin) };
    const refused = attempt({ endpoint, method: 'FROB', target: endpoint.state.example }, context);
    yield { ...refused, draft: withField(refused.draft, 'Origin', origin) };
  }
}
