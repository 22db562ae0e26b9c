import type { Endpoint } from '../../policy/access.ts';
import { run } from '../../policy/automaton.ts';
import type { PathPattern, PatternSegment } from '../../policy/pattern.ts';
import { ACCEPTED_BY, PARAMETER_TYPES, type ParameterType } from '../../policy/segment.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import type { Random } from '../random.ts';

/** Unusual segments that each type still accepts. */
const MEMBERS: Readonly<Record<ParameterType, readonly string[]>> = {
  int: ['0', '42', '00', '007', '18446744073709551616'],
  hex: ['c0ffee', 'C0FFEE', 'dEaDbEeF', 'a', '0f'],
  uuid: ['0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3c4', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
  slug: ['x-1', '...', '.a', '..a', '_', '-', 'a.', 'a..', '.gitlab-ci.yml', 'default', 'include', '-1', 'null'],
  segment: [
    'x~1',
    'a;v=1',
    'a:b@c',
    "!$&'()*+,=",
    'bug%20fix',
    '%C3%A9',
    '%2E%2E%2E',
    'a%3Bb',
    '%2ea',
    '.%2Ea',
    '...;x',
    '$1',
    '*',
    '%24%7Bx%7D',
    ';',
  ],
  encodedPath: ['x%2Fy', 'group%2fsub%2Fproject', 'a%2F...', 'a%2F.b%2Fc', 'a%2F%2Ea', '1%2F2'],
  encodedText: [
    ...['x%3Fy', 'a%3f', '%23', '100%25', '%25', '%25%2F%25', 'a%2Fb%23c', '%3F%2f%3f', '..%25', '...%3F', '.%25'],
    // A server that decodes twice reads some of these as a step up.
    ...['%252e%252e', 'x%252F..%252F..', 'a%2F%252E', '%2500', '%255C', '%2525'],
  ],
};

/** Segments that some type just does not accept, or that an upstream may read as another path. */
export const STRANGERS: readonly string[] = [
  '',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '.%2E',
  '..;',
  '..;x=1',
  '.;',
  '%2e%3b',
  '..%2F',
  '..%2f..',
  'a%2F..',
  'a%2F..%2Fb',
  'a%2F%2e%2E%2Fb',
  'a%2F',
  '%2F',
  '%2Fa',
  'a%2F%2Fb',
  'a%2F.',
  'a%2F..;b',
  '..%5C',
  '..\\',
  'a\\b',
  'a%5Cb',
  'a%5cb',
  '%252e%252e',
  '%252F',
  'a%25',
  'a%252Fb',
  'a%00',
  '%00',
  'a%0a',
  'a%0A',
  'a%0d%0a',
  'a%1F',
  'a%7f',
  'a%',
  'a%2',
  'a%zz',
  'a%2G',
  '%u002e%u002e',
  '\xe9',
  '\xc3\xa9',
  '%c0%ae%c0%ae',
  '%c0%af',
  '%e0%80%af',
  '%f0%80%80%af',
  '\xc0\xae\xc0\xae',
  '%ef%bc%8f',
  '%E2%88%95',
  '"',
  'a"b',
  '<',
  '>',
  '{x}',
  '|',
  '^',
  '`',
  '[',
  ']',
  '$(x)',
  '%3F',
  'a%3Fb=1',
  '%23',
  'a%23',
  '%25',
  '..%3F',
  '..%23x',
  '.%3f',
  '%2e%2E%23',
  'a%2F..%3Fb',
  'a%2F.%23',
  '%3F%2F',
  '%25%2F%2F',
  'a%2F%3Fb%2F..',
  '%26',
  '1a',
  '-1',
  '+1',
  '1.0',
  '1e3',
  '0x1f',
  'g0',
  '%31',
  '4%32',
  '%61',
  'a~',
  'a%41',
  '0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3c',
  '0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3cg',
  '0b0e1d2c3a4f4b5c8d6e7f8091a2b3c4',
  '٣',
  '{int}',
  '{http.request.uri}',
  '{env.HOME}',
  '$request_uri',
  '~x',
  '.*',
  '(.*)',
].map((text) => Buffer.from(text, /[^\x00-\xff]/.test(text) ? 'utf8' : 'latin1').toString('latin1'));

export function memberOf(type: ParameterType, random: Random): string {
  if (type === 'int' && random.chance(0.3)) return String(random.below(1e9));
  if (type !== 'uuid' && random.chance(0.05)) return (MEMBERS[type][0] ?? '').repeat(1).padEnd(200, '1');
  return random.pick(MEMBERS[type]);
}

/** The path of a pattern with its parameters filled in. */
export function fill({ segments }: PathPattern, random: Random): string {
  return `/${segments.flatMap((segment) => valuesOf(segment, random)).join('/')}`;
}

function valuesOf(segment: PatternSegment, random: Random): string[] {
  switch (segment.kind) {
    case 'literal':
      return [segment.text];
    case 'choice':
      return [random.pick(segment.values)];
    case 'parameter':
      return [memberOf(segment.type, random)];
    case 'rest':
      return Array.from({ length: 1 + random.below(4) }, () => memberOf(someWithin(segment.type, random), random));
  }
}

/** The type itself or a narrower one, so that the segments of a rest are of mixed types. */
function someWithin(type: ParameterType, random: Random): ParameterType {
  const narrower = PARAMETER_TYPES.filter((each) => ACCEPTED_BY[each].includes(type));
  return random.chance(0.6) ? type : random.pick(narrower);
}

/**
 * A path that leads to an endpoint: mostly one of its patterns filled in, unless that leads to a more specific
 * endpoint.
 */
export function pathTo({ state }: Endpoint, { evaluator }: ProxyFixture, random: Random): string {
  if (state.accepts.length === 0) return state.example;
  const path = fill(random.pick(state.accepts).pattern, random);
  return run(evaluator.access.automaton, path) === state || random.chance(0.5) ? path : state.example;
}
