import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { canonical } from '../source/value.ts';
import type { Spec } from '../spec/schema.ts';
import { policyCodes } from './codes.ts';
import type { Difference, Effect, FieldTable } from './fields.ts';
import { type PathPattern, parsePattern, parseRequestLine, type RequestUse } from './pattern.ts';
import { headerRefusal } from './refusedHeaders.ts';
import type { HeaderFields } from './request.ts';
import { shortened } from './shortened.ts';
import type { Forwarding, Route } from './types.ts';

type GroupSpec = NonNullable<Spec['routes']>[string];
type AllowSpec = Exclude<GroupSpec['allow'][number], string>;

export const DEFAULT_MAX_BODY = 1024 ** 2;
const SIZE_UNITS: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** Returns `10MB` in bytes, and `undefined` for `unlimited`. The schema has checked the form. */
export function bytesOf(text: string | undefined): number | undefined {
  if (text === undefined) return DEFAULT_MAX_BODY;
  const [, digits, unit = ''] = /^(\d+)(kb|mb|gb)$/.exec(text.toLowerCase()) ?? [];
  return digits === undefined ? undefined : Number(digits) * (SIZE_UNITS[unit] ?? 1);
}

/** Returns a size in words: `10485760` → `10MB`. */
export function sizeName(bytes: number | undefined): string {
  if (bytes === undefined) return 'unlimited';
  const units = [
    [1024 ** 3, 'GB'],
    [1024 ** 2, 'MB'],
    [1024, 'kB'],
  ] as const;
  const [size, unit] = units.find(([each]) => bytes % each === 0) ?? [1, 'B'];
  return `${bytes / size}${unit}`;
}

/**
 * Returns the names in lower case.
 * @param token header in which the upstream gets its token, which would overwrite a client's
 */
function extraHeaders(
  names: readonly string[],
  at: SpecPath,
  { problems, token }: { readonly problems: Diagnostic[]; readonly token: string | undefined },
): string[] {
  const headers: string[] = [];
  for (const [index, name] of names.entries()) {
    const why =
      headerRefusal(name, 'forward') ??
      (name.toLowerCase() === token ? 'carries the token of the upstream (tokenHeader)' : undefined);
    if (why === undefined) headers.push(name.toLowerCase());
    else problems.push(policyCodes.report('credential-header', [...at, index], { header: name, why }));
  }
  return [...new Set(headers)].sort();
}

/** Returns methods and pattern of a request line of the spec. */
export function parseRequest(
  text: string,
  at: SpecPath,
  problems: Diagnostic[],
  use: RequestUse = 'forwarded',
): { methods: readonly string[]; pattern: PathPattern } | undefined {
  const line = parseRequestLine(text, use);
  if ('problem' in line) {
    problems.push(policyCodes.report('bad-request', at, { text, ...line }));
    return undefined;
  }
  const pattern = parsePattern(line.path);
  if ('problem' in pattern) {
    problems.push(policyCodes.report('bad-pattern', at, { path: line.path, ...pattern }));
    return undefined;
  }
  return { methods: line.methods, pattern };
}

/** Returns how an entry is forwarded. Its own settings override those of its group, but headers add up. */
function forwardingOf(group: GroupSpec, entry: Partial<AllowSpec>, headers: readonly string[]): Forwarding {
  const auth = group.auth ?? 'apiKey';
  // A form body can carry private_token, sudo or _method, which no proxy sees; JSON is what API clients send.
  const contentTypes = entry.contentTypes ?? group.contentTypes ?? (auth === 'apiKey' ? ['application/json'] : 'any');
  return {
    upstream: group.upstream,
    auth,
    headers,
    contentTypes: contentTypes === 'any' ? 'any' : [...new Set(contentTypes)].sort(),
    maxBody: bytesOf(entry.maxBody ?? group.maxBody),
    websocket: entry.websocket ?? group.websocket ?? false,
  };
}

/**
 * Most characters of a variant's name. Names of route classes are in rows that people read, and the length of rows is
 * limited in engines.
 */
const LONGEST_VARIANT = 40;

/**
 * Returns by field the part of a variant's name, in the order in which a name has them. `upstream` and `auth` are set for
 * the whole group, so no entry differs in them.
 */
