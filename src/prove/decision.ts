import { DENIALS, type Decision, type Denial } from '../policy/decide.ts';
import { credentialText, keySource } from '../policy/key.ts';
import { forbiddenParameterSource, queryPairSource } from '../policy/query.ts';
import type { ProxyRequest } from '../policy/request.ts';
import { matches } from './explore.ts';
import { type Language, without } from './language.ts';
import { lazily } from './lazily.ts';
import { literally, wholly } from './matching.ts';
import type { Cuts, Trace } from './model.ts';
import { atMost } from './numbers.ts';
import type { ExampleRequest, SymbolicRequest } from './request.ts';

/** A kind of target: methods and paths that the spec and the file treat alike, with an example. */
export interface Target {
  readonly cuts: Cuts;
  readonly method: string;
  readonly path: string;
  /** How the file came to it, where it is to be shown. */
  readonly trace?: Trace | undefined;
}

const REASONS = Object.keys(DENIALS);

/**
 * Returns the decision of the spec about a request of this run. The request is narrowed, in the order of the
 * evaluator's checks, until the evaluator decides all that is left alike; the decision is then that about an example.
 */
export function decisionOf(
  request: SymbolicRequest,
  target: Target,
  decide: (request: ProxyRequest) => Decision,
): Decision {
  for (const { upTo, narrow } of STEPS) {
    narrow(request);
    const decision = decide(exampleRequest(request, target));
    if (decision.kind === 'deny' && REASONS.indexOf(decision.reason) <= REASONS.indexOf(upTo)) return decision;
  }
  // Once the body has been looked at, an example may have one that is refused.
  const passed = request.run.once('decision about the head', () => decide(exampleRequest(request, target)));
  if (passed.kind === 'forward') narrowBody(request, passed.forwarding);
  return decide(exampleRequest(request, target));
}

export function exampleRequest(
  request: SymbolicRequest,
  { method, path }: Pick<Target, 'method' | 'path'>,
): ExampleRequest {
  return request.example(method, `${path}${request.exampleQuery()}`);
}

const PAIR = queryPairSource();
const PAIRS = `(?:${PAIR}(?:&${PAIR})*&?)?`;
const FORBIDDEN = `(?i)(?:[^\\n]*&)?${forbiddenParameterSource()}[^\\n]*`;
const QUERY = lazily(() => without(wholly(PAIRS), wholly(FORBIDDEN)));
const MARKED_QUERY = lazily(() => without(wholly(`(?:[?]${PAIRS})?`), wholly(`[?](?:${FORBIDDEN})`)));
const NO_KEY = lazily(() => wholly('[ \\t]*(?:,[^\\n]*)?'));
const NO_BODY = lazily(() => wholly('0*'));

interface Step {
  /** The last reason of a refusal that is certain after `narrow`; reasons are in the order of the checks. */
  readonly upTo: Denial;
  readonly narrow: (request: SymbolicRequest) => void;
}

const STEPS: readonly Step[] = [
  {
    upTo: 'head-size',
    narrow: (request) => matches(request.run, request.requestLength(), atMost(request.world.proxy.maxRequestHead)),
  },
  {
    upTo: 'misdirected',
    narrow: (request) =>
      request.world.proxy.hosts.some((host) => matches(request.run, request.hostName(), named(host))),
  },
  { upTo: 'address', narrow: narrowClient },
  { upTo: 'address', narrow: narrowPage },
  { upTo: 'key-address', narrow: narrowKey },
  // Path and method were narrowed when the kinds of target were found.
  { upTo: 'query', narrow: narrowQuery },
];

function narrowClient({ hops, world: { proxy } }: SymbolicRequest): void {
  const client = hops.client();
  hops.isIn(client, proxy.ranges);
  if (proxy.health) hops.isIn(client, proxy.health.ranges);
}

const SOME = lazily(() => wholly('[^ \\t,][^\\n]*'));

/** What a page of another origin asks, and which one it is. */
function narrowPage(request: SymbolicRequest): void {
  const { run, world } = request;
  const { cors } = world.proxy;
  if (!cors) return;
  const from = request.header('origin');
  if (cors.origins === 'any') matches(run, from, SOME());
  else cors.origins.some((origin) => matches(run, from, originLanguage(origin)));
  matches(run, request.header('access-control-request-method'), SOME());
}

/** Of several values the first counts. */
function originLanguage(origin: string): Language {
  return wholly(`${literally(origin)}[ \\t]*(?:,[^\\n]*)?`);
}

function narrowQuery(request: SymbolicRequest): void {
  const { run } = request;
  if (run.pieces.has('marked query')) matches(run, request.markedQuery(), MARKED_QUERY());
  else matches(run, request.query(), QUERY());
}

function narrowKey(request: SymbolicRequest): void {
  const { run, world } = request;
  if (!world.proxy.routes.some(({ forwarding }) => forwarding.auth === 'apiKey')) return;
  const callers = request.callers();
  if (callers.kind === 'known') {
    // Those of one kind have the same of both.
    const [{ expires, ranges } = {}] = callers.keys;
    if (expires !== undefined) request.isBefore(expires);
    if (ranges) request.hops.isIn(request.hops.client(), ranges);
    return;
  }
  const sent = request.header(world.proxy.apiKeyHeader.toLowerCase());
  const scheme = credentialText(world.proxy.apiKeyScheme, '');
  if (!matches(run, sent, NO_KEY())) matches(run, sent, wholly(`[ \\t]*${scheme}${keySource()}[ \\t]*(?:,[^\\n]*)?`));
}

function named(host: string): Language {
  return wholly(`(?i)${literally(host)}`);
}

interface Body {
  readonly contentTypes: 'any' | readonly string[];
  readonly maxBody: number | undefined;
}

function narrowBody(request: SymbolicRequest, { contentTypes, maxBody }: Body): void {
  const { run } = request;
  const kind = request.body();
  if (kind === 'none' || (kind === 'length' && matches(run, request.contentLength(), NO_BODY()))) return;
  if (contentTypes !== 'any')
    contentTypes.some((type) => matches(run, request.header('content-type'), wholly(typeSource(type))));
  if (kind === 'length' && maxBody !== undefined) matches(run, request.contentLength(), atMost(maxBody));
}

function typeSource(type: string): string {
  return `[ \\t]*(?i:${literally(type)})[ \\t]*(?:[;,][^\\n]*)?`;
}
