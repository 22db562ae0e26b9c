import * as z from 'zod';
import { fragmentSchema, specSchema, type TargetOptionSchemas } from './schema.ts';

/**
 * The JSON Schema of specs and of their fragments, for editors, made from the schemas that check them. Draft 7, because
 * yaml-language-server reads nothing newer.
 */
export function specJsonSchema(targets: TargetOptionSchemas): Record<string, unknown> {
  const schema = z.toJSONSchema(z.union([specSchema(targets), fragmentSchema()]), {
    target: 'draft-7',
    io: 'input',
    // zod names formats that no draft has; the patterns beside them say the same.
    override: ({ jsonSchema }) => {
      delete jsonSchema.format;
    },
  });
  const { $schema, ...rest } = schema;
  return { $schema, $id: 'urn:postern:spec:1', title: 'Postern spec, version 1', ...rest };
}
