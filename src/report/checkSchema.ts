import * as z from 'zod';
import { diagnosticSchema, statusSchema } from './diffSchema.ts';

const test = z.strictObject({
  subject: z.string(),
  passed: z.boolean(),
  expected: z.string(),
  actual: z.string(),
});

const validate = z.strictObject({
  command: z.literal('validate'),
  status: statusSchema.describe('The exit status: 0 valid, 1 not, 2 could not tell'),
  diagnostics: z.array(diagnosticSchema),
  tests: z.array(test).describe('Tests of the spec that were run'),
});

const lint = z.strictObject({
  command: z.literal('lint'),
  status: statusSchema.describe('The exit status: 0 nothing that is not accepted, 1 findings, 2 could not tell'),
  diagnostics: z.array(
    diagnosticSchema.extend({
      accepted: z.boolean().optional().describe('Whether --accept names it; absent where nothing could be told'),
    }),
  ),
});

/** What `validate` and `lint` print with `--format json`. Keys are added to it, never renamed. */
export const checkSchema = z
  .discriminatedUnion('command', [validate, lint])
  .describe('Output of "postern validate --format json" and "postern lint --format json"');

export function checkJsonSchema(): object {
  return z.toJSONSchema(checkSchema);
}
