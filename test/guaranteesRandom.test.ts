import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runGuarantees } from '../src/commands/guarantees.ts';
import { compile } from '../src/compile.ts';
import { parseAddress } from '../src/policy/cidr.ts';
import { evaluatorOf } from '../src/policy/decide.ts';
import type { Policy } from '../src/policy/types.ts';
import { compileFiles } from './support/files.ts';

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
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE'];

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
const PATHS = [1, 2, 3].flatMap((length) => {
  const all = Array.from({ length }).reduce<string[]>(
    (paths) => paths.flatMap((path) => SEGMENTS.map((segment) => `${path}/${segment}`)),
    [''],
  );
  return [...all, ...all.map((path) => `${path}/`)];
});

interface Line {
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
const line: fc.Arbitrary<Line> = fc.record({
  methods: fc.uniqueArray(fc.constantFrom(...METHODS), { minLength: 1, maxLength: 2 }),
  path: pathOf,
});
const textOf = ({ methods, path }: Line) => `${methods.join(',')} ${path}`;
const covers = ({ methods, path }: Line, method: string, target: string) =>
  (methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))) && pathMatches(path, target);

const random = suite('against a judge that tries everything');
const RUNS = Number(process.env['JUDGED'] ?? 150);

random('a file is within its envelope exactly where no request is outside', async () => {
  let [inside, outside] = [0, 0];
  const judge = async (allowed: readonly Line[], envelope: readonly Line[]) => {
    const files = new Map([
      [
        'prod.json',
        JSON.stringify({
          version: 1,
          name: 'prod',
          include: [{ file: 'team.json', within: { allow: envelope.map(textOf) } }],
          upstreams: { up: { url: 'https://up.example.com' } },
          proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], routes: ['team'] } },
          targets: { nginx: {} },
        }),
      ],
      [
        'team.json',
        JSON.stringify({
          version: 1,
          fragment: true,
          routes: { team: { upstream: 'up', allow: allowed.map(textOf) } },
        }),
      ],
    ]);
    const { diagnostics, policy, document } = await compileFiles(files, 'prod.json', { targets: [] });
    const found = diagnostics.filter(({ code }) => code.startsWith('within/'));
    assert.equal(
      diagnostics.filter(({ code }) => !/^(?:within|compile)\//.test(code)),
      [],
    );
    allowed.forEach((one, index) => {
      const beyond = PATHS.some((path) =>
        METHODS.some((method) => covers(one, method, path) && !envelope.some((other) => covers(other, method, path))),
      );
      const told = found.filter(({ at }) => at.at(-1) === index);
      assert.is(told.length > 0, beyond, `${textOf(one)} within ${envelope.map(textOf).join(' · ')}`);
      for (const { message } of told) {
        const [, method = '', path = ''] = /^allows (\S+) (\S+),/.exec(message) ?? [];
        assert.ok(covers(one, method, path) && !envelope.some((other) => covers(other, method, path)), message);
      }
      if (beyond) outside += 1;
      else inside += 1;
    });
    assert.ok(policy && document);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 4 }),
      fc.array(line, { minLength: 1, maxLength: 4 }),
      judge,
    ),
    { numRuns: RUNS },
  );
  // A part of another envelope is inside.
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(line, { minLength: 2, maxLength: 4, selector: textOf }), (lines) =>
      judge(lines.slice(1), lines),
    ),
    { numRuns: RUNS },
  );
  assert.ok(inside > RUNS / 5 && outside > RUNS / 5, `${inside} inside, ${outside} outside`);
});

const ADDRESSES = ['10.1.0.7', '10.2.0.7'];
const SETS = [['10.1.0.7'], ['10.2.0.7'], ADDRESSES];
const claim = fc.record(
  {
    request: line,
    keys: fc.uniqueArray(fc.constantFrom('one', 'two'), { minLength: 1, maxLength: 2 }),
    from: fc.constantFrom(...SETS),
  },
  { requiredKeys: ['request'] },
);
const specs = fc.record({
  one: fc.array(line, { minLength: 1, maxLength: 3 }),
  two: fc.array(line, { minLength: 1, maxLength: 3 }),
  open: fc.array(line, { maxLength: 1 }),
  ranges: fc.option(fc.constantFrom(...SETS), { nil: undefined }),
  claims: fc.array(fc.record({ kind: fc.constantFrom('never', 'only', 'always'), claim }), {
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

const WIDE = (path: string) => {
  const open = path.replace(/\{(\w)(\*?)\}/g, '{$1:encodedText$2}');
  return path.endsWith('/') ? [open] : [open, `${open}/`];
};

/** Whether a guarantee holds, by asking about every request there is. */
function holds(
  policy: Policy,
  kind: string,
  { request, keys, from }: { request: Line; keys?: string[]; from?: string[] },
): boolean {
  const ask = asked(policy);
  const lines = kind === 'always' ? [request] : WIDE(request.path).map((path) => ({ ...request, path }));
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

random('a guarantee holds exactly where no request breaks it', () => {
  let [kept, broken] = [0, 0];
  fc.assert(
    fc.property(specs, ({ one, two, open, ranges, claims }) => {
      const guarantees = claims
        .map(({ kind, claim: { request, ...whom } }) => ({ kind, request, whom }))
        .filter(({ kind, whom }) => kind !== 'only' || whom.keys !== undefined || whom.from !== undefined);
      const routes = {
        one: { upstream: 'up', allow: one.map(textOf) },
        two: { upstream: 'up', allow: two.map(textOf) },
        ...(open.length > 0 && { open: { upstream: 'up', auth: 'passthrough', allow: open.map(textOf) } }),
      };
      const spec = {
        version: 1,
        name: 'random',
        upstreams: { up: { url: 'https://up.example.com' } },
        routes,
        apiKeys: {
          one: { key: 'env:ONE', token: 'env:T', routes: ['one'], ...(ranges && { ipRanges: ranges }) },
          two: { key: 'env:TWO', token: 'env:T', routes: ['one', 'two'] },
        },
        proxies: { api: { listen: 8080, ipRanges: ADDRESSES } },
        targets: { nginx: {} },
        guarantees: guarantees.map(({ kind, request, whom }) => ({ [kind]: { request: textOf(request), ...whom } })),
      };
      const read = () => undefined;
      const { composition, policy } = compile(JSON.stringify(spec), { file: 'postern.json', read, targets: [] });
      // Where what needs a key overlaps with what needs none the spec is an error.
      if (!composition || !policy) return;
      const source = { read, project: { entry: () => '', open: () => ({ problem: '' }) } };
      const { outcomes } = runGuarantees({ source, composition, policy });
      guarantees.forEach(({ kind, request, whom }, index) => {
        const expected = holds(policy, kind, { request, ...whom });
        assert.is(
          outcomes[index]?.passed,
          expected,
          `${outcomes[index]?.subject}: ${outcomes[index]?.actual}\n${JSON.stringify(spec)}`,
        );
        if (expected) kept += 1;
        else broken += 1;
      });
    }),
    { numRuns: RUNS },
  );
  assert.ok(kept > RUNS / 5 && broken > RUNS / 5, `${kept} kept, ${broken} broken`);
});

random.run();
