import type * as z from 'zod';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { specCodes } from './codes.ts';
import { secretReference } from './scalars.ts';
import { alternativesOf, fieldsOf, type Shape, shapeOf } from './shape.ts';

/** Whether a reference to a secret may stand here, so that what stands here instead may be a secret. */
export function isSecret(schema: z.core.$ZodType): boolean {
  return alternativesOf(shapeOf(schema)).some((shape) => {
    const { def } = shape._zod;
    // A description makes a copy of a schema, which keeps the definition's parts.
    return def.type === 'array'
      ? isSecret(def.element)
      : def.checks !== undefined && def.checks === secretReference._zod.def.checks;
  });
}

/** Whether one of the keys of a mapping takes a secret: a slip in a key's name may then stand before one. */
export function holdsSecret(shape: Shape): boolean {
  return [...fieldsOf(shape).values()].some(isSecret);
}

/** What to say about a value where a reference belongs: nothing that could give it away. */
export function explainSecret(value: unknown, at: SpecPath): Diagnostic {
  const scheme = typeof value === 'string' ? /^(env|file|vault):/.exec(value)?.[1] : undefined;
  return scheme === undefined
    ? specCodes.report('secret-literal', at, {}, { secret: true })
    : specCodes.report('bad-secret-reference', at, { scheme }, { secret: true });
}
