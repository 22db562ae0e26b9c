import { parse, TomlError } from 'smol-toml';

/** The endpoints as they are shown, by registry. */
export type Mirrors = ReadonlyMap<string, string>;
export type Authorities = ReadonlyMap<string, { readonly data: string; readonly trusted: boolean }>;

export interface LiveSettings {
  readonly mirrors: Mirrors;
  readonly authorities: Authorities;
}

/** Reads what was captured on a node; without its trust, where that is asked for, nothing can be told. */
export function settingsIn(text: string, withPki: boolean): LiveSettings | { readonly problem: string } {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const value = valueOf(text);
  if (value === undefined) return { problem: 'it is neither whole JSON nor whole TOML' };
  if (isJson(text) && isRecord(value) && Object.keys(value).length === 0)
    return { mirrors: new Map(), authorities: new Map() };
  const settings = field(value, 'settings') ?? value;
  const registry = field(settings, 'container-registry');
  if (registry === undefined) return { problem: 'it holds no settings.container-registry' };
  const mirrors = mirrorsIn(field(registry, 'mirrors') ?? []);
  if (!mirrors) return { problem: 'its mirrors are not a list of registries with endpoints' };
  const pki = field(settings, 'pki');
  if (pki === undefined && withPki && isJson(text))
    return { problem: 'it holds no settings.pki, and so does not tell whom the node trusts' };
  const authorities = Object.entries(isRecord(pki) ? pki : {}).map(([name, entry]) => {
    const [data, trusted] = [field(entry, 'data'), field(entry, 'trusted')];
    return [name, { data: typeof data === 'string' ? data : '', trusted: trusted === true }] as const;
  });
  return { mirrors, authorities: new Map(authorities) };
}

function isJson(text: string): boolean {
  return /^\s*\{/.test(text);
}

function valueOf(text: string): unknown {
  try {
    return isJson(text) ? JSON.parse(text) : parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TomlError) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

/** A list, or the table of endpoints by registry that older user data has and Bottlerocket still takes. */
function mirrorsIn(value: unknown): Mirrors | undefined {
  const entries = Array.isArray(value)
    ? value.map((entry) => [field(entry, 'registry'), field(entry, 'endpoint'), field(entry, 'capabilities')])
    : Object.entries(isRecord(value) ? value : {});
  const mirrors = new Map<string, string>();
  for (const [registry, endpoints, capabilities] of entries) {
    const known = Array.isArray(endpoints) && endpoints.every((one) => typeof one === 'string');
    if (typeof registry !== 'string' || !known) return undefined;
    const limits =
      Array.isArray(capabilities) && capabilities.length > 0 ? ` (only to ${capabilities.join(', ')})` : '';
    mirrors.set(registry, `${endpoints.join(', ')}${limits}`);
  }
  return mirrors;
}
