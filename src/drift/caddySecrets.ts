/**
 * The placeholder that only the files below `secrets/` fill: whose a key is, and what the upstream gets for it. Where
 * there are many, they are looked up in parts such as `{key.found_7}`.
 */
const FILLED_BY_SECRETS = /^\{key[.]found(?:_[a-z0-9]+)?\}$/;

type JsonRecord = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSecretMap(value: unknown): value is JsonRecord {
  if (!isRecord(value) || value['handler'] !== 'map' || !Array.isArray(value['destinations'])) return false;
  return value['destinations'].some((name) => FILLED_BY_SECRETS.test(String(name)));
}

function isOnlySecret(value: unknown): boolean {
  if (isSecretMap(value)) return true;
  const handlers = isRecord(value) ? value['handle'] : undefined;
  return Array.isArray(handlers) && handlers.length > 0 && handlers.every(isSecretMap);
}

/** A configuration without the maps that hold keys and tokens: whether they were rendered here says nothing about drift. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isOnlySecret(item)).map(withoutSecrets);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutSecrets(item)]));
}

/** The ids that live keys stand for, each before a token; neither keys nor tokens are looked at. */
export function liveKeyIds(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(liveKeyIds);
  if (!isRecord(value)) return [];
  if (!isSecretMap(value)) return Object.values(value).flatMap(liveKeyIds);
  const mappings = Array.isArray(value['mappings']) ? value['mappings'] : [];
  const outputs = mappings.flatMap((mapping) =>
    isRecord(mapping) && Array.isArray(mapping['outputs']) ? mapping['outputs'].map(String) : [],
  );
  return outputs.flatMap((output) => /^([^ ]+) /.exec(output)?.[1] ?? []);
}
