import { DEFAULT_REQUEST_HEADERS, PASSTHROUGH_CREDENTIAL_HEADERS, WEBSOCKET_HEADERS } from '../policy/headers.ts';
import type { Forwarding, Policy } from '../policy/types.ts';
import type { Decided } from './request.ts';

/** What the upstream gets. Values that are secrets are named, not shown. */
export interface Forwarded {
  readonly url: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

const AFRESH = ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP'];

/** `undefined` where nothing is forwarded. */
export function forwardedBy({ decision, request }: Decided, policy: Policy): Forwarded | undefined {
  if (decision.kind !== 'forward') return undefined;
  const { forwarding, key } = decision;
  const upstream = policy.upstreams.find(({ id }) => id === forwarding.upstream);
  if (!upstream) throw new Error(`the policy has no upstream ${forwarding.upstream}`);
  const bare = upstream.host.includes(':') ? `[${upstream.host}]` : upstream.host;
  const host = upstream.port === (upstream.scheme === 'https' ? 443 : 80) ? bare : `${bare}:${upstream.port}`;
  const token = key ? [{ name: upstream.tokenHeader, value: `<${key.token.text}>` }] : [];
  return {
    url: `${upstream.scheme}://${host}`,
    method: request.method,
    target: request.target,
    headers: [
      { name: 'Host', value: host },
      ...token,
      ...AFRESH.map((name) => ({ name, value: '<written afresh>' })),
      ...passing(request.headers, forwarding),
    ],
  };
}

function passing(headers: Decided['request']['headers'], forwarding: Forwarding): { name: string; value: string }[] {
  const credentials = forwarding.auth === 'passthrough' ? PASSTHROUGH_CREDENTIAL_HEADERS : [];
  const websocket = forwarding.websocket ? WEBSOCKET_HEADERS : [];
  const passes = new Set([...DEFAULT_REQUEST_HEADERS, ...forwarding.headers, ...credentials, ...websocket]);
  return headers
    .filter(([name]) => passes.has(name.toLowerCase()))
    .map(([name, value]) => ({ name, value: credentials.includes(name.toLowerCase()) ? "<the client's own>" : value }));
}
