import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod';
import { jsonAccess } from '../src/report/accessJson.ts';
import { fingerprints, sheetFormats } from '../src/report/formats.ts';
import { diffSchema } from '../src/report/outputSchemas.ts';
import type { Finding, Sheet } from '../src/report/sheet.ts';

const test = suite('report');

const finding: Finding = {
  code: 'access/allowed',
  level: 'error',
  fails: true,
  message: 'newly allowed: GET /a/{b}, 100%',
  hint: 'for example GET /a/b',
  place: { file: 'specs/postern.yaml', from: { line: 3, column: 5 }, to: { line: 3, column: 9 } },
  related: [{ message: 'the other pattern', place: { file: 'specs/postern.yaml', from: { line: 9, column: 1 } } }],
};
const sheet = (findings: readonly Finding[] = [finding], rest: Partial<Sheet> = {}): Sheet => ({
  command: 'diff',
  version: '0.1.0',
  status: findings.some(({ fails }) => fails) ? 1 : 0,
  summary: 'one change',
  findings,
  checks: [],
  subject: 'specs/postern.yaml',
  ...rest,
});

// What the SARIF 2.1.0 schema asks of the parts that are written, and nothing beside them.
const position = {
  startLine: z.int().min(1),
  startColumn: z.int().min(1),
  endLine: z.int().min(1),
  endColumn: z.int().min(1),
};
const uri = z.string().regex(/^(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2}|^file:\/\/\/)+$/);
const location = {
  physicalLocation: z.strictObject({
    artifactLocation: z.strictObject({ uri }),
    region: z
      .strictObject({ ...position, endLine: position.endLine.optional(), endColumn: position.endColumn.optional() })
      .optional(),
  }),
};
const sarifSchema = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.literal('postern'),
          version: z.string(),
          rules: z.array(z.strictObject({ id: z.string().min(1), name: z.string() })),
        }),
      }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      invocations: z.array(z.strictObject({ executionSuccessful: z.boolean(), exitCode: z.int() })).length(1),
      automationDetails: z.strictObject({ id: z.string() }),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0),
          level: z.enum(['none', 'note', 'warning', 'error']),
          message: z.strictObject({ text: z.string().min(1) }),
          locations: z.array(z.strictObject(location)),
          relatedLocations: z
            .array(
              z.strictObject({
                id: z.int().min(0),
                message: z.strictObject({ text: z.string() }),
                ...location,
                physicalLocation: location.physicalLocation.optional(),
              }),
            )
            .optional(),
          suppressions: z
            .array(
              z.strictObject({
                kind: z.enum(['inSource', 'external']),
                status: z.literal('accepted'),
                justification: z.string(),
              }),
            )
            .optional(),
          partialFingerprints: z.record(z.string(), z.string().min(1)),
        }),
      ),
    }),
  ]),
});
const qualitySchema = z.array(
  z.strictObject({
    description: z.string().min(1),
    check_name: z.string().min(1),
    fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
    severity: z.enum(['info', 'minor', 'major', 'critical', 'blocker']),
    location: z.strictObject({
      path: z.string().regex(/^(?!\.\/)./),
      lines: z.strictObject({ begin: z.int().min(1) }),
    }),
  }),
);

const words = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
  fc.constantFrom(']]>', '<a b="c">&amp;', '::error::x', '```', '\ud800', '\u0000', '@everyone', '%0A'),
);
const anyPlace = fc.option(
  fc.record({
    file: fc.constantFrom('a.yaml', './b c.yaml', 'origin/main:x.yaml', '/abs/ü.yaml', '<stdin>'),
    from: fc.record({ line: fc.integer({ min: 1, max: 99 }), column: fc.integer({ min: 1, max: 99 }) }),
  }),
  { nil: undefined },
);
const oneFinding: fc.Arbitrary<Finding> = fc.record({
  code: fc.constantFrom('access/allowed', 'spec/unknown-key', 'drift/changed'),
  level: fc.constantFrom('error', 'warning', 'note'),
  fails: fc.boolean(),
  message: words,
  hint: fc.option(words, { nil: undefined }),
  place: anyPlace,
  related: fc.array(fc.record({ message: words, place: anyPlace }), { maxLength: 2 }),
});

/** Nobody accepts a reason to fail. */
const anyFinding = fc.oneof(
  oneFinding,
  oneFinding.map((one): Finding => ({ ...one, fails: false, accepted: true })),
);

test('SARIF and Code Quality hold what their schemas ask for, whatever the findings', () => {
  fc.assert(
    fc.property(fc.array(anyFinding, { maxLength: 5 }), (findings) => {
      const log = sarifSchema.parse(JSON.parse(sheetFormats.sarif(sheet(findings))));
      const [run] = log.runs;
      for (const { ruleId, ruleIndex } of run.results) assert.is(run.tool.driver.rules[ruleIndex]?.id, ruleId);
      assert.is(run.results.length, findings.length);
      // All results say whether they are suppressed, or none does.
      const told = run.results.filter(({ suppressions }) => suppressions !== undefined);
      assert.is(told.length, findings.some(({ accepted }) => accepted) ? findings.length : 0);
      const issues = qualitySchema.parse(JSON.parse(sheetFormats.gitlab(sheet(findings))));
      assert.is(new Set(issues.map((issue) => issue.fingerprint)).size, findings.length);
    }),
    { seed: 3 },
  );
});

