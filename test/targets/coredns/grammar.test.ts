import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { Policy } from '../../../src/policy/types.ts';
import { effectiveDirectives, parseCorefile } from '../../../src/targets/coredns/grammar.ts';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';

interface Block {
  readonly keys: readonly string[];
  /** By directive: its name and what follows, of all lines that start with it. */
  readonly tokens: Readonly<Record<string, readonly string[]>>;
}

/** What a parser makes of a text. */
interface Parsed {
  readonly error?: string;
  readonly blocks: readonly Block[] | null;
  /** Whether something is imported into the braces of a directive, where no rule for names can come from. */
  readonly nested?: boolean;
}

const { test, engines } = await engineSuite('the grammar of CoreDNS', ['corefile-parser']);

function theirs(texts: readonly string[]): Parsed[] {
  const { stdout, stderr } = spawnSync(engines['corefile-parser'].path, {
    input: JSON.stringify(texts),
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  assert.is(stderr, '');
  return JSON.parse(stdout);
}

function ours(text: string): Parsed {
  const corefile = parseCorefile(text);
  if ('problem' in corefile) return { error: corefile.problem, blocks: null };
  let nested = false;
  const blocks = corefile.blocks.map((block): Block => {
    const tokens: Record<string, string[]> = {};
    for (const { directive } of effectiveDirectives(block, corefile)) {
      const { name, words } = directive;
      // What files hold is not looked at, and theirs find none.
      if (name.text === 'import') continue;
      nested ||= words.some(({ text: inside }) => inside === 'import');
      tokens[name.text] = [...(tokens[name.text] ?? []), name.text, ...words.map((word) => word.text)];
    }
    return { keys: block.keys.map((key) => key.text.replace(/,$/, '')), tokens };
  });
  return { blocks, nested };
}

const WORDS = [
  'errors',
  'rewrite',
  'a.b',
  '"q r"',
  '"a\nb"',
  'x#y',
  '"',
  'x\\"y',
  '\\',
  '{}',
  '#',
  'a\u00a0b',
  '\u0085',
  'é😀',
];
const BRACES = ['{', '}', '{\n', '}\n', 'import', '\r\n', '\ufeff', ',', '(s)'];
const KEYS = ['.', '.:53', 'a.b, c.d', 'a.b,\nc.d', 'a b', 'dns://x:5 # c', '"x y"', '(t)', '\ufeff.', '.\r'];
const words = (among: readonly string[], separator: string) =>
  fc.array(fc.constantFrom(...among), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(separator));
const line = words(WORDS, ' ').map((text) => `    ${text}\n`);
const nested = fc
  .tuple(line, fc.array(line, { maxLength: 2 }))
  .map(([first, more]) => `${first.trimEnd()} {\n${more.join('')}  }\n`);
const broken = words([...WORDS, ...BRACES], ' ');
const body = fc.array(
  fc.oneof({ weight: 6, arbitrary: line }, { weight: 3, arbitrary: nested }, fc.constant('    import s\n'), broken),
  { maxLength: 4 },
);
const block = fc.tuple(fc.constantFrom(...KEYS), body).map(([key, lines]) => `${key} {\n${lines.join('')}}\n`);
const snippet = fc
  .array(words(WORDS.slice(0, 4), ' '), { maxLength: 2 })
  .map((lines) => `(s) {\n${lines.join('\n')}\n}\n`);
const corefile = fc
  .array(fc.oneof({ weight: 8, arbitrary: block }, { weight: 2, arbitrary: snippet }, broken), { maxLength: 3 })
  .map((parts) => parts.join(''));

/** CoreDNS starts with such texts too, but reads them otherwise than they look. */
const STRICTER = /^(?:closes a block|opens a block|is a snippet without braces|takes one pattern)/;

test('is ours: the same texts are read, with the same words', () => {
  const texts = fc.sample(corefile, { numRuns: 6000, seed: 7 });
  const read = { both: 0, neither: 0, theirs: 0 };
  for (const [index, their] of theirs(texts).entries()) {
    const text = texts[index] ?? '';
    const our = ours(text);
    const about = `${JSON.stringify(text)}: ${their.error ?? 'accepted'} / ${our.error ?? 'accepted'}`;
    // Whether there is such a file is not a matter of grammar.
    if ((their.error && /import/i.test(their.error)) || our.nested) continue;
    if (their.error !== undefined) {
      assert.ok(our.error !== undefined, about);
      read.neither += 1;
    } else if (our.error === undefined) {
      assert.equal(our.blocks, their.blocks ?? [], about);
      read.both += 1;
    } else {
      assert.match(our.error, STRICTER, about);
      read.theirs += 1;
    }
  }
  assert.ok(read.both > 2000 && read.neither > 100 && read.theirs < read.both / 3, JSON.stringify(read));
});

const corpus = fileURLToPath(new URL('../../../../shared/corpora/corefile', import.meta.url));
const published = existsSync(corpus) ? readdirSync(corpus).filter((name) => name.endsWith('.corefile')) : [];

/** A name in every zone that a text has, so that every block gets a rule; below an address there are no names. */
function policyFor(blocks: readonly Block[]) {
  const zones = blocks
    .flatMap(({ keys }) => keys)
    .map((key) =>
      key
        .toLowerCase()
        .replace(/^[a-z0-9]+:\/\//, '')
        .replace(/:[^:]*$/, '')
        .replace(/\.$/, ''),
    );
  const plain = zones.filter(
    (zone) => /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9-]*$/.test(zone) && !/(?:-|(?:^|\.)\d+)$/.test(zone),
  );
  const names = [...new Set(plain)].map((zone) => `postern-probe${zone === '' ? '.example' : `.${zone}`}`);
  return policyOf({ domainRewrites: [...new Set(names)].map((from) => ({ from, to: 'target.invalid' })) });
}

/** What makes a text that can be read no place for rules. */
const REASONS = ['coredns/autopath', 'coredns/no-room', 'coredns/unknown-zone', 'coredns/unanswered-name'];

function merge(policy: Policy, text: string) {
  const options = coredns.options.parse({ merge: 'given' });
  const { value, diagnostics } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => text });
  return { text: value?.[0]?.text, codes: diagnostics.map(({ code }) => code) };
}

