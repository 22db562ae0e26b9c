import type { Access } from '../policy/access.ts';
import { DENIALS, type Decision, type Denial, splitTarget } from '../policy/decide.ts';
import { KEY_MIN_LENGTH } from '../policy/key.ts';
import type { ProxyRequest } from '../policy/request.ts';
import type { ApiKey } from '../policy/types.ts';

/**
 * A line of the access log: one JSON object per request, the same on every engine. Empty fields are "" for texts and
 * `null` for numbers.
 */
export interface LogLine {
  /** Time when the answer had ended, RFC 3339. */
  readonly time: string;
  /** Id of the request, unique at least among those of the same time. */
  readonly id: string;
  /** Name of the proxy; "" for the sites of domain rewrites. */
  readonly proxy: string;
  /** Address of the client as the policy understands it. */
  readonly client: string;
  readonly method: string;
  /** Path without the query. One that no route allows ends with "*" before the first part that could be a key. */
  readonly path: string;
  readonly status: number;
  /** Why the answer is not the upstream's whole one; "" where it is, or where the spec asks the proxy to answer. */
  readonly reason: Reason | '';
  /** The route class, or the public name of a site. */
  readonly route: string;
  /** Id of the key, also of one that has expired. */
  readonly key: string;
  /** Which key of its id it was, "first" or "second", if some id of the spec has two. */
  readonly keyPosition: string;
  /** The server that was asked, as `address:port`; several, one after the other, where some could not be reached. */
  readonly upstream: string;
  /** Status of that server's answer; `null` without one. */
  readonly upstreamStatus: number | null;
  /** Bytes of the answer's body. */
  readonly size: number;
  /** Seconds from the first byte of the request to the last one of the answer. */
  readonly duration: number;
  /** Seconds until that server had answered, or had failed to. */
  readonly upstreamTime: number | null;
}

/** Fields about the decision of a shadow, if there is one. */
export interface ShadowLine {
  /**
   * Status of the shadow's answer; `null` where it forwards, and where it decides nothing, in which case there is no
   * route.
   */
  readonly shadow: number | null;
  /** Route class of the request in the shadow. */
  readonly shadowRoute: string;
}

type Kind<T> = null extends T ? 'number or null' : T extends number ? 'number' : 'text';

/** Every field with its type. */
export const LOG_FIELDS: { readonly [K in keyof LogLine]: Kind<LogLine[K]> } = {
  time: 'text',
  id: 'text',
  proxy: 'text',
  client: 'text',
  method: 'text',
  path: 'text',
  status: 'number',
  reason: 'text',
  route: 'text',
  key: 'text',
  keyPosition: 'text',
  upstream: 'text',
  upstreamStatus: 'number or null',
  size: 'number',
  duration: 'number',
  upstreamTime: 'number or null',
};

export const SHADOW_FIELDS: { readonly [K in keyof ShadowLine]: Kind<ShadowLine[K]> } = {
  shadow: 'number or null',
  shadowRoute: 'text',
};

/** Refusals of engines that are not decisions of the policy, with their statuses. */
const ENGINE_REFUSALS = {
  /** The key is good, but there is no token for the upstream. */
  'token-missing': 403,
  /** The engine cannot read the request, or Host is no name. */
  malformed: 400,
  /** The client took too long to send it. */
  slow: 408,
  'target-size': 414,
  'rate-limit': 429,
  /** The client left before it was answered. */
  'client-gone': 499,
  /** A site's public name leads back to the site. */
  loop: 508,
} as const;

/** Reasons of refusals before the engine has read more than the head, if that. No policy decides about such a request. */
export const UNDECIDED = ['head-size', 'misdirected', 'malformed', 'target-size', 'slow'] as const satisfies (
  | Denial
  | keyof typeof ENGINE_REFUSALS
)[];

/** Reasons of requests that the upstream did not answer. */
export const FAILURES = {
  refused: 'upstream-refused',
  timeout: 'upstream-timeout',
  tls: 'upstream-tls',
  /** Refused, or without TLS: the engine does not tell which. */
  unreachable: 'upstream-unreachable',
  unresolved: 'upstream-unresolved',
  closed: 'upstream-closed',
  badAnswer: 'upstream-bad-answer',
  unknown: 'upstream-unknown',
} as const;

