import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { run } from '../policy/automaton.ts';
import { type Denial, splitTarget } from '../policy/decide.ts';
import { askedHost } from '../policy/hosts.ts';
import { type Nearest, nearestRoute, queryProblem } from './nearest.ts';
import type { Decided } from './request.ts';

type Words = (decided: Decided) => string;

const caller = ({ request }: Decided) =>
  request.credential.kind === 'known' ? `key "${request.credential.id}"` : 'the key';

const DENIALS: Readonly<Record<Denial, Words>> = {
  'head-size': ({ proxy }) =>
    `request line and headers are larger than the ${proxy.maxRequestHead} bytes of maxRequestHead`,
  misdirected: ({ proxy, request }) =>
    `no proxy here is asked for "${askedHost(request)}"; proxy "${proxy.id}" is ${proxy.hosts.join(', ')}`,
  address: ({ proxy }) => `the client address is not one that proxy "${proxy.id}" admits`,
  'key-missing': ({ proxy }) => `no key in ${proxy.apiKeyHeader}`,
  'key-malformed': ({ proxy }) =>
    `what ${proxy.apiKeyHeader} holds is not ${proxy.apiKeyScheme === undefined ? '' : `"${proxy.apiKeyScheme} " and something `}shaped like a key`,
  'key-unknown': () => 'nobody is known by this key',
  'key-expired': (decided) => `${caller(decided)} has expired`,
  'key-address': (decided) => `the client address is not one that ${caller(decided)} may be used from`,
  path: (decided) => {
    const nearest = nearestOf(decided);
    return `no pattern matches the path${nearest ? `; the nearest is ${nearest.route.pattern.text}: ${nearest.difference}` : ''}`;
  },
  method: ({ request, evaluator: { access } }) => {
    const state = run(access.automaton, splitTarget(request.target)[0]);
    const allow = access.endpoints.find((place) => place.state === state)?.allow ?? [];
    return `the path is known, but not with this method; it takes ${allow.join(', ')}`;
  },
  'key-routes': (decided) => `${caller(decided)} may not use "${decided.decision.route}"`,
  query: ({ request }) => queryProblem(splitTarget(request.target)[1]),
  'content-type': () => 'the body is of a type that the route does not take',
  'body-size': () => 'the body is larger than the route takes',
};

/** The allowed request that may have been meant where no pattern matches. */
export function nearestOf({ decision, request, proxy }: Decided): Nearest | undefined {
  if (decision.kind !== 'deny' || decision.reason !== 'path') return undefined;
  return nearestRoute(splitTarget(request.target)[0], proxy.routes);
}

/** Why a request was decided as it was, in one clause. */
export function reasonOf(decided: Decided): string {
  const { decision, proxy } = decided;
  switch (decision.kind) {
    case 'deny':
      // It may quote the request, into which people paste credentials.
      return printable(maskSecrets(DENIALS[decision.reason](decided)));
    case 'answer':
      return `proxy "${proxy.id}" answers this itself`;
    case 'forward':
      return decision.key
        ? `"${decision.route}" allows it to key "${decision.key.id}"`
        : `"${decision.route}" allows it to everybody with credentials of their own`;
  }
}
