import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ListSection, NamedSection } from '../src/compose/merge.ts';
import { broadSpec } from './support/broad.ts';
import { compileFiles, type Files } from './support/files.ts';
import { fullSpec } from './support/fullSpec.ts';

const union = suite('the union of files');

type Sections = Readonly<Record<string, unknown>>;

const { api: broadApi, ...broadProxies } = broadSpec.proxies;
/** What the two specs below do not have of what an include can add. */
const MORE = {
  guarantees: [
    { never: 'DELETE /{any*}' },
    { never: { request: '* /api/secret', keys: ['partner'], reason: 'because' } },
    { only: { request: 'GET /secure/{rest*}', keys: ['partner'], from: ['@partners'] } },
    { always: { request: 'GET /api/literal/{id:int}', keys: ['partner'], from: ['@offices'], proxy: 'api' } },
  ],
  vault: {
    gitlab: {
      configs: { main: { url: 'https://gitlab.example.com', type: 'self-managed' } },
      roles: {
        partner: {
          config: 'main',
          type: 'project',
          path: 'group/project',
          name: 'partner-{{ .unix_timestamp_utc }}',
          accessLevel: 'reporter',
          scopes: ['read_api'],
          ttl: '48h',
        },
      },
    },
  },
};
/** Every section of which an include can add something. */
const ADDED = {
  ipRanges: true,
  upstreams: true,
  routes: true,
  apiKeys: true,
  domainRewrites: true,
  vault: true,
  guarantees: true,
  tests: true,
} as const satisfies { readonly [S in NamedSection | ListSection]: true };

/** Specs in one file, the first with something of everything that an include can add. */
const WHOLE: readonly Sections[] = [
  { ...fullSpec, ...MORE },
  {
    version: 1,
    name: 'broad',
    ...broadSpec,
    // A spec with includes must list what its proxies serve.
    proxies: { ...broadProxies, api: { ...broadApi, routes: Object.keys(broadSpec.routes) } },
    targets: { nginx: {}, caddy: {} },
  },
];

const OWN = ['$schema', 'version', 'name', 'proxies', 'targets'];

interface Entry {
  readonly section: string;
  /** Absent in a list. */
  readonly name?: string;
  readonly content: unknown;
}

function entriesOf(spec: Sections): Entry[] {
  return Object.entries(spec)
    .filter(([section]) => !OWN.includes(section))
    .flatMap(([section, value]): Entry[] =>
      Array.isArray(value)
        ? value.map((content: unknown) => ({ section, content }))
        : Object.entries(value as Sections).map(([name, content]) => ({ section, name, content })),
    );
}

function sectionsOf(entries: readonly Entry[]): Sections {
  const sections: Record<string, Record<string, unknown> | unknown[]> = {};
  for (const { section, name, content } of entries) {
    const known = sections[section] ?? (name === undefined ? [] : {});
    if (Array.isArray(known)) known.push(content);
    else known[name ?? ''] = content;
    sections[section] = known;
  }
  return sections;
}

/** Which files hold each entry, which files each includes beside the one that it must, and in what order. */
interface Partition {
  readonly owners: readonly (readonly number[])[];
  readonly extra: readonly (readonly number[])[];
  readonly parents: readonly number[];
  readonly reverse: boolean;
}

function partitions(entries: number): fc.Arbitrary<Partition> {
  return fc.integer({ min: 1, max: 6 }).chain((files) => {
    const file = fc.integer({ min: 0, max: files });
    return fc.record({
      owners: fc.array(fc.uniqueArray(file, { minLength: 1, maxLength: 3 }), {
        minLength: entries,
        maxLength: entries,
      }),
      extra: fc.array(fc.uniqueArray(file, { maxLength: 3 }), { minLength: files + 1, maxLength: files + 1 }),
      parents: fc.array(fc.nat(), { minLength: files, maxLength: files }),
      reverse: fc.boolean(),
    });
  });
}