const VARIANT: { readonly [K in keyof Forwarding]: (value: Forwarding[K], usual: Forwarding[K]) => string } = {
  upstream: () => '',
  auth: () => '',
  contentTypes: (types) => (types === 'any' ? 'any-body' : types.length === 0 ? 'no-body' : types.join('+')),
  maxBody: (bytes) => sizeName(bytes),
  headers: (headers, usual) => headers.filter((header) => !usual.includes(header)).join('+'),
  websocket: (websocket) => (websocket ? 'websocket' : 'no-websocket'),
};

/**
 * Returns the fields in which an entry differs from its group, as a name: `9MB~websocket`. Entries that are forwarded
 * alike have equal names. Different entries may get equal names when odd characters are removed; `classOf` numbers
 * these.
 */
function variantOf(forwarding: Forwarding, usual: Forwarding): string {
  const part = <K extends keyof Forwarding>(key: K): string =>
    forwarding[key] === usual[key] || canonical(forwarding[key]) === canonical(usual[key])
      ? ''
      : VARIANT[key](forwarding[key], usual[key]);
  const parts = (Object.keys(VARIANT) as (keyof Forwarding)[]).map(part);
  return shortened(parts.filter((text) => text !== '').join('~'), LONGEST_VARIANT);
}

/** Refuses `websocket` on entries without GET, because a WebSocket is opened with GET. */
function checkWebSockets(
  group: string,
  { websocket, allow }: GroupSpec,
  routes: readonly Route[],
  problems: Diagnostic[],
) {
  const isAsked = ({ methods, forwarding }: Route) => forwarding.websocket && methods.includes('GET');
  const own = routes.filter(({ origin }) => {
    const entry = allow[Number(origin.at(-1))];
    return typeof entry === 'object' && entry.websocket === true;
  });
  for (const route of own)
    if (!isAsked(route)) problems.push(policyCodes.report('no-websocket', [...route.origin, 'websocket'], {}));
  if (websocket && routes.length === allow.length && !routes.some(isAsked))
    problems.push(policyCodes.report('no-websocket', ['routes', group, 'websocket'], {}));
}

/** Characters of all names of headers that pass with a request; engines name the way of a request by them. */
const MAX_HEADER_NAMES = 2_000;

function checkLength(headers: readonly string[], at: SpecPath, problems: Diagnostic[]): void {
  const { length } = headers.join();
  if (length > MAX_HEADER_NAMES)
    problems.push(policyCodes.report('many-headers', at, { length, limit: MAX_HEADER_NAMES }));
}

function groupRoutes(group: string, spec: GroupSpec, tokenHeader: string | undefined, problems: Diagnostic[]): Route[] {
  const origin: SpecPath = ['routes', group];
  const token = spec.auth === 'passthrough' ? undefined : tokenHeader?.toLowerCase();
  const shared = extraHeaders(spec.headers ?? [], [...origin, 'headers'], { problems, token });
  checkLength(shared, [...origin, 'headers'], problems);
  const usual = forwardingOf(spec, {}, shared);
  const routes = spec.allow.flatMap((item, index): Route[] => {
    const entry: AllowSpec = typeof item === 'string' ? { request: item } : item;
    const at: SpecPath = [...origin, 'allow', index];
    const request = parseRequest(entry.request, typeof item === 'string' ? at : [...at, 'request'], problems);
    const own = entry.headers ? extraHeaders(entry.headers, [...at, 'headers'], { problems, token }) : [];
    if (!request) return [];
    const headers = own.length === 0 ? shared : [...new Set([...shared, ...own])].sort();
    if (own.length > 0 && shared.join().length <= MAX_HEADER_NAMES) checkLength(headers, [...at, 'headers'], problems);
    const reason = entry.reason === undefined ? {} : { reason: entry.reason };
    const forwarding = typeof item === 'string' ? usual : forwardingOf(spec, entry, headers);
    return [{ group, ...request, forwarding, variant: variantOf(forwarding, usual), ...reason, origin: at }];
  });
  checkWebSockets(group, spec, routes, problems);
  return routes;
}

