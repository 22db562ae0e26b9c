import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { queryPairSource } from '../../../src/policy/query.ts';
import { segmentSource } from '../../../src/policy/segment.ts';
import { isEmptyLanguage, without } from '../../../src/prove/language.ts';
import { wholly } from '../../../src/prove/matching.ts';
import { type Program, programOf } from '../../../src/prove/program.ts';
import { parseRegex } from '../../../src/prove/regex.ts';
import { requestTables } from '../../../src/targets/caddy/request.ts';
import { safeTarget } from '../../../src/targets/caddy/safeTarget.ts';

const test = suite('caddy: the tables that read a request line');

test('safe targets are those whose segments are texts that can be decoded once', () => {
  const made = wholly(safeTarget().replace(/^\^|\$$/g, ''));
  const meant = wholly(`(?:/(?:${segmentSource('encodedText')})?)*(?:[?].*)?`);
  assert.ok(isEmptyLanguage(without(made, meant)) && isEmptyLanguage(without(meant, made)));
});

/** The bytes that an anchored expression may read in two ways at some place; Go reads one without any in one pass. */
function choicesIn(source: string): readonly string[] {
  const regex = parseRegex(source, 're2');
  const program = 'problem' in regex ? regex : programOf(regex);
  if ('problem' in program) throw new Error(program.problem);
  const begin = program.steps.findIndex(({ kind }) => kind === 'begin');
  const places = new Set([begin]);
  const choices = new Set<string>();
  for (const place of places) {
    const seen = new Set<string>();
    for (const step of nextBytes(program, place)) {
      for (const [byte, isIn] of step.bytes.entries()) {
        const sign = String.fromCharCode(byte);
        if (isIn && seen.has(sign)) choices.add(sign);
        if (isIn) seen.add(sign);
      }
      places.add(step.next);
    }
  }
  return [...choices];
}

type Reading = Extract<Program['steps'][number], { kind: 'byte' }>;

function nextBytes({ steps }: Program, from: number): readonly Reading[] {
  const reached = new Set([from]);
  const found: Reading[] = [];
  for (const place of reached) {
    const step = steps[place];
    if (step?.kind === 'byte') found.push(step);
    else if (step?.kind === 'either') reached.add(step.first).add(step.second);
    else if (step?.kind === 'begin' || step?.kind === 'end') reached.add(step.next);
  }
  return found;
}

test('a choice is found', () => {
  assert.equal(choicesIn('^a*(?:ab)?$'), ['a']);
  assert.equal(choicesIn(`^(?:${queryPairSource()})(?:&(?:${queryPairSource()}))*&?$`), ['&']);
});

test('however long a target is, Go reads it in one pass, or looks for a sign at first', () => {
  const sources = requestTables().flatMap(({ entries }) => entries.map(({ input }) => input.text.slice(2, -1)));
  for (const source of sources) if (!source.startsWith('&')) assert.equal(choicesIn(source), [], source);
  assert.is(sources.length, 3);
});

test.run();
