import { resolve } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { systemProblem } from '../output/disk.ts';
import { isKeyShaped } from '../policy/key.ts';
import type { ApiKey, Policy, SecretReference } from '../policy/types.ts';
import { readBytes } from '../source/read.ts';
import type { Io } from './io.ts';
import { secretCodes } from './secretCodes.ts';

export interface SecretValues {
  /** By reference text. */
  readonly values: ReadonlyMap<string, string>;
  readonly diagnostics: readonly Diagnostic[];
}

interface Sources {
  readonly env: Io['env'];
  /** Of the spec. */
  readonly folder: string;
}

const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

/** Follows every reference of a policy and checks what it finds. This is the only place that does. */
export function secretValues(policy: Policy, sources: Sources): SecretValues {
  const values = new Map<string, string>();
  const problems: Diagnostic[] = [];
  const take = (reference: SecretReference) => {
    const found = values.get(reference.text) ?? follow(reference, sources);
    if (typeof found === 'string') values.set(reference.text, found);
    else problems.push(found);
  };
  for (const key of policy.apiKeys) [...key.keys, key.token].forEach(take);
  const diagnostics = [...problems, ...checkShapes(policy.apiKeys, values), ...checkSame(policy.apiKeys, values)];
  return { values, diagnostics };
}

function follow({ scheme, text, origin }: SecretReference, { env, folder }: Sources): string | Diagnostic {
  const name = text.slice(text.indexOf(':') + 1);
  switch (scheme) {
    case 'env':
      return env[name] || secretCodes.report('unset', origin, { reference: text });
    case 'file':
      return readSecret(resolve(folder, name), { text, origin });
    case 'vault':
      return secretCodes.report('not-here', origin, { reference: text });
  }
}

function readSecret(file: string, { text, origin }: Pick<SecretReference, 'text' | 'origin'>): string | Diagnostic {
  try {
    // Editors and `echo` end a file with a line feed that is no part of the secret.
    const found = readBytes(file);
    if ('problem' in found) return secretCodes.report('unreadable', origin, { reference: text, ...found });
    const value = Buffer.from(found.bytes)
      .toString('utf8')
      .replace(/\r?\n$/, '');
    return value || secretCodes.report('unset', origin, { reference: text });
  } catch (error) {
    return secretCodes.report('unreadable', origin, { reference: text, problem: systemProblem(error) });
  }
}

function checkShapes(apiKeys: readonly ApiKey[], values: ReadonlyMap<string, string>): Diagnostic[] {
  const wrong = (reference: SecretReference, fits: (value: string) => boolean) => {
    const value = values.get(reference.text);
    return value !== undefined && !fits(value);
  };
  return apiKeys.flatMap(({ keys, token }) => [
    ...keys
      .filter((key) => wrong(key, isKeyShaped))
      .map((key) => secretCodes.report('bad-key', key.origin, { reference: key.text })),
    ...(wrong(token, (value) => TOKEN.test(value))
      ? [secretCodes.report('bad-token', token.origin, { reference: token.text })]
      : []),
  ]);
}

/** A key that two callers share, or that is somebody's token, makes the one pass for the other. */
function checkSame(apiKeys: readonly ApiKey[], values: ReadonlyMap<string, string>): Diagnostic[] {
  const tokens = new Map(apiKeys.map(({ token }) => [values.get(token.text), token.text]));
  const owners = new Map<string, string>();
  return apiKeys.flatMap(({ id, keys }) =>
    keys.flatMap(({ text: reference, origin }) => {
      const value = values.get(reference);
      if (value === undefined) return [];
      const owner = owners.get(value);
      const other = tokens.get(value);
      owners.set(value, owner ?? id);
      return [
        ...(owner === undefined ? [] : [secretCodes.report('same-key', origin, { reference, key: owner })]),
        ...(other === undefined ? [] : [secretCodes.report('key-is-token', origin, { reference, other })]),
      ];
    }),
  );
}
