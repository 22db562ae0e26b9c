import { CORS_RESPONSE_HEADERS, preflightFields, UNTOLD } from '../../plan/cors.ts';
import { isDenial, type Refusal } from '../../plan/log.ts';
import { escapeRegex } from '../../plan/regex.ts';
import type { Cors, Proxy } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import type { HeaderModel } from './model.ts';
import { VERB } from './paths.ts';
import { bareWord, type Part, type Variable, value, variable } from './quote.ts';

/** The verdict on a preflight, and the name of its location. */
export const PREFLIGHT = 'preflight';

/**
 * Statuses that nginx itself answers to requests that were decided. Its other statuses are for heads that it could not
 * read.
 */
const DECIDED_STATUSES = [413, 429, 500, 502, 503, 504];

/**
 * Returns the allowed origin of the page that asks; "" for none. Only the first of several Origin headers counts,
 * because nginx before 1.23 sees no other.
 */
function pageMap({ origins }: Cors, prefix: string, maps: MapList): Part {
  if (origins === 'any') return '*';
  return maps.add({
    name: `${prefix}_cors_origin`,
    comment: 'Origins whose pages may call the proxy.',
    source: [variable('http_origin')],
    patterns: origins.map((origin) => [`^[ \\t]*+${escapeRegex(origin)}[ \\t]*+(?:,|\\z)`, origin]),
  });
}

interface PreflightInput {
  readonly cors: Cors;
  readonly prefix: string;
  readonly grants: MapList;
  readonly maps: MapList;
  /** Value of `Allow`: the methods of the path; "" where there is no such path. */
  readonly allow: Variable;
  /** What becomes of a preflight. */
  readonly answer: Part;
}

/**
 * Defines the check for preflights, with which a browser asks what a page may send. An existing path answers them
 * without a key.
 */
export function preflightMap({ cors, prefix, grants, maps, allow, answer }: PreflightInput, next: Part): Part {
  const known = maps.add({
    name: `${prefix}_verdict_known`,
    source: [allow],
    fallback: answer,
    exact: [['', next]],
  });
  const asking = maps.add({
    name: `${prefix}_verdict_page`,
    source: [cors.origins === 'any' ? variable('http_origin') : pageMap(cors, prefix, grants)],
    fallback: cors.origins === 'any' ? next : known,
    ...(cors.origins === 'any' ? { patterns: [['^[ \\t]*+[^ \\t,]', known]] } : { exact: [['', next]] }),
  });
  const isOptions = maps.add({ name: `${prefix}_options`, source: [VERB], exact: [['OPTIONS', 'yes']] });
  return maps.add({
    name: `${prefix}_verdict_options`,
    comment: 'Preflights of browsers need no key.',
    source: [isOptions, ' ', variable('http_access_control_request_method')],
    fallback: next,
    patterns: [['^yes [ \\t]*+[^ \\t,]', asking]],
  });
}

/** Headers of answers for pages of other origins. */
export interface CorsHeaders {
  readonly answers: readonly HeaderModel[];
  of(verdictOrStatus: Refusal | number): readonly HeaderModel[];
  /** Headers of the upstream that are not passed on. */
  readonly hidden: readonly string[];
  /** Headers of the answer to a preflight; `null` where preflights are not answered. */
  readonly preflight: readonly HeaderModel[] | null;
}

const NOTHING: CorsHeaders = { answers: [], of: () => [], hidden: [], preflight: null };

interface HeadersInput {
  readonly proxy: Proxy;
  readonly prefix: string;
  readonly maps: MapList;
  readonly allow: Variable;
}

export function corsHeaders({ proxy: { cors }, prefix, maps, allow }: HeadersInput): CorsHeaders {
  if (!cors) return NOTHING;
  const isAny = cors.origins === 'any';
  const origin: Part = isAny ? '*' : variable(`${prefix}_cors_origin`);
  const exposed = isAny
    ? '*'
    : maps.add({ name: `${prefix}_cors_exposed`, source: [origin], fallback: '*', exact: [['', '']] });
  const header = (name: string, text: Part): HeaderModel => ({ name: bareWord(name), value: value(text) });
  const told = [header('Access-Control-Allow-Origin', origin), ...(isAny ? [] : [header('Vary', 'Origin')])];
  const answers = [...told, header('Access-Control-Expose-Headers', exposed)];
  const isTold = (of: Refusal | number) =>
    typeof of === 'number' ? DECIDED_STATUSES.includes(of) : !UNTOLD.some((reason) => reason === of && isDenial(of));
  const preflight = [
    ...told,
    header('Access-Control-Allow-Methods', allow),
    ...preflightFields(cors).map(([name, text]) => header(name, text)),
  ];
  return {
    answers,
    of: (each) => (isTold(each) ? answers : []),
    hidden: CORS_RESPONSE_HEADERS,
    preflight,
  };
}
