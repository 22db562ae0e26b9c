import fc from 'fast-check';
import { parseAddress } from '../../src/policy/cidr.ts';
import { evaluatorOf } from '../../src/policy/decide.ts';
import type { Policy } from '../../src/policy/types.ts';

/** One segment of each class of segments that the patterns below tell apart, two of which are also written out. */
const SEGMENTS = ['a', '42', '7', 'c0ffee', '0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3c4', 'x-1', 'x~1', 'x%2Fy', 'x%3Fy'];
const PIECES = [
  'a',
  '42',
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

/** What patterns mean, written down once more. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  ':int': /^[0-9]+$/,
  ':hex': /^[0-9a-f]+$/i,
  ':uuid': /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
  ':slug': /^[\w.-]+$/,
  '': /^[^%]+$/,
  ':encodedPath': /^(?:[^%]|%2F)+$/,
  ':encodedText': /^(?:[^%]|%2F|%3F)+$/,
};

function segmentMatches(piece: string, segment: string): boolean {
  if (!piece.startsWith('{')) return piece === segment;
  const type = piece
    .slice(1, -1)
    .replace(/^[a-z]+/, '')
    .replace('*', '');
  if (type.includes('|')) return type.slice(1).split('|').includes(segment);
  return segment !== '' && PARAMETERS[type]?.test(segment) === true;
}

function pathMatches(pattern: string, path: string): boolean {
  const [pieces, segments] = [pattern, path].map((text) => text.slice(1).split('/'));
  if (!pieces || !segments) return false;
  const rest = pieces.findIndex((piece) => piece.endsWith('*}'));
  const more = rest < 0 ? 0 : segments.length - pieces.length;
  if (more < 0) return false;
  const whole =
    rest < 0 ? pieces : pieces.toSpliced(rest, 1, ...Array.from({ length: more + 1 }, () => pieces[rest] ?? ''));
  return (
    whole.length === segments.length && whole.every((piece, index) => segmentMatches(piece, segments[index] ?? ''))
  );
}

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
export const covers = ({ methods, path }: Line, method: string, target: string) =>
  (methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))) && pathMatches(path, target);

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

/** Each request of the evaluator's, asked by everybody from everywhere. */
function asked(policy: Policy) {
  const [proxy] = policy.proxies;
  if (!proxy) throw new Error('no proxy');
  const { decide } = evaluatorOf(policy, proxy);
  return (method: string, path: string, key: string | undefined, address: string): boolean => {
    const client = parseAddress(address);
    if (!client) throw new Error(address);
    const credential = key === undefined ? ({ kind: 'missing' } as const) : ({ kind: 'known', id: key } as const);
    return decide({ method, target: path, headers: [], client, at: 0, credential }).kind === 'forward';
  };
}

/** The paths of a `never` or `only` as wide as they are meant. */
export const widened = (path: string) => {
  const open = path.replace(/\{(\w)(\*?)\}/g, '{$1:encodedText$2}');
  return path.endsWith('/') ? [open] : [open, `${open}/`];
};

/** Whether a guarantee holds, by asking about every request there is. */
export function holds(policy: Policy, { kind, request, keys, from }: Promised): boolean {
  const ask = asked(policy);
  const lines = kind === 'always' ? [request] : widened(request.path).map((path) => ({ ...request, path }));
  const requests = PATHS.flatMap((path) =>
    METHODS.filter((method) => lines.some((one) => covers(one, method, path))).map((method) => [method, path] as const),
  );
  const may = (key: string | undefined, address: string) =>
    requests.some(([method, path]) => ask(method, path, key, address));
  const everybody = [undefined, 'one', 'two'];
  if (kind === 'never')
    return !(from ?? ADDRESSES).some((address) => (keys ?? everybody).some((key) => may(key, address)));
  if (kind === 'only')
    return !ADDRESSES.some((address) =>
      everybody.some((key) => {
        const listed = (!keys || (key !== undefined && keys.includes(key))) && (!from || from.includes(address));
        return !listed && may(key, address);
      }),
    );
  const named = requests.filter(([method]) => request.methods.includes(method));
  return named.every(([method, path]) =>
    (keys ?? [undefined]).every((key) =>
      from
        ? from.every((address) => ask(method, path, key, address))
        : ADDRESSES.some((address) => ask(method, path, key, address)),
    ),
  );
}

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
    proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], routes: ['team'] } },
    targets: { nginx: {} },
  };
  const team = { version: 1, fragment: true, routes: { team: { upstream: 'up', allow: allowed.map(textOf) } } };
  return new Map([
    ['prod.json', JSON.stringify(entry)],
    ['team.json', JSON.stringify(team)],
  ]);
}