/** Returns routes: groups in the order of their names, entries in the order of the spec. */
export function resolveRoutes(spec: Spec, problems: Diagnostic[]): Route[] {
  const known = Object.keys(spec.upstreams ?? {});
  return Object.entries(spec.routes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([group, groupSpec]) => {
      if (!Object.hasOwn(spec.upstreams ?? {}, groupSpec.upstream)) {
        const params = { kind: 'upstream', name: groupSpec.upstream, known };
        problems.push(policyCodes.report('unknown-reference', ['routes', group, 'upstream'], params));
      }
      return groupRoutes(group, groupSpec, spec.upstreams?.[groupSpec.upstream]?.tokenHeader, problems);
    });
}

/** How each field of forwarding affects requests. */
export const FORWARDING: FieldTable<Forwarding> = {
  upstream: { words: 'the upstream', compare: 'decided' },
  auth: { words: 'auth', compare: 'decided' },
  headers: { words: 'headers', kind: 'headers', compare: headerDifferences },
  contentTypes: { words: 'contentTypes', kind: 'content-types', compare: typeDifferences, shownBy: 'refusal' },
  maxBody: { words: 'maxBody', kind: 'max-body', compare: sizeDifferences, shownBy: 'refusal' },
  websocket: { words: 'websocket', kind: 'websocket', compare: websocketDifferences },
};

function headerDifferences({ headers: before }: Forwarding, { headers: after }: Forwarding): Difference[] {
  const added = after.filter((header) => !before.includes(header));
  const removed = before.filter((header) => !after.includes(header));
  const told = (effect: Effect, headers: readonly string[], when: string): Difference[] =>
    headers.length === 0 ? [] : [{ effect, words: `lets the request headers ${headers.join(', ')} through ${when}` }];
  return [...told('widening', added, 'now'), ...told('narrowing', removed, 'no longer')];
}

type Types = Forwarding['contentTypes'];

/** Content types that readers know, for the example requests of an access diff. */
const FAMILIAR = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain', 'application/octet-stream'];

/** Returns a content type that `wide` admits and `narrow` does not. */
function onlyIn(wide: Types, narrow: Types): string | undefined {
  if (narrow === 'any') return undefined;
  if (wide !== 'any') return wide.find((type) => !narrow.includes(type));
  const familiar = FAMILIAR.find((type) => !narrow.includes(type));
  // The made-up type is longer than every listed one, so it is none of them.
  return familiar ?? `application/x-${narrow.join('').replace(/[^a-z0-9]/g, '')}`;
}

function typeDifferences({ contentTypes: before }: Forwarding, { contentTypes: after }: Forwarding): Difference[] {
  const list = (types: Types) =>
    types === 'any' ? 'of any type' : types.length === 0 ? 'of no type' : types.join(', ');
  const words = `takes bodies ${list(after)} (before: ${list(before)})`;
  const told = (effect: Effect, type: string | undefined): Difference[] =>
    type === undefined ? [] : [{ effect, words, headers: bodyOf(type, 1) }];
  return [...told('widening', onlyIn(after, before)), ...told('narrowing', onlyIn(before, after))];
}

function bodyOf(type: string, length: number): HeaderFields {
  return [
    ['Content-Type', type],
    ['Content-Length', String(length)],
  ];
}

function sizeDifferences(before: Forwarding, after: Forwarding): Difference[] {
  const [left, right] = [before.maxBody ?? Number.POSITIVE_INFINITY, after.maxBody ?? Number.POSITIVE_INFINITY];
  const type = commonType(before.contentTypes, after.contentTypes);
  // Without a common type, no body passes both, and the change of contentTypes is the whole difference.
  if (type === undefined) return [];
  const size = (limit: number) => (Number.isFinite(limit) ? `of up to ${limit} bytes` : 'of any size');
  const words = `takes bodies ${size(right)} (before: ${size(left)})`;
  return [{ effect: right > left ? 'widening' : 'narrowing', words, headers: bodyOf(type, Math.min(left, right) + 1) }];
}

function commonType(before: Types, after: Types): string | undefined {
  if (before === 'any') return after === 'any' ? 'application/json' : after[0];
  return after === 'any' ? before[0] : before.find((type) => after.includes(type));
}

function websocketDifferences(_: Forwarding, { websocket }: Forwarding): Difference[] {
  return websocket
    ? [{ effect: 'widening', words: 'takes WebSocket upgrades now' }]
    : [{ effect: 'narrowing', words: 'takes WebSocket upgrades no longer' }];
}
