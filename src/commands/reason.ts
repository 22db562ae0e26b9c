import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { toldMethods } from '../policy/access.ts';
import { run } from '../policy/automaton.ts';
import { isPreflight } from '../policy/cors.ts';
import { type Denial, splitTarget } from '../policy/decide.ts';
import { askedHost } from '../policy/hosts.ts';
import { acceptsSegment, type PathPattern, type PatternSegment } from '../policy/pattern.ts';
import { isAllowedQuery } from '../policy/query.ts';
import { accepts, type ParameterType } from '../policy/segment.ts';
import type { Forwarding, Route } from '../policy/types.ts';
import { suggest } from '../spec/suggest.ts';
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
  'key-missing': (decided) => `no key in ${decided.proxy.apiKeyHeader}${foreignPage(decided)}`,
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
    const endpoint = access.endpoints.find((place) => place.state === state);
    return `the path is known, but not with this method; it takes ${endpoint ? toldMethods(endpoint).join(', ') : 'none'}`;
  },
  'key-routes': (decided) => `${caller(decided)} may not use "${decided.decision.route}"`,
  query: ({ request }) => queryProblem(splitTarget(request.target)[1]),
  'content-type': (decided) => {
    const types = forwardingOf(decided)?.contentTypes;
    return `the body is of a type that the route does not take${types ? `; it takes ${[types].flat().join(', ')}` : ', or there should be none'}`;
  },
  'body-size': (decided) => {
    const most = forwardingOf(decided)?.maxBody;
    return `the body is larger than the ${most === undefined ? '' : `${most} bytes that the `}route takes`;
  },
};

/** Browsers ask for pages without a key, and are told of pages that `cors` names. */
function foreignPage({ request: { method, headers }, proxy: { cors } }: Decided): string {
  if (!cors || !isPreflight({ ...cors, origins: 'any' }, method, headers)) return '';
  const words = isPreflight(cors, method, headers)
    ? 'about a path that no route has'
    : 'for a page of an origin that cors does not name';
  return `; a browser asks ${words}`;
}

function forwardingOf({ decision, evaluator: { access } }: Decided): Forwarding | undefined {
  const found = access.classes.find(({ id }) => id === decision.route);
  return found?.kind === 'forward' ? found.forwarding : undefined;
}

/** Returns the allowed request that may have been meant, if no pattern matches the path. */
export function nearestOf({ decision, request, proxy }: Decided): Nearest | undefined {
  if (decision.kind !== 'deny' || decision.reason !== 'path') return undefined;
  return nearestRoute(splitTarget(request.target)[0], proxy.routes);
}

/** Returns the reason of a decision, in one clause. */
export function reasonOf(decided: Decided): string {
  const { decision, proxy } = decided;
  switch (decision.kind) {
    case 'deny':
      // The reason may quote the request, into which people paste credentials.
      return printable(maskSecrets(DENIALS[decision.reason](decided)));
    case 'answer':
      return decision.preflight
        ? `a browser asks what a page may send here: ${decision.preflight.join(', ')}`
        : `proxy "${proxy.id}" answers this itself`;
    case 'forward':
      return decision.key
        ? `"${decision.route}" allows it to key "${decision.key.id}"`
        : `"${decision.route}" allows it to everybody with credentials of their own`;
  }
}

/** An allowed request that may have been meant, and why it does not match. */
interface Nearest {
  readonly route: Route;
  /** First difference, as a clause: `segment 4 is "hook", not "hooks"`. */
  readonly difference: string;
}

/** Returns the route whose pattern agrees longest with a path; `undefined` if none is similar. */
export function nearestRoute(path: string, routes: readonly Route[]): Nearest | undefined {
  const given = path.slice(1).split('/');
  const meant = meantBy(given);
  let best: { route: Route; score: readonly number[] } | undefined;
  for (const route of routes) {
    const score = scoreOf(meant, route.pattern);
    if (!best || isHigher(score, best.score)) best = { route, score };
  }
  const [agreeing = 0, similar = 0] = best?.score ?? [];
  if (!best || agreeing + similar === 0) return undefined;
  return { route: best.route, difference: differenceOf(given, best.route.pattern) };
}

/** Returns segments without empty ones in the middle and without escapes of characters that need none. */
function meantBy(given: readonly string[]): readonly string[] {
  return given
    .filter((text, index) => text !== '' || index === given.length - 1)
    .map((text) =>
      text.replace(/%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])/g, (escape) =>
        String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
      ),
    );
}

/**
 * Returns how near a pattern is to a path; earlier numbers count first, and more is nearer: agreeing segments from the
 * start, whether the next one is only misspelt, all agreeing segments, and the difference in length, negated.
 */
function scoreOf(given: readonly string[], pattern: PathPattern): readonly number[] {
  const segments = spread(pattern, given.length);
  const agrees = segments.map((segment, index) => index < given.length && isNear(segment, given[index] ?? ''));
  const start = agrees.indexOf(false);
  return [
    start < 0 ? segments.length : start,
    isMisspelt(segments[start], start < 0 ? given.slice(segments.length) : given.slice(start)) ? 1 : 0,
    agrees.filter(Boolean).length,
    -Math.abs(given.length - segments.length),
  ];
}

