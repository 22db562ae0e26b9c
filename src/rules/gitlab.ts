import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { acceptsSegment, type PathPattern, type PatternSegment } from '../policy/pattern.ts';
import type { Policy, Route } from '../policy/types.ts';
import { ruleCodes } from './codes.ts';

/** Requests at GitLab by what they do. Each is `METHOD,… path`, where `*` is any one segment. */
type Deeds = readonly (readonly [requests: readonly string[], what: string])[];

const SECRETS: Deeds = [
  [
    [
      'GET /projects/*/variables',
      'GET /projects/*/variables/*',
      'GET /groups/*/variables',
      'GET /groups/*/variables/*',
    ],
    'shows the secrets of CI jobs',
  ],
  [['GET /admin/ci/variables', 'GET /admin/ci/variables/*'], 'shows the secrets of all CI jobs'],
  [['GET /projects/*/secure_files/*/download'], 'shows files that CI keeps secret'],
  [
    [
      ...['POST /projects/*/access_tokens', 'POST /groups/*/access_tokens', 'POST /users/*/impersonation_tokens'],
      ...['POST /users/*/personal_access_tokens', 'POST /user/personal_access_tokens'],
      ...['POST /personal_access_tokens/*/rotate', 'POST /projects/*/access_tokens/*/rotate'],
      ...['POST /groups/*/access_tokens/*/rotate', 'POST /projects/*/deploy_tokens', 'POST /groups/*/deploy_tokens'],
      ...['POST /projects/*/triggers', 'POST /user/runners', 'POST /runners/*/reset_authentication_token'],
      ...['POST /projects/*/runners/reset_registration_token', 'POST /groups/*/runners/reset_registration_token'],
    ],
    'makes a new credential and shows it',
  ],
  [
    ['POST /projects/*/deploy_keys', 'POST /user/keys', 'POST /users/*/keys', 'POST /user/gpg_keys'],
    "lets in a key of the caller's own",
  ],
];

const ADMINISTRATION: Deeds = [
  [['GET,PUT /application/settings', 'PUT /application/appearance', 'POST /features/*'], 'is about the whole instance'],
  [['POST /users', 'PUT,DELETE /users/*', 'POST /users/*/block', 'POST /users/*/activate'], 'is about all accounts'],
  [['GET,POST /hooks', 'DELETE /hooks/*'], 'is about the system hooks, which hear of everything'],
  [['POST,DELETE /license', 'POST /admin/*/*', 'DELETE /admin/*/*/*', 'GET /sidekiq/*'], 'is about the whole instance'],
];

/** Reports routes to a GitLab that hand out more than they seem to, or that its clients cannot use. */
export function gitlab({ routes }: Policy): Diagnostic[] {
  return routes.flatMap((route) => [
    ...plainNames(route),
    ...(route.forwarding.auth === 'apiKey' ? [...told('secret-route', route, SECRETS), ...graphql(route)] : []),
    ...(route.forwarding.auth === 'apiKey' ? told('admin-route', route, ADMINISTRATION) : []),
  ]);
}

/**
 * Reports patterns that take a project or group by a plain segment. GitLab accepts a number or a path joined by `%2F`,
 * and a plain segment matches no such path.
 */
function plainNames({ pattern, origin }: Route): Diagnostic[] {
  const [api, version, kind, name] = pattern.segments;
  if (!name || !isText(api, 'api') || !isText(version, 'v4')) return [];
  const what = ['projects', 'groups'].find((one) => isText(kind, one));
  if (what === undefined || !('type' in name) || (name.type !== 'segment' && name.type !== 'slug')) return [];
  return [ruleCodes.report('plain-project', origin, { path: pattern.text, what: what.slice(0, -1), name: name.name })];
}

function isText(segment: PatternSegment | undefined, text: string): boolean {
  return segment?.kind === 'literal' && segment.text === text;
}

function told(code: 'secret-route' | 'admin-route', { methods, pattern, origin }: Route, deeds: Deeds): Diagnostic[] {
  for (const [requests, what] of deeds)
    for (const request of requests) {
      const [verbs = '', path = ''] = request.split(' ');
      const method = verbs.split(',').find((one) => methods.includes(one));
      if (method === undefined || !reaches(pattern, ['api', 'v4', ...path.slice(1).split('/')])) continue;
      const shown = `${method} /api/v4${path.replaceAll('*', '…')}`;
      return [ruleCodes.report(code, origin, { request: shown, what })];
    }
  return [];
}

function graphql({ methods, pattern, origin }: Route): Diagnostic[] {
  const writes = methods.some((method) => method !== 'HEAD');
  return writes && reaches(pattern, ['api', 'graphql']) ? [ruleCodes.report('graphql', origin, {})] : [];
}

/** Returns whether a pattern matches some path of these segments. */
function reaches({ segments }: PathPattern, path: readonly string[]): boolean {
  const rest = segments.at(-1)?.kind === 'rest' ? segments.at(-1) : undefined;
  if (rest ? path.length < segments.length : path.length !== segments.length) return false;
  return path.every((text, index) => {
    const segment = segments[index] ?? rest;
    return segment !== undefined && (text === '*' || acceptsSegment(segment, text));
  });
}
