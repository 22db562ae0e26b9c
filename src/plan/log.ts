import type { Access } from '../policy/access.ts';
import { DENIALS, type Decision, type Denial, splitTarget } from '../policy/decide.ts';
import { KEY_MIN_LENGTH } from '../policy/key.ts';
import type { ProxyRequest } from '../policy/request.ts';
import type { ApiKey } from '../policy/types.ts';

/**
 * A line of the access log: one JSON object a request, the same on every engine. Texts are "" and numbers `null` where
 * there is nothing to say.
 */
export interface LogLine {
  /** RFC 3339; when the answer had ended. */
  readonly time: string;
  /** Tells it apart from others of the same time. */
  readonly id: string;
  /** Name of the proxy; "" for the sites of domain rewrites. */
  readonly proxy: string;
  /** Address of the client as the policy understands it. */
  readonly client: string;
  readonly method: string;
  /** Without the query. A path that no route allows ends with "*" before the first part that could be a key. */
  readonly path: string;
  readonly status: number;
  /** Why it is not the upstream's answer; "" where it is, or where the proxy answers by itself. */
  readonly reason: Reason | '';
  /** What the request fell into: a route class, or the public name of a site. */
  readonly route: string;
  /** Whose key it was, also of a key that has expired. */
  readonly key: string;
  /** "first" or "second" of the keys of an id, as long as some id of the spec has two. */
  readonly keyPosition: string;
  /** The server that was asked, as `address:port`; several, one after the other, where some could not be reached. */
  readonly upstream: string;
  /** What that server answered; `null` where it did not. */
  readonly upstreamStatus: number | null;
  /** Bytes of the body that was sent. */
  readonly size: number;
  /** Seconds from the first byte of the request to the last one of the answer. */
  readonly duration: number;
  /** Seconds until that server had answered, or had failed to. */
  readonly upstreamTime: number | null;
}

/** What a line says of the spec that is only decided, where there is one. */
export interface ShadowLine {
  /** The status that it answers with; `null` where it forwards, and where nothing is decided: then there is no route. */
  readonly shadow: number | null;
  /** The route class that the request falls into there. */
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

/** What engines refuse beside the policy, and the status of it. */
const ENGINE_REFUSALS = {
  /** The key is good, and there is no token for the upstream. */
  'token-missing': 403,
  /** Not a request that the engine can read, or a Host that is no name. */
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

/** Reasons of engines that looked at no more than the head, or at none: no spec would decide such a request. */
export const UNDECIDED = ['head-size', 'misdirected', 'malformed', 'target-size', 'slow'] as const satisfies (
  | Denial
  | keyof typeof ENGINE_REFUSALS
)[];

/** What can become of a request on its way to the upstream. */
export const FAILURES = {
  refused: 'upstream-refused',
  timeout: 'upstream-timeout',
  tls: 'upstream-tls',
  /** Refused, or no TLS: the engine does not say which. */
  unreachable: 'upstream-unreachable',
  unresolved: 'upstream-unresolved',
  closed: 'upstream-closed',
  badAnswer: 'upstream-bad-answer',
  unknown: 'upstream-unknown',
} as const;

/** Refusals by word, with the status that each has. */
export const REFUSALS = { ...DENIALS, ...ENGINE_REFUSALS };

export type Refusal = keyof typeof REFUSALS;
export type Reason = Refusal | (typeof FAILURES)[keyof typeof FAILURES] | 'internal';

export function isDenial(reason: string): reason is Denial {
  return Object.hasOwn(DENIALS, reason);
}

/** Whether a reason says that the request was not let through. */
export function isRefusal(reason: string): boolean {
  return Object.hasOwn(REFUSALS, reason);
}

/** What a status says that an engine gives by itself, without any verdict of the policy. */
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

/** What a line says of how a request was decided. */
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

/** What a line says of the decision of a shadow. */
export function shadowOf(decision: Decision): ShadowLine {
  const isUndecided = decision.kind === 'deny' && UNDECIDED.some((reason) => reason === decision.reason);
  if (isUndecided) return { shadow: null, shadowRoute: '' };
  return { shadow: decision.kind === 'forward' ? null : decision.status, shadowRoute: decision.route };
}

/** Whether a value of a line has the type of its field. */
export function isOfField(name: keyof LogLine | keyof ShadowLine, value: unknown): boolean {
  const type = { ...LOG_FIELDS, ...SHADOW_FIELDS }[name];
  if (type === 'text') return typeof value === 'string';
  return typeof value === 'number' || (value === null && type === 'number or null');
}

const POSITIONS = ['first', 'second'] as const;

/** Whether lines say which of its keys a caller sent. */
export function tellsPositions(apiKeys: readonly Pick<ApiKey, 'keys'>[]): boolean {
  return apiKeys.some(({ keys }) => keys.length > 1);
}

/** The word for which of its keys it is; the spec has no more than two for an id. */
export function keyPosition(index: number): string {
  return POSITIONS[index] ?? String(index + 1);
}

const SHORT = `/[A-Za-z0-9_.-]{0,${KEY_MIN_LENGTH - 1}}`;

/**
 * Sources, unanchored, for the path of a request that no route allows: all of it, and as much as is shown. A part as long
 * as a key could be one in the wrong place, and so could one with other characters.
 */
export const PLAIN_PATH = { whole: `(?:${SHORT})+`, beginning: `(?:${SHORT})*` } as const;

const [WHOLE, BEGINNING] = [new RegExp(`^${PLAIN_PATH.whole}$`), new RegExp(`^(${PLAIN_PATH.beginning})/`)];

function shownPath(path: string): string {
  return WHOLE.test(path) ? path : `${BEGINNING.exec(path)?.[1] ?? ''}/*`;
}
