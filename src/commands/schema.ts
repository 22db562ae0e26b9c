import { optionSchemas } from '../compile.ts';
import { specJsonSchema } from '../spec/jsonSchema.ts';
import type { Io, Status } from './io.ts';

/** Prints the JSON Schema of specs, for editors. */
export function schema(io: Io): Status {
  io.out(`${JSON.stringify(specJsonSchema(optionSchemas()), null, 2)}\n`);
  return 0;
}
