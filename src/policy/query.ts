import type { RegexFlavour } from './segment.ts';

/**
 * Query parameters that GitLab, Rack or a common API takes as a credential or as an override of the request (GitLab
 * reads private_token from the query before it looks at the header; Rack's MethodOverride obeys _method). Names are
 * compared without case, with "-" and "." read as "_".
 */
export const FORBIDDEN_PARAMETERS: readonly string[] = [
  '_method',
  'access_token',
  'authenticity_token',
  'bearer_token',
  'deploy_token',
  'feed_token',
  'job_token',
  'oauth_token',
  'private_token',
  'rss_token',
  'runner_token',
  'sudo',
  'token',
];

/** The dollar before names such as OData's "$top", escaped as most clients do or as it is. */
const DOLLAR = '(?:[$]|%24)';

/**
 * Returns a source that matches a forbidden name and the character that ends it. It is meant for a match that ignores
 * case, or with names that are `spelled` in any, right after the "?" or "&" before a name, and only beside the grammar of
 * `queryPairSource`, which admits no escapes in names.
 */
export function forbiddenParameterSource(spelled = (name: string) => name): string {
  const names = FORBIDDEN_PARAMETERS.map((name) => spelled(name).replaceAll('_', '[_.-]'));
  return `${DOLLAR}?(?:${names.join('|')})(?:[=&%[]|$)`;
}

const NAME = `${DOLLAR}?[A-Za-z_][A-Za-z0-9_.-]*`;
const INNER = '[A-Za-z0-9_.-]*(?:\\]|%5[Dd])';
// A name in brackets, which may have its dollar. No byte leaves a choice, which costs Go ten times as much.
const SUBSCRIPT = `(?:\\[|%5[Bb])(?:[A-Za-z0-9_.$-]${INNER}|\\]|%(?:24${INNER}|5[Dd]))`;
// No ";" (older Rack splits there) and no %00.
const VALUE = "(?:[A-Za-z0-9_.~!$'()*+,:@/?=-]|%(?:0[1-9A-Fa-f]|[1-9A-Fa-f][0-9A-Fa-f]))*";

/**
 * Returns the source, without anchors, of one `name[sub]=value` of a query. A query is such pairs joined by "&", and
 * one "&" may follow the last. The only escapes in a name are those of its dollar and its brackets, so that no escape
 * can hide a forbidden name: `pr%69vate_token` is refused.
 */
export function queryPairSource(flavour: RegexFlavour = 'portable'): string {
  const pair = `${NAME}(?:${SUBSCRIPT})*(?:=${VALUE})?`;
  // Every "*" is a quantifier but the one in VALUE's class, which is the literal before "+,".
  return flavour === 'possessive' ? pair.replace(/\*(?!\+,)/g, '*+') : pair;
}

const QUERY = new RegExp(`^${queryPairSource()}(?:&${queryPairSource()})*&?$`);
const FORBIDDEN = new RegExp(`&${forbiddenParameterSource()}`, 'i');

/** Returns whether a raw query (the text after "?", which may be empty) is allowed. */
export function isAllowedQuery(query: string): boolean {
  return query === '' || (QUERY.test(query) && !FORBIDDEN.test(`&${query}`));
}
