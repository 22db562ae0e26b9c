import type { Denial } from '../policy/decide.ts';
import type { Decided } from './request.ts';

type Words = (decided: Decided) => string;

const caller = ({ request }: Decided) =>
  request.credential.kind === 'known' ? `key "${request.credential.id}"` : 'the key';

const DENIALS: Readonly<Record<Denial, Words>> = {
  address: ({ proxy }) => `the client address is not one that proxy "${proxy.id}" admits`,
  'key-missing': ({ proxy }) => `no key in ${proxy.apiKeyHeader}`,
  'key-malformed': ({ proxy }) => `what ${proxy.apiKeyHeader} holds is not shaped like a key`,
  'key-unknown': () => 'nobody is known by this key',
  'key-expired': (decided) => `${caller(decided)} has expired`,
  'key-address': (decided) => `the client address is not one that ${caller(decided)} may be used from`,
  path: () => 'no pattern matches the path',
  method: ({ decision }) => {
    const allow = decision.kind === 'deny' && decision.allow ? `; it takes ${decision.allow.join(', ')}` : '';
    return `the path is known, but not with this method${allow}`;
  },
  scope: (decided) => `${caller(decided)} may not use "${decided.decision.route}"`,
  query: () => 'the query is malformed or names a credential or override parameter',
  'content-type': () => 'the body is of a type that the route does not take',
  'body-size': () => 'the body is larger than the route takes',
};

/** Why a request was decided as it was, in one clause. */
export function reasonOf(decided: Decided): string {
  const { decision, proxy } = decided;
  switch (decision.kind) {
    case 'deny':
      return DENIALS[decision.reason](decided);
    case 'answer':
      return `proxy "${proxy.id}" answers this itself`;
    case 'forward':
      return decision.key
        ? `"${decision.route}" allows it to key "${decision.key.id}"`
        : `"${decision.route}" allows it to everybody with credentials of their own`;
  }
}
