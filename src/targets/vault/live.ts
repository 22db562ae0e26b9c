import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { ok } from '../../diagnostics/diagnostic.ts';
import { maskSecrets } from '../../diagnostics/mask.ts';
import type { VaultConfig, VaultRole } from '../../policy/types.ts';
import { isRecord, memberOf, parseJson } from '../../source/value.ts';
import { driftCodes, unreadable } from '../live.ts';
import type { CompareLive, LiveText } from '../target.ts';
import type { VaultOptions } from './options.ts';
import { configPayload, roleAsRead } from './payloads.ts';

const HINT =
  'give what "vault read -format=json MOUNT/roles/ROLE" and "vault read -format=json MOUNT/config/NAME" print, one after the other';

type Fields = Readonly<Record<string, unknown>>;

/** What Vault returned about a role, which has its name in `role_name`, or a config, which has it in `name`. */
interface Reading {
  readonly kind: 'role' | 'config';
  readonly name: string;
  readonly fields: Fields;
}

/** A role or a config of the spec, in the form in which the plugin returns it. */
interface Wanted {
  readonly kind: Reading['kind'];
  readonly name: string;
  readonly origin: SpecPath;
  readonly fields: Fields;
}

/** Compares the output of `vault read -format=json` for roles and configs, one after the other or as a list. */
export const compareVault: CompareLive<VaultOptions> = (live, expected) => {
  const readings = readingsIn(live.text);
  if ('problem' in readings) return unreadable(expected, `${live.name}: ${readings.problem}`, HINT);
  const wanted = expected.policy.vault.flatMap(({ configs, roles }) => [
    ...configs.map(wantedConfig),
    ...roles.map(wantedRole),
  ]);
  const nameOf = ({ kind, name }: Pick<Reading, 'kind' | 'name'>) => `${kind} "${name}"`;
  const twice = wanted.find((one, index) => wanted.findIndex((other) => nameOf(other) === nameOf(one)) < index);
  if (twice)
    return unreadable(
      expected,
      `${live.name}: two mounts have a ${nameOf(twice)}, and what is read does not tell which is which`,
      'compare one mount at a time, each with a spec of its own',
    );
  const found = new Map<string, Reading>();
  for (const reading of readings.all) {
    if (found.has(nameOf(reading)))
      return unreadable(expected, `${live.name}: it has the ${nameOf(reading)} twice`, HINT);
    found.set(nameOf(reading), reading);
  }
  const drift = wanted.flatMap((one): Diagnostic[] => {
    const reading = found.get(nameOf(one));
    return reading
      ? fieldDrift(one, reading, live)
      : [driftCodes.report('missing', one.origin, { what: `the ${nameOf(one)}`, where: live.name })];
  });
  const known = new Set(wanted.map(nameOf));
  const strangers = [...found.keys()].filter((name) => !known.has(name));
  const added = strangers.map((name) =>
    driftCodes.report('added', expected.at, { what: `the ${maskSecrets(name)}`, where: live.name }),
  );
  return ok({ drift: [...drift, ...added], foreign: [] });
};

/** Fields that the plugin itself adds to a config. */
const TOLD_ABOUT = new Set([
  'gitlab_is_enterprise',
  'gitlab_revision',
  'gitlab_version',
  'name',
  'scopes',
  'token_created_at',
  'token_expires_at',
  'token_id',
  'token_sha1_hash',
]);

function wantedConfig(config: VaultConfig): Wanted {
  return { kind: 'config', name: config.name, origin: config.origin, fields: configPayload(config) };
}

function wantedRole(role: VaultRole): Wanted {
  return { kind: 'role', name: role.id, origin: role.origin, fields: roleAsRead(role) };
}

function fieldDrift(wanted: Wanted, { kind, name, fields }: Reading, { name: file }: LiveText): Diagnostic[] {
  const where = `${file}: ${kind} "${name}"`;
  const changed = Object.entries(wanted.fields).flatMap(([field, value]) => {
    if (same(field, value, fields[field])) return [];
    const words = { where, expected: `${field} ${shown(value)}`, live: `${field} ${shown(fields[field])}` };
    return [driftCodes.report('changed', wanted.origin, words)];
  });
  // The value of an unknown field may be a secret, so it is never shown.
  const unknown = Object.keys(fields).filter(
    (field) => !Object.hasOwn(wanted.fields, field) && !(kind === 'config' && TOLD_ABOUT.has(field)),
  );
  const added = unknown.map((field) =>
    driftCodes.report('added', wanted.origin, { where, what: `the field ${maskSecrets(field)}` }),
  );
  return [...changed, ...added];
}

function same(field: string, wanted: unknown, live: unknown): boolean {
  return field === 'scopes' ? listed(wanted) === listed(live) : wanted === live;
}

/** Scopes have no order. */
function listed(value: unknown): string | undefined {
  const all = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(all) || !all.every((one) => typeof one === 'string')) return undefined;
  const names = all.map((one) => one.trim()).filter((one) => one !== '');
  return new Set(names).size === names.length ? names.sort().join(', ') : undefined;
}

function shown(value: unknown): string {
  if (value === undefined) return 'that is missing';
  return maskSecrets(JSON.stringify(value));
}

function readingsIn(text: string): { readonly all: readonly Reading[] } | { readonly problem: string } {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const documents = documentsIn(text);
  if (!documents) return { problem: 'it is not whole JSON' };
  const all: Reading[] = [];
  for (const document of documents.flatMap((one) => (Array.isArray(one) ? (one as unknown[]) : [one]))) {
    const fields = memberOf(document, 'data');
    const reading = isRecord(fields) ? readingOf(fields) : undefined;
    if (!reading) return { problem: 'something in it is neither a role nor a config of the GitLab plugin' };
    all.push(reading);
  }
  return all.length === 0 ? { problem: 'it holds no role and no config' } : { all };
}

function readingOf(fields: Fields): Reading | undefined {
  const { role_name: role, base_url: url, name } = fields;
  if (typeof role === 'string' && 'token_type' in fields) return { kind: 'role', name: role, fields };
  if (typeof url === 'string' && typeof name === 'string') return { kind: 'config', name, fields };
  return undefined;
}

/** Returns the JSON values of a text, one after the other, as several commands print them into one file. */
function documentsIn(text: string): unknown[] | undefined {
  const documents: unknown[] = [];
  let depth = 0;
  let start = 0;
  // A string is skipped as a whole, so that braces in it do not count.
  for (const { 0: mark, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (mark.startsWith('"')) continue;
    depth += mark === '{' || mark === '[' ? 1 : -1;
    if (depth < 0) return undefined;
    if (depth > 0) continue;
    const document = parseJson(text.slice(start, index + 1));
    if (document === undefined) return undefined;
    documents.push(document);
    start = index + 1;
  }
  return depth === 0 && text.slice(start).trim() === '' ? documents : undefined;
}
