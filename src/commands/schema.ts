import { optionSchemas } from '../compile.ts';
import { specJsonSchema } from '../spec/jsonSchema.ts';
import type { Io, Status } from './io.ts';

/** The JSON Schema of a spec, for editors. */
export function schema(io: Io): Status {
  io.out(`${JSON.stringify(specJsonSchema(optionSchemas()), null, 2)}\n`);
  return 0;
}
