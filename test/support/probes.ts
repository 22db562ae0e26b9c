import * as assert from 'uvu/assert';
import { processIo } from '../../src/commands/io.ts';
import { compileArgument } from '../../src/commands/spec.ts';
import { CLASS_EXAMPLES } from '../../src/policy/automaton.ts';
import type { PatternSegment } from '../../src/policy/pattern.ts';
import { type Random, randomOf } from '../../src/verify/random.ts';
import type { Workspace } from './workspace.ts';

export const AT = Math.floor(Date.parse('2026-11-26T00:00:00Z') / 1000);

/** Examples to ask about, with how many requests make 10,000 together. */
export const EXAMPLES = {
  'all-options': 6_000,
  'gitlab-proxy': 2_000,
  'dependency-proxy': 1_000,
  runner: 1_000,
} as const;

type Parameter = Extract<PatternSegment, { kind: 'parameter' | 'rest' }>;

/** Returns a text for a segment of a pattern, of which `valueOf` makes up the parameters. */
export function segmentText(
  segment: PatternSegment,
  random: Random,
  valueOf: (parameter: Parameter) => string,
): string {
  switch (segment.kind) {
    case 'literal':
      return segment.text;
    case 'choice':
      return random.pick(segment.values);
    case 'parameter':
    case 'rest':
      return valueOf(segment);
  }
}

function exampleOf(segment: PatternSegment, random: Random): string {
  return segmentText(segment, random, ({ type }) =>
    random.chance(0.7) ? CLASS_EXAMPLES[type] : random.pick(Object.values(CLASS_EXAMPLES)),
  );
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get', 'FOO'];
const TAILS = ['', '', '', '/', '?page=2', '?private_token=x', '%2F..', '/x', '//', '%3F', '?%', '#a'];
const HEADERS = [
  {},
  {},
  { 'Content-Type': 'application/json', 'Content-Length': '12' },
  { 'Content-Type': 'text/plain', 'Content-Length': '99999999' },
  { 'PRIVATE-TOKEN': 'short' },
  { Host: 'other.example.com' },
  { 'X-Forwarded-For': '203.0.113.9, 10.0.0.1' },
  { 'X-Long': 'x'.repeat(20_000) },
];
const FROM = [
  undefined,
  undefined,
  '192.0.2.1',
  '203.0.113.7',
  '2001:db8::1',
  '::ffff:192.0.2.1',
  '10.0.0.1',
  'nobody',
  '1.2.3',
];

export interface Probe {
  /** As the page's evaluator takes it. */
  readonly question: object;
  /** What `explain` says, without the line number of the question. */
  readonly verdict: {
    readonly decision?: string;
    readonly status?: number | null;
    readonly route?: string;
    readonly at?: string;
  };
}

/** Requests about a spec, allowed and refused for every reason, with what the command answers to each. */
export async function probesOf(spec: string, count: number, { run, write }: Workspace): Promise<Probe[]> {
  const { policy } = compileArgument(spec, processIo());
  if (!policy) throw new Error('no policy');
  const random = randomOf(`report ${spec.replace(/^.*\//, '')}`);
  const keys = [undefined, ...policy.apiKeys.map(({ id }) => id), 'nobody'];
  const proxies = policy.proxies.map(({ id }) => id);
  const questions = Array.from({ length: count }, () => {
    const route = random.pick(policy.routes);
    const path = route.pattern.segments.map((segment) => exampleOf(segment, random)).join('/');
    const about = { target: `/${path}`, proxy: random.pick(proxies), at: AT, apiKey: random.pick(keys) };
    // Half of them are as somebody with good intentions sends them.
    if (random.chance(0.5)) return { ...about, method: random.pick(route.methods), headers: {} };
    return {
      ...about,
      method: random.chance(0.6) ? random.pick(route.methods) : random.pick(METHODS),
      target: `${about.target}${random.pick(TAILS)}`,
      at: AT + random.pick([0, 0, 86_400 * 200, 86_400 * 400]),
      from: random.pick(FROM),
      headers: random.pick(HEADERS),
    };
  });
  write('requests', questions.map((one) => JSON.stringify(one)).join('\n'));
  const said = (await run(`explain --requests requests --spec ${spec}`)).stdout.trim().split('\n');
  assert.is(said.length, count);
  const probes = questions.map((question, index) => {
    // The page says a refusal by its name, the command in words.
    const { line: _, reason: __, ...verdict } = JSON.parse(said[index] ?? '');
    return { question: { ...question, headers: Object.entries(question.headers) }, verdict };
  });
  const allowed = probes.filter(({ verdict }) => verdict.decision === 'allow').length;
  assert.ok(allowed > count / 20 && allowed < count / 2, `${allowed} of ${count} are allowed`);
  return probes;
}