/** File 0 is the spec; a file includes only files with a higher number, so that there is no ring. */
function split(spec: Sections, entries: readonly Entry[], { owners, extra, parents, reverse }: Partition): Files {
  const files = parents.length + 1;
  const included = Array.from({ length: files }, (_, from) => {
    const must = parents.flatMap((parent, index) => (parent % (index + 1) === from ? [index + 1] : []));
    const all = [...new Set([...must, ...(extra[from] ?? []).filter((to) => to > from)])];
    return reverse ? all.reverse() : all;
  });
  const texts = included.map((others, number): [string, string] => {
    const own = entries.filter((_, index) => owners[index]?.includes(number));
    const head = number === 0 ? Object.fromEntries(OWN.map((key) => [key, spec[key]])) : { version: 1, fragment: true };
    const include = others.map((other) => (other % 2 === 0 ? `f${other}.json` : { file: `./f${other}.json` }));
    return [`f${number}.json`, JSON.stringify({ ...head, include, ...sectionsOf(reverse ? own.toReversed() : own) })];
  });
  return new Map(texts);
}

/** Without the places where things are written, and with lists of which the order means nothing as sets. */
async function meaningOf(
  files: Files,
): Promise<Readonly<Record<'policy' | 'files' | 'tests' | 'promises' | 'warnings', unknown>>> {
  const { policy, files: made, spec, diagnostics, promises } = await compileFiles(files, 'f0.json');
  const isWarning = ({ severity }: { severity: string }) => severity === 'warning';
  assert.equal([...diagnostics.filter((each) => !isWarning(each)), ...promises.diagnostics], []);
  const placeless = JSON.stringify(policy, (key, value: unknown) => {
    if (key === 'origin') return undefined;
    return typeof value === 'bigint' ? `${value}n` : value;
  });
  const texts = new Map(made?.map(({ path, text }) => [path, text]));
  return {
    policy: JSON.parse(placeless),
    files: texts,
    tests: (spec?.tests ?? []).map((test) => JSON.stringify(test)).sort(),
    promises: promises.outcomes.map((outcome) => JSON.stringify(outcome)).sort(),
    warnings: diagnostics.map(({ message }) => message).sort(),
  };
}

union('the first spec has something of each section', () => {
  assert.equal([...new Set(entriesOf(WHOLE[0] ?? {}).map(({ section }) => section))].sort(), Object.keys(ADDED).sort());
});

for (const spec of WHOLE) {
  union(`${spec['name']} is the same however it is divided into files`, async () => {
    const entries = entriesOf(spec);
    const whole = await meaningOf(new Map([['f0.json', JSON.stringify(spec)]]));
    await fc.assert(
      fc.asyncProperty(partitions(entries.length), async (partition) => {
        assert.equal(await meaningOf(split(spec, entries, partition)), whole);
      }),
      { numRuns: 40 },
    );
  });
}

/** The same files with each list of includes the other way round, and every other text at its place. */
const reversed = (files: Files): Files =>
  new Map(
    [...files].map(([name, text]) => {
      const file = JSON.parse(text);
      return [name, JSON.stringify({ ...file, include: file.include.toReversed() })];
    }),
  );

union('the order of includes moves no place that a report names', async () => {
  const spec = WHOLE[0] ?? {};
  const entries = entriesOf(spec);
  const placesOf = async (files: Files) => {
    const { composition, shown } = await compileFiles(files, 'f0.json');
    assert.ok(composition);
    const { spec, document } = composition;
    return Object.entries(spec).flatMap(([section, value]) => {
      if (typeof value !== 'object') return [];
      const names = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
      return names.map((name) => {
        const { file, start, end } = document.locate([section, name]);
        return `${section} ${name} ${shown(file)} ${start} ${end}`;
      });
    });
  };
  await fc.assert(
    fc.asyncProperty(partitions(entries.length), async (partition) => {
      const files = split(spec, entries, partition);
      assert.equal(await placesOf(reversed(files)), await placesOf(files));
    }),
    { numRuns: 20 },
  );
});

union.run();
