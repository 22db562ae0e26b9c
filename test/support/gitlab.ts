import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One operation of GitLab's REST API; `{x}` stands for a value, `{+x}` for one that may hold slashes. */
export interface Operation {
  readonly method: string;
  readonly template: string;
}

const corpus = fileURLToPath(new URL('../../../shared/corpora/gitlab-operations.tsv', import.meta.url));

/** What the partner of examples/gitlab-proxy is meant to call, and that the root is answered by the proxy. */
export const INTENDED: readonly Operation[] = operations(`
  DELETE /groups/{id}/hooks/{hook_id} · DELETE /groups/{id}/labels · DELETE /groups/{id}/labels/{name}
  DELETE /projects/{id}/hooks/{hook_id} · GET /groups · GET /groups/{id} · GET /groups/{id}/descendant_groups
  GET /groups/{id}/hooks · GET /groups/{id}/labels · GET /groups/{id}/labels/{name} · GET /groups/{id}/members
  GET /groups/{id}/members/all · GET /groups/{id}/merge_requests · GET /groups/{id}/projects · GET /namespaces
  GET /personal_access_tokens/self · GET /projects/{id} · GET /projects/{id}/hooks
  GET /projects/{id}/issues/{issue_iid}/resource_label_events · GET /projects/{id}/merge_requests
  GET /projects/{id}/merge_requests/{merge_request_iid} · GET /projects/{id}/merge_requests/{merge_request_iid}/closes_issues
  GET /projects/{id}/merge_requests/{merge_request_iid}/commits · GET /projects/{id}/merge_requests/{merge_request_iid}/discussions
  GET /projects/{id}/merge_requests/{merge_request_iid}/resource_label_events · GET /projects/{id}/repository/commits/{sha}
  GET /projects/{id}/repository/tags · GET /projects/{id}/users · GET /user · GET /users · GET /users/{user_id}
  POST /groups/{id}/hooks · POST /groups/{id}/labels · POST /projects/{id}/hooks · PUT /groups/{id}/hooks/{hook_id}
  PUT /groups/{id}/labels · PUT /groups/{id}/labels/{name} · PUT /projects/{id}/hooks/{hook_id}
  PUT /projects/{id}/merge_requests/{merge_request_iid}`);

/** Requests that the hand-written configuration behind that example let through although nobody meant it to. */
export const EXPOSED: readonly string[] = [
  'PUT /api/v4/projects/4201/merge_requests/4202/merge',
  'GET /api/v4/projects/4201/variables',
  'GET /api/v4/groups/4201/variables',
  'GET /api/v4/projects/4201/repository/archive',
  'GET /api/v4/projects/4201/export/download',
  'GET /api/v4/projects/4201/secure_files/4202/download',
  'GET /api/v4/projects/4201/terraform/state/4202',
  'GET /api/v4/projects/4201/jobs/4202/trace',
  'PATCH /api/v4/projects/4201/protected_branches/4202',
  'PATCH /api/v4/projects/4201/job_token_scope',
  'PATCH /api/v4/users/4201/disable_two_factor',
  'PUT /api/v4/projects/4201/merge_requests/4202/approval_rules/4203',
  'PATCH /api/v4/groups/4201/saml/4202',
  'POST /api/v4/projects/4201/access_tokens%3F/hooks',
  'DELETE /api/v4/groups/4201%3F/hooks/1',
];

const RESOURCES: Readonly<Record<string, string>> = {
  projects:
    'access_tokens badges boards branches custom_attributes deploy_keys deploy_tokens deployments environments events feature_flags hooks issues jobs labels members merge_requests milestones packages pipelines protected_branches protected_tags releases remote_mirrors runners services snippets triggers variables wikis',
  groups:
    'access_tokens audit_events badges boards clusters custom_attributes deploy_tokens epics hooks issues labels members milestones packages projects runners saml variables wikis',
  users:
    'custom_attributes emails gpg_keys impersonation_tokens keys memberships personal_access_tokens projects status',
};

/** All operations that are known here: the whole collection where it is present, a smaller list of our own elsewhere. */
export function gitlabOperations(): { readonly source: string; readonly operations: readonly Operation[] } {
  if (existsSync(corpus)) {
    const rows = readFileSync(corpus, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    return { source: 'collection', operations: rows.map(([method = '', template = '']) => ({ method, template })) };
  }
  const others = Object.entries(RESOURCES).flatMap(([area, names]) =>
    names
      .split(' ')
      .flatMap((name) => [
        ...['GET', 'POST'].map((method) => ({ method, template: `/api/v4/${area}/{id}/${name}` })),
        ...['GET', 'PUT', 'DELETE'].map((method) => ({ method, template: `/api/v4/${area}/{id}/${name}/{item}` })),
      ]),
  );
  const byName = new Map([...INTENDED, ...others].map((operation) => [nameOf(operation), operation]));
  return { source: 'own list', operations: [...byName.values()] };
}

/** `METHOD template` with parameters that have no name, so that lists with other names compare. */
export function nameOf({ method, template }: Operation): string {
  return `${method} ${template.replace(/\{[^}]*\}/g, '{}')}`;
}

/** A request target for an operation, with numbers for the parameters. */
export function targetOf({ template }: Operation): string {
  let number = 4200;
  return template.replace(/\{[^}]*\}/g, () => String(++number));
}

function operations(text: string): Operation[] {
  return text
    .split(/[·\n]/)
    .map((line) => line.trim().split(' '))
    .filter(([method]) => method !== '')
    .map(([method = '', path = '']) => ({ method, template: `/api/v4${path}` }));
}
