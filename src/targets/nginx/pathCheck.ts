import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { escapeRegex } from '../../plan/regex.ts';
import { rulesOf } from '../../policy/access.ts';
import { EVERY_METHOD, type PathPattern, type PatternSegment } from '../../policy/pattern.ts';
import type { Answer, Policy, Proxy, Route } from '../../policy/types.ts';
import { nginxCodes } from './codes.ts';
import { MOST_SEGMENTS } from './paths.ts';
import { accessTo } from './proxy.ts';
import { textProblem } from './quote.ts';

/** nginx reads a request line into 8,192 bytes, the method and "HTTP/1.1" included. */
const LONGEST_PATH = 8_000;

/** What a spec may say about methods and paths, and nginx cannot be told. */
export function pathProblems({ routes, proxies }: Policy): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const route of routes) {
    lineProblems(route, problems);
    typeProblems(route, problems);
  }
  const deep = new Set<Route | Answer>();
  for (const proxy of proxies) {
    for (const answer of [...proxy.answers, ...(proxy.health ? [proxy.health] : [])]) lineProblems(answer, problems);
    listProblems(proxy, problems);
    depthProblems(proxy, deep, problems);
  }
  return problems;
}

function lineProblems({ methods, pattern, origin }: Route | Answer, problems: Diagnostic[]): void {
  const method = methods.find((each) => each !== EVERY_METHOD && !/^[A-Z-]+$/.test(each));
  if (method !== undefined) problems.push(nginxCodes.report('unknown-method', origin, { method }));
  const problem = pattern.segments
    .flatMap(textsOf)
    .map(textProblem)
    .find((each) => each !== undefined);
  if (problem !== undefined)
    problems.push(nginxCodes.report('unwritable-text', origin, { what: 'a segment of the path', problem }));
  else if (shortest(pattern) > LONGEST_PATH)
    problems.push(nginxCodes.report('unwritable-text', origin, { what: 'the path', problem: 'is too long' }));
}

function textsOf(segment: PatternSegment): readonly string[] {
  return segment.kind === 'literal' ? [segment.text] : segment.kind === 'choice' ? segment.values : [];
}

/** Bytes of the shortest path that matches. */
function shortest({ segments }: PathPattern): number {
  return segments.reduce((sum, segment) => {
    const lengths = textsOf(segment).map((text) => text.length);
    return sum + 1 + (lengths.length === 0 ? 1 : Math.min(...lengths));
  }, 0);
}

function typeProblems({ forwarding: { contentTypes }, origin }: Route, problems: Diagnostic[]): void {
  if (contentTypes === 'any') return;
  const problem = contentTypes.map((type) => textProblem(escapeRegex(type))).find((each) => each !== undefined);
  if (problem !== undefined)
    problems.push(nginxCodes.report('unwritable-text', origin, { what: 'a content type', problem }));
}

/** What is joined from many entries of the spec. */
function listProblems(proxy: Proxy, problems: Diagnostic[]): void {
  for (const { state, allow, classes } of accessTo(proxy).endpoints) {
    const [rule] = state.accepts;
    if (!rule) continue;
    const names = [...classes.values()].map(({ id }) => ['the list of the groups that allow it', id] as const);
    for (const [what, text] of [['the list of its methods', allow.join(', ')] as const, ...names]) {
      const problem = textProblem(text);
      if (problem !== undefined) problems.push(nginxCodes.report('unwritable-text', rule.origin, { what, problem }));
    }
  }
}

/** A path is reported once, whatever the number of proxies that serve it. */
function depthProblems(proxy: Proxy, reported: Set<Route | Answer>, problems: Diagnostic[]): void {
  for (const rule of rulesOf(proxy)) {
    const segments = rule.pattern.segments.length;
    if (segments <= MOST_SEGMENTS || reported.has(rule)) continue;
    reported.add(rule);
    problems.push(nginxCodes.report('too-deep', rule.origin, { segments, most: MOST_SEGMENTS }));
  }
}
