import { basicTokens } from '../../policy/apiKeys.ts';
import type { Policy, SecretReference } from '../../policy/types.ts';
import { type Token, token, unquotable } from '../../render/token.ts';
import type { DeliveredFile } from './delivered.ts';
import type { VaultSource } from './sources.ts';

export type VaultToken = Token<'vault'>;

/** Returns a text that means itself in HCL, YAML, a shell and a template. */
export function text(words: string): VaultToken {
  if (/[^\t\x20-\x7e]|\{\{|\}\}|\$\{|%\{/.test(words)) throw unquotable('not a plain line', words);
  return token('vault', words);
}

/** Returns a text in quotes, which are the same in HCL, YAML and JSON. */
export function quoted(words: string): VaultToken {
  return token('vault', text(JSON.stringify(words)).text);
}

/** Returns a text in quotes, or `null`, which is how templates know that it is absent. */
export function quotedOrNull(words: string | undefined): VaultToken | null {
  return words === undefined ? null : quoted(words);
}

/** How one program writes "the value of a reference" in its templates. */
export interface Dialect {
  /** Opens a block in which `value` is available. */
  readonly open: (reference: SecretReference) => string;
  readonly value: (reference: SecretReference) => string;
  /** Base64 of a value. */
  readonly encode: string;
}

const KEY = '^[A-Za-z0-9._~+/=-]{20,128}$';
const TOKEN = '^[A-Za-z0-9._~+/=-]+$';
/** `user:password`, or what is base64 already. */
const CREDENTIAL = '^([^:[:cntrl:]]+:[^[:cntrl:]]+|[A-Za-z0-9+/]+=*)$';

/**
 * Returns a file as a Go template that fills in the values. A line is left out where its value does not have the right
 * form, so that its caller is refused, and a value cannot add anything else to the file.
 */
export function guardedLines(file: DeliveredFile, policy: Policy, dialect: Dialect): VaultToken[] {
  const keys = new Set(policy.apiKeys.flatMap((key) => key.keys.map((reference) => reference.text)));
  const basics = basicTokens(policy);
  const variableOf = ({ text: name }: SecretReference) => (keys.has(name) ? '$key' : '$token');
  const shapeOf = ({ text: name }: SecretReference) => (keys.has(name) ? KEY : basics.has(name) ? CREDENTIAL : TOKEN);
  const filledIn = (reference: SecretReference) => {
    const variable = variableOf(reference);
    if (!basics.has(reference.text)) return `{{ ${variable} }}`;
    return `{{ if regexMatch ":" ${variable} }}{{ ${dialect.encode} ${variable} }}{{ else }}{{ ${variable} }}{{ end }}`;
  };
  return file.lines.flatMap((pieces) => {
    const references = pieces.filter((piece) => typeof piece === 'object');
    const line = pieces.map((piece) => (typeof piece === 'object' ? filledIn(piece) : text(piece).text)).join('');
    if (references.length === 0) return [token('vault', line)];
    const ends = references.map((reference) => (dialect.open(reference) === '' ? '{{ end }}' : '{{ end }}{{ end }}'));
    return [
      ...references.flatMap((reference) => {
        const variable = variableOf(reference);
        const opened = dialect.open(reference);
        return [
          `{{- ${opened === '' ? '' : `${opened} }}{{ `}${variable} := ${dialect.value(reference)} }}`,
          `{{- if regexMatch ${JSON.stringify(shapeOf(reference))} ${variable} }}`,
        ];
      }),
      line,
      ends.join('').replace('{{ end', '{{- end'),
    ].map((one) => token('vault', one));
  });
}

/** Returns the dialect of External Secrets, in which each value has a name. */
export function externalDialect(
  sources: ReadonlyMap<string, VaultSource>,
  nameOf: (source: VaultSource) => string,
): Dialect {
  const named = (source: VaultSource) => `index . ${JSON.stringify(nameOf(source))}`;
  return {
    open: () => '',
    value: (reference) => {
      const source = sources.get(reference.text);
      if (!source) return '""';
      const value = named(source);
      const isDeploy = source.role?.type.endsWith('-deploy') ?? false;
      return isDeploy ? `printf "%s:%s" (${named({ ...source, field: ['username'] })}) (${value})` : value;
    },
    encode: 'b64enc',
  };
}

/**
 * Returns the dialect of the Agents of Vault and OpenBao. Without `with`, a secret that does not exist yet would be an
 * error.
 */
export function agentDialect(sources: ReadonlyMap<string, VaultSource>): Dialect {
  return {
    open: ({ text: reference }) => {
      const source = sources.get(reference);
      return source ? `with secret ${JSON.stringify(source.path)}` : '';
    },
    value: ({ text: reference, scheme }) => {
      const source = sources.get(reference);
      const rest = reference.slice(scheme.length + 1);
      if (!source) return scheme === 'env' ? `env ${JSON.stringify(rest)}` : `file ${JSON.stringify(rest)} | trimSpace`;
      return fieldIn(`.Data${source.isVersioned ? '.data' : ''}`, source);
    },
    encode: 'base64Encode',
  };
}

/** Returns the expression for a value. A deploy token is sent with its user name. */
function fieldIn(data: string, { field, role }: VaultSource): string {
  const isPlain = field.every((part) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(part));
  const value = isPlain
    ? [data, ...field].join('.')
    : `index ${data} ${field.map((part) => JSON.stringify(part)).join(' ')}`;
  return role?.type.endsWith('-deploy') ? `printf "%s:%s" ${data}.username ${value}` : value;
}
