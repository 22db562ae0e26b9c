import type { Composition } from '../compose/compose.ts';
import { secretSeenFrom } from '../compose/merge.ts';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { plainReference, secretName } from '../policy/apiKeys.ts';
import { type CidrSet, intersect } from '../policy/cidr.ts';
import { policyCodes } from '../policy/codes.ts';
import type { PathPattern } from '../policy/pattern.ts';
import { type ReadFile, rangeResolver } from '../policy/ranges.ts';
import { bytesOf, parseRequest, sizeName } from '../policy/routes.ts';
import type { Forwarding } from '../policy/types.ts';
import type { BoundsOf, Envelope } from './bounds.ts';

/** A request line that an envelope allows. */
export interface Line {
  readonly methods: readonly string[];
  readonly pattern: PathPattern;
  readonly envelope: Envelope;
}

/** What the envelopes of a spec say, with their patterns parsed and their addresses resolved. */
export interface Terms {
  readonly lines: readonly Line[];
  /** The addresses of each envelope that names some; the others admit requests from everywhere. */
  readonly ranges: ReadonlyMap<Envelope, CidrSet>;
}

export function termsOf(
  { envelopes }: Pick<BoundsOf, 'envelopes'>,
  { spec }: Pick<Composition, 'spec'>,
  read: ReadFile,
  problems: Diagnostic[],
): Terms {
  const lines: Line[] = [];
  const ranges = new Map<Envelope, CidrSet>();
  for (const envelope of envelopes) {
    const { within, inclusion } = envelope;
    const found: Diagnostic[] = [];
    const at: SpecPath = ['include', inclusion.index, 'within'];
    for (const [index, text] of within.allow.entries()) {
      const request = parseRequest(text, [...at, 'allow', index], found, 'answered');
      if (request) lines.push({ ...request, envelope });
    }
    for (const [index, name] of (within.upstreams ?? []).entries()) {
      const known = Object.keys(spec.upstreams ?? {});
      if (known.includes(name)) continue;
      found.push(
        policyCodes.report('unknown-reference', [...at, 'upstreams', index], { kind: 'upstream', name, known }),
      );
    }
    if (within.ipRanges) {
      const resolver = rangeResolver(spec, read, found);
      ranges.set(envelope, resolver.resolve(within.ipRanges, [...at, 'ipRanges']));
    }
    const { document } = inclusion.from;
    problems.push(
      ...found.map((one) => (one.place ? one : { ...one, place: document.locate(one.at, one.part ?? 'value') })),
    );
  }
  return { lines, ranges };
}

type Limits = Envelope['within'];

/** By field, what an envelope does not let a route do, as the end of "does not let …". */
const FORWARDED: {
  readonly [K in keyof Forwarding]: (value: Forwarding[K], within: Limits) => string | undefined;
} = {
  upstream: (upstream, { upstreams }) =>
    upstreams && !upstreams.includes(upstream) ? `it go to upstream "${upstream}"` : undefined,
  // Passthrough adds no token: callers with credentials of their own can do what the upstream lets them do anyway.
  auth: () => undefined,
  headers: (headers, within) => {
    const known = headersOf(within);
    const more = headers.filter((header) => !known.includes(header));
    return more.length === 0 ? undefined : `it pass the headers ${more.join(', ')}`;
  },
  contentTypes: (types, within) => {
    const known = contentTypesOf(within);
    if (known === 'any') return undefined;
    if (types === 'any') return 'it take bodies of any type';
    const more = types.filter((type) => !known.includes(type));
    return more.length === 0 ? undefined : `it take bodies of ${more.join(', ')}`;
  },
  maxBody: (size, { maxBody }) => {
    const most = bytesOf(maxBody);
    return most === undefined || (size !== undefined && size <= most)
      ? undefined
      : `it take bodies of ${size === undefined ? 'any size' : sizeName(size)}`;
  },
  websocket: (on, { websocket = false }) => (on && !websocket ? 'it open WebSockets' : undefined),
};

function headersOf({ headers = [] }: Limits): readonly string[] {
  return headers.map((header) => header.toLowerCase());
}

/** JSON alone is the default, because a form may hold a method or a token that no proxy sees. */
function contentTypesOf({ contentTypes = ['application/json'] }: Limits): Forwarding['contentTypes'] {
  return contentTypes;
}

export function forwardingProblem(forwarding: Forwarding, { within }: Envelope): string | undefined {
  const problem = <K extends keyof Forwarding>(field: K) => FORWARDED[field](forwarding[field], within);
  return (Object.keys(FORWARDED) as (keyof Forwarding)[]).map(problem).find((found) => found !== undefined);
}

/** The most that all envelopes of a way let a route do, but for its upstream. */
export function mostForwarded(way: readonly Envelope[]): Omit<Forwarding, 'upstream'> {
  const all = way.map(({ within }) => within);
  const types = all.map(contentTypesOf).filter((one) => one !== 'any');
  const sizes = all.flatMap(({ maxBody }) => bytesOf(maxBody) ?? []);
  return {
    auth: 'apiKey',
    headers: inAll(all.map(headersOf)) ?? [],
    contentTypes: inAll(types) ?? 'any',
    maxBody: sizes.length === 0 ? undefined : Math.min(...sizes),
    websocket: all.every(({ websocket = false }) => websocket),
  };
}

/** The upstreams that all envelopes of a way admit; `undefined` for any. */
export function upstreamsOf(way: readonly Envelope[]): readonly string[] | undefined {
  return inAll(way.flatMap(({ within: { upstreams } }) => (upstreams ? [upstreams] : [])));
}

/** The addresses that all envelopes of a way admit; `undefined` for any. */
export function addressesOf(way: readonly Envelope[], { ranges }: Terms): CidrSet | undefined {
  const [first, ...others] = way.flatMap((envelope) => ranges.get(envelope) ?? []);
  return first && others.reduce((all, one) => intersect(all, one), first);
}

/** What is in each of the lists; `undefined` where there is no list. */
function inAll(lists: readonly (readonly string[])[]): readonly string[] | undefined {
  const [first, ...others] = lists;
  return first?.filter((one) => others.every((other) => other.includes(one)));
}

/** Whether an envelope lets keys send this token, or says nothing of tokens. */
export function namesToken({ within: { tokens }, inclusion: { from } }: Envelope, reference: string): boolean {
  return tokens?.some((pattern) => covers(secretSeenFrom(from, pattern), reference)) ?? true;
}

/** The first token that all envelopes of a way let keys send and this one does not; "any" where they say nothing. */
export function tokenBeyond(way: readonly Envelope[], envelope: Envelope): string | undefined {
  if (!envelope.within.tokens) return undefined;
  const lists = way.flatMap(({ within: { tokens }, inclusion: { from } }) =>
    tokens ? [tokens.map((one) => secretSeenFrom(from, one))] : [],
  );
  const more = lists.map((list) => list.find((pattern) => !namesToken(envelope, pattern)));
  if (lists.length === 0) return 'it send any token';
  return more.some((one) => one === undefined) ? undefined : `it send ${more[0]}`;
}

/** A reference is as the pattern says in its spelling and by the secret: `vault:kv/d*` does not cover `vault:kv/data/x#f`. */
function covers(pattern: string, reference: string): boolean {
  return [plainReference, secretName].every((nameOf) => {
    const [wide, text] = [nameOf(pattern), nameOf(reference)];
    return wide.endsWith('*') ? text.startsWith(wide.slice(0, -1)) : wide === text;
  });
}
