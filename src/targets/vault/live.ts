import { type Diagnostic, ok, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { maskSecrets } from '../../diagnostics/mask.ts';
import { canonical, isRecord, memberOf, parseJson } from '../../source/value.ts';
import { driftCodes, unreadable } from '../live.ts';
import type { CompareLive } from '../target.ts';
import type { VaultOptions } from './options.ts';
import { type Statement, statementsOf } from './policyText.ts';
import { type OwnPolicy, type Part, setUpOf } from './setUp.ts';
import { sourcesOf } from './sources.ts';

const HINT = 'give what the generated vault/read.sh prints: sh read.sh > live.json';

type Answer = Readonly<Record<string, unknown>>;

/**
 * Compares the policy, the role that logs in, the roles and the configs with what `read.sh` prints. An answer of Vault
 * does not say what was asked, nor can one that is absent be told from one that was refused, so each has its path, and
 * is `null` where nothing is there.
 */
export const compareVault: CompareLive<VaultOptions> = (live, expected) => {
  const found = answersIn(live.text);
  if (typeof found === 'string') return unreadable(expected, `${live.name}: ${found}`, HINT);
  const { policy, parts } = setUpOf(expected, sourcesOf(expected.policy, expected.options, []));
  const compared = [
    ...(policy ? [{ ...policy, compare: (answer: Answer, where: string) => policyDrift(policy, answer, where) }] : []),
    ...parts.map((part) => ({ ...part, compare: (answer: Answer, where: string) => partDrift(part, answer, where) })),
  ];
  const unread = compared.find(({ path }) => !found.has(path));
  if (unread) return unreadable(expected, `${live.name}: it does not say what is at ${unread.path}`, HINT);
  const drift = compared.flatMap(({ path, origin, compare }): Diagnostic[] => {
    const answer = found.get(path);
    return answer
      ? compare(answer, `${live.name}: ${path}`)
      : [driftCodes.report('missing', origin, { what: path, where: live.name })];
  });
  const known = new Set(compared.map(({ path }) => path));
  const strangers = [...found].flatMap(([path, answer]) => (answer && !known.has(path) ? [path] : []));
  const added = strangers.map((path) =>
    driftCodes.report('added', expected.at, { what: maskSecrets(path), where: live.name }),
  );
  return ok({ drift: [...drift, ...added], foreign: [] });
};

/** What the servers tell of a policy beside its text. */
const TOLD_OF_POLICY = new Set([
  'allow_slashes_in_identity_templates',
  'allow_wildcards_in_identity_templates',
  'cas_required',
  'modified',
  'name',
  'policy',
  'version',
]);

/** Compares by what the policy says: its comments, blanks and order are nobody's concern. */
function policyDrift({ origin, reads }: OwnPolicy, answer: Answer, where: string): Diagnostic[] {
  const { policy: text } = answer;
  const statements = typeof text === 'string' ? statementsOf(text) : undefined;
  if (!statements)
    return [
      driftCodes.report('changed', origin, { where, expected: 'what is generated', live: 'a text in other words' }),
    ];
  const added = (what: string, at: SpecPath = origin) => driftCodes.report('added', at, { where, what });
  const named = ({ path }: Pick<Statement, 'path'>) => `the path "${maskSecrets(path)}"`;
  const missing = [...reads].filter(([path]) => !statements.some((one) => one.path === path));
  return [
    ...missing.map(([path, at]) => driftCodes.report('missing', at, { where, what: named({ path }) })),
    ...statements.flatMap((statement): Diagnostic[] => {
      const at = reads.get(statement.path);
      const allowed = [...new Set(statement.capabilities)].sort().join(', ') || 'nothing';
      if (!at) return [added(`${named(statement)} with ${maskSecrets(allowed)}`)];
      const words = (what: string) => `${what} of ${named(statement)}`;
      return [
        ...(allowed === 'read'
          ? []
          : [driftCodes.report('changed', at, { where, live: words(maskSecrets(allowed)), expected: words('read') })]),
        ...statement.others.map((other) => added(`${maskSecrets(other)} of ${named(statement)}`, at)),
      ];
    }),
    ...strangeFields(answer, TOLD_OF_POLICY).map((what) => added(what)),
  ];
}

/** Fields that the plugin itself adds to a config. */
const TOLD_OF_CONFIG = new Set([
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

function partDrift({ kind, origin, read }: Part, answer: Answer, where: string): Diagnostic[] {
  const changed = Object.entries(read).flatMap(([field, value]) => {
    const live = answer[field];
    if (comparable(kind, field, value) === comparable(kind, field, live)) return [];
    const words = { where, expected: `${field} ${shown(value)}`, live: `${field} ${shown(live)}` };
    return [driftCodes.report('changed', origin, words)];
  });
  const known = new Set([...Object.keys(read), ...(kind === 'config' ? TOLD_OF_CONFIG : [])]);
  const added = strangeFields(answer, known).map((what) => driftCodes.report('added', origin, { where, what }));
  return [...changed, ...added];
}

/** The value of an unknown field may be a secret, so it is never shown. */
function strangeFields(answer: Answer, known: ReadonlySet<string>): string[] {
  return Object.keys(answer)
    .filter((field) => !known.has(field))
    .map((field) => `the field ${maskSecrets(field)}`);
}

/** Returns a text that is the same for values which mean the same. Lists have no order, and some servers tell scopes as one text. */
function comparable(kind: Part['kind'], field: string, value: unknown): string {
  const all = field === 'scopes' && typeof value === 'string' ? value.split(',').map((one) => one.trim()) : value;
  if (kind === 'login' && isNothing(all)) return 'nothing';
  return Array.isArray(all) ? canonical(all.map(canonical).sort()) : canonical(all);
}

/** Servers leave out some fields of a role that logs in where they have no value. */
function isNothing(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : value === undefined || value === null || !value;
}

function shown(value: unknown): string {
  return value === undefined ? 'that is missing' : maskSecrets(JSON.stringify(value));
}

/** Returns the answers by path, or why there are none. */
function answersIn(text: string): ReadonlyMap<string, Answer | undefined> | string {
  if (text.trim() === '') return 'it is empty; did the command that made it fail?';
  const documents = documentsIn(text);
  if (!documents) return 'it is not whole JSON; may something of it not be read?';
  const answers = new Map<string, Answer | undefined>();
  for (const document of documents) {
    const [path, answer] = [memberOf(document, 'path'), memberOf(document, 'answer')];
    const fields = memberOf(answer, 'data');
    if (typeof path !== 'string' || (answer !== null && !isRecord(fields)))
      return 'something in it is not an answer of Vault with the path that was asked for';
    if (answers.has(path)) return `it has ${maskSecrets(path)} twice`;
    answers.set(path, isRecord(fields) ? fields : undefined);
  }
  return answers;
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
