import fc from 'fast-check';
import { pathMatches } from './matcher.ts';

/**
 * One segment of each class of segments that the patterns below tell apart, four of which are also written out, and
 * three that no pattern may match.
 */
const SEGMENTS = [
  ...['a', '42', '7', 'c0ffee', '0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3c4', 'x-1', 'x~1', 'x%2Fy', 'x%3Fy'],
  ...['y%2Fz', 'y%3Fz', '..', '%2E;x', 'x%2F.'],
];
const PIECES = [
  'a',
  '42',
  'x%2Fy',
  'x%3Fy',
  '{:int}',
  '{:hex}',
  '{:uuid}',
  '{:slug}',
  '{}',
  '{:encodedPath}',
  '{:encodedText}',
  '{:a|42}',
];
export const METHODS = ['GET', 'HEAD', 'POST', 'DELETE'];

/** No pattern below is longer than two segments and a slash, so a longer path is treated as some path of these is. */
export const PATHS = [1, 2, 3].flatMap((length) => {
  const all = Array.from({ length }).reduce<string[]>(
    (paths) => paths.flatMap((path) => SEGMENTS.map((segment) => `${path}/${segment}`)),
    [''],
  );
  return [...all, ...all.map((path) => `${path}/`)];
});

/** A request line, as a spec or a judge has it. */
export interface Line {
  readonly methods: readonly string[];
  readonly path: string;
}

const named = (pieces: readonly string[]) =>
  pieces.map((piece, index) => piece.replace('{', `{${'pqr'[index] ?? 's'}`)).join('/');
const pathOf = fc
  .record({
    pieces: fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 2 }),
    rest: fc.constantFrom('', '', '*'),
    slash: fc.constantFrom('', '', '/'),
  })
  .map(({ pieces, rest, slash }) => {
    const last = pieces.at(-1) ?? '';
    const open = rest !== '' && last.startsWith('{') && !last.includes('|');
    return `/${named(open ? pieces.with(-1, last.replace('}', '*}')) : pieces)}${slash}`;
  });
export const line: fc.Arbitrary<Line> = fc.record({
  methods: fc.uniqueArray(fc.constantFrom(...METHODS), { minLength: 1, maxLength: 2 }),
  path: pathOf,
});
export const textOf = ({ methods, path }: Line) => `${methods.join(',')} ${path}`;
const takes = ({ methods }: Line, method: string) =>
  methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
export const covers = (one: Line, method: string, target: string) =>
  takes(one, method) && pathMatches(one.path, target);

const matched = new Map<string, readonly boolean[]>();
/** For each of `PATHS` whether a pattern is about it. */
function matchesOf(pattern: string): readonly boolean[] {
  const found = matched.get(pattern) ?? PATHS.map((path) => pathMatches(pattern, path));
  matched.set(pattern, found);
  return found;
}

/** The requests of a method that lines allow, by the index of their path. */
function allowed(lines: readonly Line[], method: string): boolean[] {
  const own = lines.filter((one) => takes(one, method)).map(({ path }) => matchesOf(path));
  return PATHS.map((_, index) => own.some((each) => each[index]));
}

/** A request that a line allows and no line of the envelope, among all classes of requests. */
export function beyond(
  one: Line,
  envelope: readonly Line[],
): { readonly method: string; readonly path: string } | undefined {
  for (const method of METHODS) {
    const [own, admitted] = [allowed([one], method), allowed(envelope, method)];
    const path = PATHS.find((_, index) => own[index] && !admitted[index]);
    if (path !== undefined) return { method, path };
  }
  return undefined;
}

export const ADDRESSES = ['10.1.0.7', '10.2.0.7'];
const SETS = [['10.1.0.7'], ['10.2.0.7'], ADDRESSES];
export const claim = fc.record(
  {
    request: line,
    keys: fc.uniqueArray(fc.constantFrom('one', 'two'), { minLength: 1, maxLength: 2 }),
    from: fc.constantFrom(...SETS),
  },
  { requiredKeys: ['request'] },
);
export const specs = fc.record({
  one: fc.array(line, { minLength: 1, maxLength: 3 }),
  two: fc.array(line, { minLength: 1, maxLength: 3 }),
  open: fc.array(line, { maxLength: 1 }),
  ranges: fc.option(fc.constantFrom(...SETS), { nil: undefined }),
  claims: fc.array(fc.record({ kind: fc.constantFrom('never' as const, 'only' as const, 'always' as const), claim }), {
    minLength: 1,
    maxLength: 4,
  }),
});

/** The paths of a `never` or `only` as wide as they are meant. */
export const widened = (path: string) => {
  const open = path.replace(/\{(\w)(\*?)\}/g, '{$1:encodedText$2}');
  return path.endsWith('/') ? [open] : [open, `${open}/`];
};

/** What `specs` makes, and the guarantees of it that can be written. */
export type RandomSpec = typeof specs extends fc.Arbitrary<infer T> ? T : never;