/** Capital letters count as small ones here. */
function isNear(segment: PatternSegment, text: string): boolean {
  const isOtherCase = segment.kind === 'literal' && segment.text.toLowerCase() === text.toLowerCase();
  return isOtherCase || acceptsSegment(segment, text);
}

function isMisspelt(segment: PatternSegment | undefined, [text = '', ...more]: readonly string[]): boolean {
  if (segment?.kind === 'literal' && segment.text !== '') return suggest(text, [segment.text]) !== undefined;
  // A trailing slash.
  return segment === undefined && text === '' && more.length === 0;
}

/** Returns the segments of a pattern, with its rest repeated to the length of a path. */
function spread({ segments }: PathPattern, length: number): readonly PatternSegment[] {
  return segments.flatMap((segment) => {
    const times = segment.kind === 'rest' ? Math.max(1, length - segments.length + 1) : 1;
    return Array.from({ length: times }, () => segment);
  });
}

function isHigher(a: readonly number[], b: readonly number[]): boolean {
  const index = a.findIndex((number, place) => number !== b[place]);
  return index >= 0 && (a[index] ?? 0) > (b[index] ?? 0);
}

function differenceOf(given: readonly string[], pattern: PathPattern): string {
  const segments = spread(pattern, given.length);
  for (const [index, text] of given.entries()) {
    const segment = segments[index];
    if (segment === undefined) return text === '' ? 'it ends without "/"' : `it ends before segment ${index + 1}`;
    if (!acceptsSegment(segment, text)) return `segment ${index + 1} ${segmentProblem(segment, text)}`;
  }
  const missing = segments[given.length];
  return missing?.kind === 'literal' && missing.text === '' ? 'it ends with "/"' : 'it goes on';
}

function segmentProblem(segment: PatternSegment, text: string): string {
  switch (segment.kind) {
    case 'literal':
      return segment.text === '' ? 'is one too many' : `is "${text}", not "${segment.text}"`;
    case 'choice':
      return `is "${text}", not one of ${segment.values.join(', ')}`;
    case 'parameter':
    case 'rest':
      return text === '' ? `is empty, which no {${segment.name}} is` : parameterProblem(segment.type, text);
  }
}

/** A text that each type accepts. A character between two samples shows whether the type accepts that character. */
const SAMPLE: Readonly<Record<ParameterType, string>> = {
  int: '1',
  hex: 'a',
  uuid: '',
  slug: 'a',
  segment: 'a',
  encodedPath: 'a',
  encodedText: 'a',
};

function parameterProblem(type: ParameterType, text: string): string {
  const sample = SAMPLE[type];
  const bad = sample === '' ? undefined : units(text).find(({ unit }) => !accepts(type, sample + unit + sample));
  const named = type === 'segment' ? 'a plain segment' : `of type ${type}`;
  if (bad) return `is not ${named}: "${bad.unit}" at character ${bad.at}`;
  if (/(?:^|%2f)(?:[.]|%2e){1,2}(?:;|%3b|%2f|$)/i.test(text)) return `is not ${named}: it holds a dot segment`;
  return /(?:^|%2f)(?:%2f|$)/i.test(text) ? `is not ${named}: a part of it is empty` : `is not ${named}`;
}

/** Returns the characters and escapes of a text with their places, from 1. */
function units(text: string): { readonly unit: string; readonly at: number }[] {
  return [...text.matchAll(/%[0-9A-Fa-f]{2}|./gsu)].map((match) => ({ unit: match[0], at: match.index + 1 }));
}

/**
 * Returns what is wrong with the first parameter that is not allowed. The message holds at most one character of a
 * value.
 */
export function queryProblem(query: string): string {
  const pairs = query.split('&');
  const index = pairs.findIndex((pair) => pair === '' || !isAllowedQuery(pair));
  const pair = pairs[index] ?? '';
  const place = `parameter ${index + 1} of the query`;
  if (pair === '') return `${place} is empty`;
  const [name = '', ...values] = pair.split('=');
  const plain = name.replace(/(?:\[|%5b).*$/i, '');
  if (/^[\w$%.-]+$/.test(plain) && isAllowedQuery(`x_${plain.replace(/^(?:\$|%24)/, '')}`) && !isAllowedQuery(plain))
    return /^(?:\$|%24)?[A-Za-z_]/.test(plain)
      ? `"${plain}" names a credential or an override`
      : `the name of ${place} is malformed`;
  if (!isAllowedQuery(name)) return `the name of ${place} is malformed`;
  const bad = units(values.join('=')).find(({ unit }) => !isAllowedQuery(`a=${unit}`));
  return bad ? `the value of ${place} holds "${bad.unit}" at its character ${bad.at}` : `${place} is malformed`;
}
