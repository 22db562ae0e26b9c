import { resolve } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { systemProblem } from '../output/disk.ts';
import type { SecretReference } from '../policy/types.ts';
import { readBytes } from '../source/read.ts';
import { secretCodes } from './codes.ts';
import { type Found, partsOf, type Source } from './found.ts';
import { othersWithAccess } from './readers.ts';

/** Follows `env:NAME`. */
export const fromEnvironment: Source = (references, { env }) =>
  new Map(
    references.map((reference) => {
      const name = partsOf(reference).path;
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      return [reference.text, value ? { value } : unset(reference)];
    }),
  );

/** Follows `file:PATH`. */
export const fromFile: Source = (references, { folder }) =>
  new Map(references.map((reference) => [reference.text, readSecret(reference, folder)]));

function readSecret(reference: SecretReference, folder: string): Found | Diagnostic {
  const { text, origin } = reference;
  try {
    const file = resolve(folder, text.slice('file:'.length));
    const found = readBytes(file);
    if ('problem' in found) return secretCodes.report('unreadable', origin, { reference: text, ...found });
    // Editors and `echo` end a file with a line feed, which is not part of the secret.
    const value = Buffer.from(found.bytes)
      .toString('utf8')
      .replace(/\r?\n$/, '');
    if (!value) return unset(reference);
    const whom = othersWithAccess(file);
    return whom ? { value, warning: secretCodes.report('shared-file', origin, { reference: text, whom }) } : { value };
  } catch (error) {
    return secretCodes.report('unreadable', origin, { reference: text, problem: systemProblem(error) });
  }
}

function unset({ text, origin }: SecretReference): Diagnostic {
  return secretCodes.report('unset', origin, { reference: text });
}
