import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { specCodes } from './codes.ts';
import { PLANNED_TARGETS } from './planned.ts';
import { holdsSecret } from './secrets.ts';
import { fieldsOf, type Shape } from './shape.ts';
import { suggest } from './suggest.ts';

interface UnknownKey {
  readonly key: string;
  readonly value: unknown;
  /** The mapping that holds it. */
  readonly shape: Shape;
  readonly at: SpecPath;
}

export function explainUnknownKey({ key, value, shape, at }: UnknownKey): Diagnostic {
  const allowed = [...fieldsOf(shape).keys()].filter((name) => name !== '$schema');
  const path = [...at, key];
  if (at.length === 1 && at[0] === 'targets' && PLANNED_TARGETS.includes(key)) {
    return specCodes.report('planned-target', path, { name: key, existing: allowed }, { part: 'key' });
  }
  const note = noteFor(key, value);
  const near = note === undefined ? suggest(key, allowed) : undefined;
  const params = { key, near, allowed, ...(note === undefined ? {} : { note }) };
  return specCodes.report('unknown-key', path, params, {
    part: 'key',
    ...(holdsSecret(shape) ? { secret: true } : {}),
  });
}

/** Two keys that nobody wrote: what YAML makes of a merge, and of an unquoted comma inside braces. */
function noteFor(key: string, value: unknown): string | undefined {
  if (key === '<<') return 'YAML 1.2 has no merge keys; write the values out, or use named sets and groups';
  if (value === null && /[\s/]/.test(key))
    return 'inside { } a comma ends a value; put quotes around a text that holds one';
  return undefined;
}