test('JUnit is XML that a parser reads, and counts what fails', () => {
  const script = [
    'import sys, json, xml.etree.ElementTree as tree',
    'for text in json.load(sys.stdin):',
    '  root = tree.fromstring(text.encode("utf-8"))',
    '  suite, = root.findall("testsuite")',
    '  cases = suite.findall("testcase")',
    '  bad = suite.findall("testcase/failure") + suite.findall("testcase/error")',
    '  assert len(cases) == int(suite.get("tests")) == int(root.get("tests")), text',
    '  assert len(suite.findall("testcase/skipped")) == int(suite.get("skipped")), text',
    '  assert len(bad) == int(suite.get("failures")) + int(suite.get("errors")), text',
    '  print(len(cases), len(bad))',
  ].join('\n');
  const many = [...fc.sample(fc.array(anyFinding, { maxLength: 5 }), { numRuns: 200, seed: 9 }), []];
  const input = JSON.stringify(many.map((findings) => sheetFormats.junit(sheet(findings))));
  const counted = execFileSync('python3', ['-c', script], { input, encoding: 'utf8' }).trim().split('\n');
  assert.equal(
    counted,
    many.map((findings) => `${Math.max(1, findings.length)} ${findings.filter(({ fails }) => fails).length}`),
  );
});

test('a JUnit case of each kind', () => {
  const checks = [
    { name: 'GET /a', passed: true, message: '' },
    { name: 'GET /b', passed: false, message: 'expected 404, got allow' },
  ];
  assert.snapshot(
    sheetFormats.junit(
      sheet(
        [
          { ...finding, message: 'a "b" <c>' },
          { ...finding, fails: false, related: [] },
        ],
        { checks },
      ),
    ),
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="postern" tests="4" failures="2" errors="0">
  <testsuite name="postern diff" tests="4" failures="2" errors="0" skipped="0">
    <testcase classname="postern diff" name="GET /a"/>
    <testcase classname="postern diff" name="GET /b"><failure message="expected 404, got allow" type="test/failed">expected 404, got allow</failure></testcase>
    <testcase classname="postern diff" name="specs/postern.yaml:3:5: a &quot;b&quot; &lt;c&gt;" file="specs/postern.yaml"><failure message="a &quot;b&quot; &lt;c&gt;" type="access/allowed">a "b" &lt;c&gt;
for example GET /a/b</failure></testcase>
    <testcase classname="postern diff" name="specs/postern.yaml:3:5: newly allowed: GET /a/{b}, 100%" file="specs/postern.yaml"><system-out>newly allowed: GET /a/{b}, 100%
for example GET /a/b</system-out></testcase>
  </testsuite>
</testsuites>
`,
  );
});

test('an annotation is one line, and no text becomes a command', () => {
  assert.is(
    sheetFormats.github(
      sheet([{ ...finding, place: { file: 'a,b:c.yaml', from: { line: 3, column: 5 } } }], {
        summary: '::stop-commands::x',
      }),
    ),
    '::error file=a%2Cb%3Ac.yaml,line=3,title=access/allowed::newly allowed: GET /a/{b}, 100%25%0Afor example GET /a/b\n ::stop-commands::x\n',
  );
  assert.match(sheetFormats.github(sheet()), /line=3,endLine=3,col=5,endColumn=9,/);
});

test('a note for a merge request shows texts as code only', () => {
  const hostile = '``` @everyone <img src=x> [a](b)';
  const note = sheetFormats.markdown(sheet([{ ...finding, message: hostile, patch: '+```\n+x\n' }]));
  assert.match(note, '```` ``` @everyone <img src=x> [a](b) ````');
  assert.match(note, '  ````diff\n  +```\n  +x\n  ````\n');
  assert.match(note, '### ❌ postern diff\n\n`one change`\n');
  assert.match(sheetFormats.markdown(sheet([], { summary: 'no access change' })), '### ✅ postern diff');
});

test('fingerprints stay where lines move, and differ between findings', () => {
  const moved = { ...finding, place: { file: 'specs/postern.yaml', from: { line: 30, column: 1 } } };
  assert.equal(fingerprints([finding]), fingerprints([moved]));
  assert.is.not(fingerprints([finding])[0], fingerprints([{ ...finding, message: 'other' }])[0]);
  const [first, second] = fingerprints([finding, moved]);
  assert.is.not(first, second);
});

test('keys that many changes concern are written once', () => {
  const change = {
    kind: 'allowed',
    effect: 'widening',
    message: 'm',
    at: { version: 'after', path: [] },
    proxies: [],
  } as const;
  const many = Array.from({ length: 1000 }, (_, index) => `caller-${index}`);
  const changes = Array.from({ length: 500 }, (_, index) => ({ ...change, keys: index % 2 === 0 ? many : ['one'] }));
  const written = jsonAccess([...changes, { ...change, keys: [...many] }], { before: undefined, after: undefined });
  assert.equal(written.keyLists, [many]);
  assert.equal([written.access[0]?.keys, written.access[0]?.keyList], [null, 0]);
  assert.equal([written.access[1]?.keys, written.access[1]?.keyList], [['one'], null]);
  assert.is(written.access.at(-1)?.keyList, 0);
  diffSchema.parse({ command: 'diff', status: 1, diagnostics: [], ...written });
});

test.run();
