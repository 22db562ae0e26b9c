import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { optionSchemas } from '../compile.ts';
import { specJsonSchema } from '../spec/jsonSchema.ts';
import type { Io, Status } from './io.ts';

/** Prints the JSON Schema of specs, for editors. */
export function schema(io: Io): Status {
  io.out(schemaText());
  return 0;
}

export function schemaText(): string {
  return `${JSON.stringify(specJsonSchema(optionSchemas()), null, 2)}\n`;
}

/** Name of a copy of the schema beside a spec. */
export const SCHEMA_COPY = 'postern.schema.json';
const INSTALLED = 'node_modules/postern/schema/postern.schema.json';

/** Returns the comment by which editors find the schema, for a spec in a folder. */
export function schemaComment(path: string): string {
  return `# yaml-language-server: $schema=${/^\.\.?\//.test(path) ? path : `./${path}`}\n`;
}

/**
 * Returns the path from a folder to the schema of the package that is installed there or above; `undefined` if there is
 * none, as where the command comes from elsewhere on the machine.
 */
export function installedSchema(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, INSTALLED))) return relative(resolve(folder), join(at, INSTALLED)).replaceAll('\\', '/');
    if (dirname(at) === at) return undefined;
  }
}