/** Reason of an answer that began and did not come to its end; its status is what the upstream had answered. */
export const CUT_OFF = 'cut-off';

/** All refusals with their statuses. */
export const REFUSALS = { ...DENIALS, ...ENGINE_REFUSALS };

export type Refusal = keyof typeof REFUSALS;
export type Reason = Refusal | (typeof FAILURES)[keyof typeof FAILURES] | typeof CUT_OFF | 'internal';

export function isDenial(reason: string): reason is Denial {
  return Object.hasOwn(DENIALS, reason);
}

/** Returns whether a reason means that the request was refused. */
export function isRefusal(reason: string): boolean {
  return Object.hasOwn(REFUSALS, reason);
}

/** Reasons of statuses that an engine gives without a decision of the policy. */
export const STATUS_REASONS: Readonly<Record<number, Reason>> = {
  400: 'malformed',
  405: 'method',
  408: 'slow',
  411: 'malformed',
  413: 'body-size',
  414: 'target-size',
  421: 'misdirected',
  429: 'rate-limit',
  431: 'head-size',
  499: 'client-gone',
  500: 'internal',
  501: 'malformed',
  503: 'internal',
  505: 'malformed',
  508: 'loop',
};

/** Fields about the decision on a request. */
export type Logged = Pick<LogLine, 'path' | 'reason' | 'route' | 'key'>;

export function loggedOf(
  decision: Decision,
  { target, credential }: Pick<ProxyRequest, 'target' | 'credential'>,
  { usesKeys }: Pick<Access, 'usesKeys'>,
): Logged {
  const [path] = splitTarget(target);
  return {
    path: decision.route === '' ? shownPath(path) : path,
    reason: decision.kind === 'deny' ? decision.reason : '',
    route: decision.route,
    key: usesKeys && credential.kind === 'known' ? credential.id : '',
  };
}

/** Returns the fields about the decision of a shadow. */
export function shadowOf(decision: Decision): ShadowLine {
  const isUndecided = decision.kind === 'deny' && UNDECIDED.some((reason) => reason === decision.reason);
  if (isUndecided) return { shadow: null, shadowRoute: '' };
  return { shadow: decision.kind === 'forward' ? null : decision.status, shadowRoute: decision.route };
}

const TYPES = { ...LOG_FIELDS, ...SHADOW_FIELDS };

/** Returns whether a value has the type of its field. */
export function isOfField(name: keyof LogLine | keyof ShadowLine, value: unknown): boolean {
  const type = TYPES[name];
  if (type === 'text') return typeof value === 'string';
  return typeof value === 'number' || (value === null && type === 'number or null');
}

const POSITIONS = ['first', 'second'] as const;

/** Returns whether log lines tell which key of an id was sent: they do where some id has two. */
export function tellsPositions(apiKeys: readonly Pick<ApiKey, 'keys'>[]): boolean {
  return apiKeys.some(({ keys }) => keys.length > 1);
}

/** Returns the word for a key of an id by its index; a spec has no more than two. */
export function keyPosition(index: number): string {
  return POSITIONS[index] ?? String(index + 1);
}

const SHORT = `/[A-Za-z0-9_.-]{0,${KEY_MIN_LENGTH - 1}}`;

/**
 * Sources, without anchors, for paths that no route allows: the whole path if all of it may be shown, and the part of
 * any path that may be. A segment as long as a key could be a key in the wrong place, and so could one with other
 * characters.
 */
export const PLAIN_PATH = { whole: `(?:${SHORT})+`, beginning: `(?:${SHORT})*` } as const;

const [WHOLE, BEGINNING] = [new RegExp(`^${PLAIN_PATH.whole}$`), new RegExp(`^(${PLAIN_PATH.beginning})/`)];

function shownPath(path: string): string {
  return WHOLE.test(path) ? path : `${BEGINNING.exec(path)?.[1] ?? ''}/*`;
}