/** How many texts take rules: each stays the same when merged again, comes back byte for byte, and is read with them as without. */
function mergedOf(texts: readonly string[]): number {
  const before = theirs(texts);
  const merged = texts.flatMap((text, index) => {
    const blocks = before[index]?.blocks;
    if (!blocks || ours(text).error !== undefined) return [];
    const policy = policyFor(blocks);
    const { text: after, codes } = merge(policy, text);
    if (after === undefined) {
      assert.ok(
        codes.some((code) => REASONS.includes(code)),
        `${codes.join()}: ${JSON.stringify(text)}`,
      );
      return [];
    }
    assert.is(merge(policy, after).text, after);
    assert.is(merge({ ...policy, rewrites: [] }, after).text, text);
    return [{ blocks, after }];
  });
  for (const [index, { error, blocks }] of theirs(merged.map(({ after }) => after)).entries()) {
    assert.is(error, undefined, merged[index]?.after);
    assert.equal(blocks?.map(withoutOurs), merged[index]?.blocks, merged[index]?.after);
  }
  return merged.length;
}

test('lets rules into what it reads, and nothing else of it changes', () => {
  // With a brace in front it is taken for JSON.
  const texts = corefile.filter((text) => !/^\s*\{/.test(text));
  const amount = mergedOf(fc.sample(texts, { numRuns: 3000, seed: 11 }));
  assert.ok(amount > 1000, `${amount} merged`);
});

if (published.length === 0) console.log('skipped: no collection of published Corefiles beside this repository');
(published.length > 0 ? test : test.skip)(
  'every published Corefile that it takes is merged, and comes back byte for byte',
  () => {
    const texts = published.map((name) => readFileSync(`${corpus}/${name}`, 'utf8'));
    for (const [index, { error }] of theirs(texts).entries())
      if (error === undefined) assert.is(ours(texts[index] ?? '').error, undefined, published[index]);
    const amount = mergedOf(texts);
    assert.ok(amount > published.length * 0.95, `${amount} merged`);
  },
);

/** A block without the rules of the probes, which stand before all others. */
function withoutOurs({ keys, tokens }: Block): Block {
  const { rewrite = [], ...others } = tokens;
  let ours = 0;
  while (rewrite[ours + 4]?.startsWith('postern-probe')) ours += 6;
  return { keys, tokens: ours === rewrite.length ? others : { ...others, rewrite: rewrite.slice(ours) } };
}

test.run();
