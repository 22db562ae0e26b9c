import { DEFAULT_REQUEST_HEADERS, PASSTHROUGH_CREDENTIAL_HEADERS, WEBSOCKET_HEADERS } from './headers.ts';

interface Refused {
  /** What such a header does. */
  readonly why: string;
  readonly names: readonly string[];
  readonly prefixes?: readonly string[];
}

const CREDENTIALS: Refused = {
  why: 'carries credentials',
  names: [...PASSTHROUGH_CREDENTIAL_HEADERS, 'x-csrf-token'],
  prefixes: ['gitlab-', 'x-gitlab-'],
};

/** Headers that say who the client is or where it comes from. Servers that trust their proxy believe them. */
const ADDRESSES: Refused = {
  why: 'says who the client is or which way it came, which servers behind a proxy believe',
  names: [
    ...[
      'client-ip',
      'fastly-client-ip',
      'true-client-ip',
      'x-azure-clientip',
      'x-azure-socketip',
      'x-cluster-client-ip',
    ],
    ...['x-forwarded', 'x-proxyuser-ip', 'x-real-ip', 'x-real-port', 'x-remote-addr', 'x-remote-ip'],
  ],
  prefixes: ['cf-connecting-', 'x-client-', 'x-envoy-', 'x-forwarded-', 'x-originating-'],
};

/** Headers in lower case, by what they do. A header in none of these lists may be forwarded, or may carry a key. */
const ORDERS: readonly Refused[] = [
  {
    why: 'belongs to the connection or to the framing of the message',
    names: [
      ...['connection', 'content-length', 'expect', 'host', 'http2-settings', 'keep-alive', 'max-forwards'],
      ...['proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'trailers'],
      ...['transfer-encoding', 'upgrade'],
    ],
  },
  { why: 'is written by proxies and servers', names: ['date', 'forwarded', 'server', 'via'] },
  { why: 'holds the session of a browser', names: ['cookie', 'cookie2', 'set-cookie'] },
  {
    why: 'says who the user is, which servers behind a proxy believe',
    names: [
      'remote-user',
      'ssl-client',
      'x-ms-client-principal',
      'x-user',
      'x-userid',
      'x-username',
      'x-token-subject',
    ],
    prefixes: [
      ...['cf-access-', 'remote-', 'ssl-client-', 'tailscale-user-', 'x-amzn-oidc-', 'x-auth-request-', 'x-auth-user'],
      ...['x-authelia-', 'x-authenticated-', 'x-authentik-', 'x-goog-authenticated-', 'x-goog-iap-'],
      ...['x-ms-client-principal-', 'x-remote-', 'x-ssl-', 'x-webauth-'],
    ],
  },
  {
    why: 'changes what the request means to the server',
    names: [
      ...['front-end-https', 'gitlab-workhorse-api-request', 'proxy', 'script-name', 'sudo', 'x-host', 'x-http-host'],
      ...['x-http-host-override', 'x-http-method', 'x-http-method-override', 'x-method-override', 'x-rewrite-url'],
      ...['x-scheme', 'x-script-name', 'x-url-scheme'],
    ],
    prefixes: ['x-accel-', 'x-original-', 'x-sendfile'],
  },
  { why: 'is for what postern generates', names: [], prefixes: ['postern-', 'x-postern-'] },
];

const FORWARDED: Refused = {
  why: 'passes from the client to the upstream',
  names: [...DEFAULT_REQUEST_HEADERS, ...WEBSOCKET_HEADERS],
};

/** Headers that servers and load balancers write into their logs, with each request or with each error. */
const LOGGED: Refused = {
  why: 'is written into the logs of servers and load balancers',
  names: [
    ...['baggage', 'correlation-id', 'referer', 'request-id', 'traceparent', 'tracestate', 'x-amzn-trace-id', 'x-b3'],
    ...['x-cloud-trace-context', 'x-correlation-id', 'x-request-id', 'x-trace-id', 'x-transaction-id'],
  ],
  prefixes: ['x-b3-', 'x-datadog-', 'x-ot-span-'],
};

const ASKED: Refused = {
  why: 'is what a browser asks by',
  names: ['access-control-request-headers', 'access-control-request-method'],
};

/** Use of a header in a spec: it is forwarded, or read for the key or the client's address. */
export type HeaderUse = 'forward' | 'key' | 'address';

const REFUSED: Readonly<Record<HeaderUse, readonly Refused[]>> = {
  forward: [...ORDERS, ADDRESSES, CREDENTIALS],
  key: [...ORDERS, ADDRESSES, FORWARDED, LOGGED, ASKED],
  address: [...ORDERS, CREDENTIALS, FORWARDED, LOGGED, ASKED],
};

/**
 * Returns why a header cannot be used; `undefined` if it can. `x_real_ip` counts as `x-real-ip`, as on many servers.
 */
export function headerRefusal(name: string, use: HeaderUse): string | undefined {
  const header = name.toLowerCase().replaceAll('_', '-');
  return REFUSED[use].find(
    ({ names, prefixes = [] }) => names.includes(header) || prefixes.some((prefix) => header.startsWith(prefix)),
  )?.why;
}

/** All names that `routes.*.headers` must not have; those refused by their prefix are not listed. */
export const REFUSED_REQUEST_HEADERS: readonly string[] = REFUSED.forward.flatMap(({ names }) => names).toSorted();