export interface Promised {
  readonly kind: 'never' | 'only' | 'always';
  readonly request: Line;
  readonly keys?: readonly string[];
  readonly from?: readonly string[];
}

export function guaranteesOf({ claims }: RandomSpec): Promised[] {
  return claims
    .map(({ kind, claim: whom }) => ({ kind, ...whom }))
    .filter(({ kind, keys, from }) => kind !== 'only' || keys !== undefined || from !== undefined);
}

const EVERYBODY = [undefined, 'one', 'two'];

/** The lines by which somebody gets through from an address. */
function granted({ one, two, open, ranges }: RandomSpec, key: string | undefined, address: string): Line[] {
  if (key === undefined) return open;
  if (key === 'two') return [...open, ...one, ...two];
  return !ranges || ranges.includes(address) ? [...open, ...one] : open;
}

/** Whether a spec lets a request through, by what is written in it. */
export function letsThrough(random: RandomSpec, { method, path, key, address }: Asked): boolean {
  return granted(random, key, address).some((one) => covers(one, method, path));
}

/** A request with the id of its key. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly address: string;
}

/** Whether a guarantee of `never` or `only` forbids a request. */
export function forbids({ kind, request, keys, from }: Promised, { method, path, key, address }: Asked): boolean {
  if (kind === 'always' || !widened(request.path).some((one) => covers({ ...request, path: one }, method, path)))
    return false;
  // Who holds a listed key may also leave it out.
  const isNamed = !keys || (key === undefined ? kind === 'never' : keys.includes(key));
  const isThere = !from || from.includes(address);
  return kind === 'never' ? isNamed && isThere : !(isNamed && isThere);
}

/** Whether an `always` with named addresses, of which each is meant, demands a request. */
export function demands({ kind, request, keys, from }: Promised, { method, path, key, address }: Asked): boolean {
  if (kind !== 'always' || !from?.includes(address) || !request.methods.includes(method)) return false;
  return (keys ? key !== undefined && keys.includes(key) : key === undefined) && pathMatches(request.path, path);
}

/** Whether a guarantee holds, by trying every class of request that there is. */
export function holds(random: RandomSpec, promised: Promised): boolean {
  const { kind, request, keys, from } = promised;
  if (kind === 'always')
    return request.methods.every((method) => {
      const wanted = matchesOf(request.path);
      const where = (address: string, key: string | undefined) => allowed(granted(random, key, address), method);
      return (keys ?? [undefined]).every((key) => {
        const reached = (from ?? ADDRESSES).map((address) => where(address, key));
        return wanted.every(
          (one, index) => !one || (from ? reached.every((each) => each[index]) : reached.some((each) => each[index])),
        );
      });
    });
  return ADDRESSES.every((address) =>
    EVERYBODY.every((key) =>
      METHODS.every((method) => {
        const through = allowed(granted(random, key, address), method);
        return PATHS.every((path, index) => !through[index] || !forbids(promised, { method, path, key, address }));
      }),
    ),
  );
}

export function specOf(random: RandomSpec) {
  const { one, two, open, ranges } = random;
  return {
    version: 1,
    name: 'random',
    upstreams: { up: { url: 'https://up.example.com' } },
    routes: {
      one: { upstream: 'up', allow: one.map(textOf) },
      two: { upstream: 'up', allow: two.map(textOf) },
      ...(open.length > 0 && { open: { upstream: 'up', auth: 'passthrough', allow: open.map(textOf) } }),
    },
    apiKeys: {
      one: { key: 'env:ONE', token: 'env:T', routes: ['one'], ...(ranges && { ipRanges: ranges }) },
      two: { key: 'env:TWO', token: 'env:T', routes: ['one', 'two'] },
    },
    // Addresses as headers, so that a real engine can be asked too.
    proxies: { api: { listen: 8080, ipRanges: ADDRESSES, clientIp: { trustedProxies: ['127.0.0.0/8'] } } },
    targets: { nginx: {} },
    guarantees: guaranteesOf(random).map(({ kind, request, ...whom }) => ({
      [kind]: { request: textOf(request), ...whom },
    })),
  };
}

/** A spec whose one team has these lines within that envelope. */
export function envelopedFiles(allowed: readonly Line[], envelope: readonly Line[]): Map<string, string> {
  const entry = {
    version: 1,
    name: 'prod',
    include: [{ file: 'team.json', within: { allow: envelope.map(textOf) } }],
    upstreams: { up: { url: 'https://up.example.com' } },
    apiKeys: { one: { key: 'env:ONE', token: 'env:T' } },
    proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], routes: ['team'] } },
    targets: { nginx: {} },
  };
  const team = { version: 1, fragment: true, routes: { team: { upstream: 'up', allow: allowed.map(textOf) } } };
  return new Map([
    ['prod.json', JSON.stringify(entry)],
    ['team.json', JSON.stringify(team)],
  ]);
}
