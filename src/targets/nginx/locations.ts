import { isClientsOwn } from '../../plan/bounds.ts';
import { type ForwardPlan, publicAddress } from '../../plan/forwards.ts';
import { isDenial, REFUSALS, type Refusal } from '../../plan/log.ts';
import type { RouteClass } from '../../policy/access.ts';
import { DENIALS } from '../../policy/decide.ts';
import { HIDDEN_RESPONSE_HEADERS } from '../../policy/headers.ts';
import { challengeOf, credentialText } from '../../policy/key.ts';
import type { Proxy } from '../../policy/types.ts';
import { type CorsHeaders, PREFLIGHT } from './cors.ts';
import { errorBody } from './errorBody.ts';
import type { Identity } from './identity.ts';
import type { Mapped } from './mapping.ts';
import type { AnswerLocation, ForwardLocation, HeaderModel } from './model.ts';
import { bareWord, literal, type Part, type Variable, value, variable } from './quote.ts';

/**
 * Start of the names of locations that serve verdicts. No request can name one in any spelling, because nginx removes
 * "/./" from the decoded path before it looks for a location.
 */
export const LOCATION_PREFIX = '/./';

/** Statuses that nginx itself answers with, and the status that clients get instead. */
export const ERROR_PAGES: readonly { readonly from: readonly number[]; readonly status: number }[] = [
  { from: [400, 411, 412], status: 400 },
  // nginx refuses TRACE whatever the verdict.
  { from: [405], status: 405 },
  { from: [408], status: 408 },
  { from: [413], status: 413 },
  { from: [414], status: 414 },
  { from: [429], status: 429 },
  { from: [494], status: 431 },
  { from: [500], status: 500 },
  { from: [501], status: 501 },
  { from: [502], status: 502 },
  { from: [503], status: 503 },
  { from: [504], status: 504 },
  { from: [505], status: 505 },
];

/** The same for TLS listeners, where nginx has one more error: plain HTTP (497). */
export const TLS_ERROR_PAGES: typeof ERROR_PAGES = ERROR_PAGES.map(({ from, status }) => ({
  from: status === 400 ? [...from, 497] : from,
  status,
}));

/**
 * Refusals whose reason follows from the status alone, so that they are not in `VERDICTS`: nginx itself finds
 * `body-size`, and the location of `misdirected` exists only where proxies have names.
 */
const BY_STATUS: readonly Refusal[] = ['body-size', 'misdirected'];

/** Refusals that a verdict can name. Every proxy has a location for each. */
export const VERDICTS: readonly Refusal[] = [
  ...Object.keys(DENIALS)
    .filter(isDenial)
    .filter((reason) => !BY_STATUS.includes(reason)),
  'token-missing',
  'malformed',
];

/** Bytes of the longest name of a location that nginx 1.22 finds. */
const LONGEST_LOCATION = 255;

export function locationName(name: string): AnswerLocation['name'] {
  if (name.length > LONGEST_LOCATION - LOCATION_PREFIX.length)
    throw new Error(`a location of ${name.length} characters`);
  return literal(`${LOCATION_PREFIX}${name}`);
}

function addedHeaders(proxy: Proxy): HeaderModel[] {
  return proxy.responseHeaders.map(({ name, value: text }) => ({ name: bareWord(name), value: value(text) }));
}

export function answerLocations(
  proxy: Proxy,
  classes: readonly RouteClass[],
  context: { allow: Variable; cors: CorsHeaders; locationOf: (routeClass: RouteClass) => string },
): AnswerLocation[] {
  const headers = addedHeaders(proxy);
  const { cors } = context;
  const challenge = challengeOf(proxy);
  const added: Readonly<Record<number, readonly HeaderModel[]>> = {
    401: challenge === undefined ? [] : [{ name: bareWord('WWW-Authenticate'), value: value(challenge) }],
    405: [{ name: bareWord('Allow'), value: value(context.allow) }],
  };
  const refusal = (name: Refusal | number, status: number, closes = false) => ({
    name: locationName(String(name)),
    status,
    closes,
    body: errorBody(status),
    headers: [...(added[status] ?? []), ...cors.of(name), ...headers],
  });
  const verdicts = VERDICTS.map((reason) =>
    refusal(
      reason,
      reason === 'method' ? proxy.methodNotAllowed : REFUSALS[reason],
      reason === 'address' && isClientsOwn(proxy),
    ),
  );
  const errors = ERROR_PAGES.map(({ status }) => refusal(status, status));
  const answers = classes.flatMap((routeClass) =>
    routeClass.kind === 'answer'
      ? [
          {
            name: locationName(context.locationOf(routeClass)),
            status: routeClass.answer.status,
            closes: false,
            body: value(routeClass.answer.body),
            headers: [...cors.answers, ...headers],
          },
        ]
      : [],
  );
  const preflight = cors.preflight && {
    name: locationName(PREFLIGHT),
    status: 204,
    closes: false,
    body: value(''),
    headers: [...cors.preflight, ...headers],
  };
  // The request is for no proxy, so the answer has no proxy's responseHeaders.
  const misdirected = { ...refusal('misdirected', REFUSALS.misdirected), headers: [] };
  return [
    ...verdicts,
    ...(proxy.hosts.length > 0 ? [misdirected] : []),
    ...errors,
    ...answers,
    ...(preflight ? [preflight] : []),
  ];
}

