import { alternativesOf, constantsOf, fieldsOf, isMapping, isOptional, type Shape } from './shape.ts';

/** What a schema takes, in the user's words, such as `"any" or a list`. */
export function expectation(shape: Shape): string {
  const parts = [...new Set(alternativesOf(shape).flatMap(describe))];
  const last = parts.pop() ?? 'something else';
  return parts.length === 0 ? last : `${parts.join(', ')} or ${last}`;
}

function describe(shape: Shape): string[] {
  switch (shape._zod.def.type) {
    case 'string':
      return ['a text'];
    case 'number':
      return ['a whole number'];
    case 'boolean':
      return ['true or false'];
    case 'array':
      return ['a list'];
    case 'object':
    case 'record':
      return ['a mapping'];
    default:
      return constantsOf(shape).map((value) => JSON.stringify(value));
  }
}

const LONGEST = 80;

/** A value as a message shows it. */
export function wordsFor(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isMapping(value)) return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const text = value.replaceAll('\n', ' ');
  return text.length <= LONGEST ? `"${text}"` : `"${[...text].slice(0, LONGEST).join('')}…"`;
}

/** What to do about a value of the wrong type; most such mistakes are YAML's doing. */
export function adviceFor(shape: Shape, value: unknown): string | undefined {
  const branches = alternativesOf(shape);
  const wants = (...types: Shape['_zod']['def']['type'][]) =>
    branches.some((branch) => types.includes(branch._zod.def.type));
  if (value === null) return adviceForNothing(branches);
  if (Array.isArray(value) && wants('object', 'record')) return 'write "key: value" lines without dashes';
  if (typeof value === 'number' && wants('string')) return 'put quotes around it; without them it is a number';
  if (typeof value === 'boolean' && wants('string')) return 'put quotes around it; without them it is true or false';
  if (typeof value === 'string' && wants('boolean'))
    return 'write true or false without quotes; yes, no, on and off are text';
  if (typeof value === 'string' && wants('number') && /^\d+$/.test(value)) return 'take the quotes away';
  if (!Array.isArray(value) && wants('array')) return 'put it into brackets to make it a list: [ … ]';
  const keys = [...new Set(branches.flatMap((branch) => [...fieldsOf(branch).keys()]))];
  return keys.length === 0 || isMapping(value) ? undefined : `keys of the mapping: ${keys.join(', ')}`;
}

function adviceForNothing(branches: readonly Shape[]): string {
  const empty = branches.some(
    (branch) => [...fieldsOf(branch).values()].every(isOptional) && fieldsOf(branch).size > 0,
  );
  return empty ? 'write {} to set nothing, or take the key out' : 'give it a value, or take it out';
}