export interface ForwardInput {
  readonly proxy: Proxy;
  readonly plan: ForwardPlan;
  /** Origin that requests are passed to. */
  readonly origin: string;
  /** Address of the client. */
  readonly client: Variable;
  readonly identity: Identity | undefined;
  /** Headers of the upstream's answers with addresses. */
  readonly mapped: readonly Mapped[];
  readonly limits: ForwardLocation['limits'];
  readonly perAddress: ForwardLocation['perAddress'];
  readonly caFile: string;
  readonly cors: CorsHeaders;
}

export function forwardLocation(input: ForwardInput): ForwardLocation {
  const { proxy, plan, origin, mapped, limits, perAddress, caFile, cors } = input;
  const { name, forwarding, upstream } = plan;
  const { tls } = upstream;
  const added = addedHeaders(proxy);
  const hidden = [
    ...HIDDEN_RESPONSE_HEADERS,
    ...mapped.map(({ header }) => header.toLowerCase()),
    'trailer',
    ...cors.hidden,
    ...proxy.responseHeaders.map((header) => header.name.toLowerCase()),
  ];
  return {
    name: locationName(name),
    maxBody: forwarding.maxBody ?? 0,
    limits: forwarding.auth === 'apiKey' ? limits : [],
    perAddress: forwarding.auth === 'apiKey' ? null : perAddress,
    // The target as the client sent it. Without a variable, nginx would send the path that it has decoded and
    // normalized.
    pass: value(origin, variable('request_uri')),
    requestHeaders: requestHeaders(input),
    tls: tls
      ? { verify: !tls.insecureSkipVerify, caFile: literal(tls.caFile ?? caFile), name: value(tls.serverName) }
      : null,
    timeouts: upstream.timeouts,
    hidden: [...new Set(hidden)].map(bareWord),
    headers: [
      ...cors.answers,
      ...added,
      ...mapped.map(({ header, part }) => ({ name: bareWord(header), value: value(part) })),
    ],
  };
}

/** Returns all headers that go upstream. nginx does not send a header whose value is empty. */
function requestHeaders({
  proxy,
  plan: { forwarding, upstream, host, passed },
  client,
  identity,
}: ForwardInput): HeaderModel[] {
  const fixed: (readonly [string, ...Part[]])[] = [
    ['Host', host],
    ['Connection', forwarding.websocket ? variable('upgrade_connection') : ''],
    ['X-Forwarded-For', client],
    ...outsideHeaders(proxy),
    ['X-Real-IP', client],
  ];
  if (forwarding.websocket) fixed.push(['Upgrade', variable('upgrade')]);
  if (forwarding.auth === 'apiKey') {
    if (!identity) throw new Error('a route with keys has an identity');
    const scheme = upstream.tokenScheme === undefined ? [] : [credentialText(upstream.tokenScheme, '')];
    fixed.push([upstream.tokenHeader, ...scheme, identity.token]);
  }
  const copied = passed.map((header) => [header, variable(`http_${header.replaceAll('-', '_')}`)] as const);
  return [...fixed, ...copied].map(([header, ...parts]) => ({ name: bareWord(header), value: value(...parts) }));
}

/**
 * Returns the headers that tell the upstream where the client found the proxy. What the client itself says counts only
 * where the spec gives no `publicUrl`.
 */
function outsideHeaders({ publicUrl }: Proxy): (readonly [string, Part])[] {
  if (publicUrl === undefined)
    return [
      ['X-Forwarded-Host', variable('http_host')],
      ['X-Forwarded-Proto', variable('scheme')],
    ];
  return publicAddress(publicUrl);
}
