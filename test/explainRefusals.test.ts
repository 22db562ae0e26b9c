import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nearestRoute, queryProblem } from '../src/commands/reason.ts';
import { parsePattern } from '../src/policy/pattern.ts';
import { isAllowedQuery } from '../src/policy/query.ts';
import type { Route } from '../src/policy/types.ts';
import { policyOf } from './support/policy.ts';

const PATTERNS = [
  '/',
  '/api/v4/groups',
  '/api/v4/groups/{group:encodedPath}',
  '/api/v4/groups/{group:encodedPath}/members',
  '/api/v4/groups/{group:encodedPath}/descendant_groups',
  '/api/v4/issues/{state:opened|closed}',
  '/api/v4/projects/{project}/hooks/{hook:int}',
  '/api/v4/projects/{project}/jobs/{id:uuid}',
  '/files/{path*}',
  '/folder/',
];
const { routes } = policyOf({
  upstreams: { u: { url: 'https://u.example.com' } },
  routes: { r: { upstream: 'u', auth: 'passthrough', allow: PATTERNS.map((path) => `GET ${path}`) } },
});

const nearest = (path: string, among: readonly Route[] = routes) => {
  const found = nearestRoute(path, among);
  return found && `${found.route.pattern.text}: ${found.difference}`;
};

const paths = suite('the nearest pattern');

for (const [path, expected] of [
  ['/api/v4/grups', '/api/v4/groups: segment 3 is "grups", not "groups"'],
  ['/api/v4/Groups', '/api/v4/groups: segment 3 is "Groups", not "groups"'],
  ['/%61pi/v4/groups', '/api/v4/groups: segment 1 is "%61pi", not "api"'],
  ['/API/V4/Groups', '/api/v4/groups: segment 1 is "API", not "api"'],
  ['//api/v4/groups', '/api/v4/groups: segment 1 is "", not "api"'],
  ['/api/v4//issues/opened', '/api/v4/issues/{state:opened|closed}: segment 3 is "", not "issues"'],
  ['/api/v4/groups/', '/api/v4/groups: it ends without "/"'],
  ['/folder', '/folder/: it ends with "/"'],
  ['/api/v4', '/api/v4/groups: it goes on'],
  ['/api/v4/groups/1/member', '/api/v4/groups/{group:encodedPath}/members: segment 5 is "member", not "members"'],
  ['/api/v4/groups/1/members/2', '/api/v4/groups/{group:encodedPath}/members: it ends before segment 6'],
  [
    '/api/v4/groups/a%2F..%2Fb',
    '/api/v4/groups/{group:encodedPath}: segment 4 is not of type encodedPath: it holds a dot segment',
  ],
  [
    '/api/v4/groups/a%2F',
    '/api/v4/groups/{group:encodedPath}: segment 4 is not of type encodedPath: a part of it is empty',
  ],
  [
    '/api/v4/groups/a%23b',
    '/api/v4/groups/{group:encodedPath}: segment 4 is not of type encodedPath: "%23" at character 2',
  ],
  [
    '/api/v4/projects/a%2Fb/hooks/1',
    '/api/v4/projects/{project}/hooks/{hook:int}: segment 4 is not a plain segment: "%2F" at character 2',
  ],
  [
    '/api/v4/projects/1/hooks/12x',
    '/api/v4/projects/{project}/hooks/{hook:int}: segment 6 is not of type int: "x" at character 3',
  ],
  ['/api/v4/projects/1/jobs/12', '/api/v4/projects/{project}/jobs/{id:uuid}: segment 6 is not of type uuid'],
  [
    '/api/v4/projects//hooks/1',
    '/api/v4/projects/{project}/hooks/{hook:int}: segment 4 is empty, which no {project} is',
  ],
  ['/api/v4/issues/all', '/api/v4/issues/{state:opened|closed}: segment 4 is "all", not one of closed, opened'],
  ['/files', '/files/{path*}: it goes on'],
  ['/files/a/b%5Cc', '/files/{path*}: segment 3 is not a plain segment: "%5C" at character 2'],
  ['/something/else', undefined],
  ['/zzz', undefined],
] as const) {
  paths(`of ${path}`, () => assert.is(nearest(path), expected));
}

paths('is one that really does not match, and names a segment that is there', async () => {
  const segment = fc.constantFrom('api', 'v4', 'groups', 'projects', 'hooks', '1', 'a%2Fb', '..', '', 'files', 'x');
  await fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 7 }), fc.constantFrom(...routes), (parts, route) => {
      const found = nearestRoute(`/${parts.join('/')}`, [route]);
      const place = /segment (\d+)/.exec(found?.difference ?? '')?.[1];
      if (place !== undefined) assert.ok(Number(place) <= parts.length);
    }),
  );
  assert.ok('segments' in parsePattern('/files/{path*}'));
});

paths.run();

const queries = suite('the first parameter that is refused');

for (const [query, expected] of [
  ['sudo=root', '"sudo" names a credential or an override'],
  ['a=1&Private-Token=glpat-x', '"Private-Token" names a credential or an override'],
  ['_method=delete', '"_method" names a credential or an override'],
  ['token[]=x', '"token" names a credential or an override'],
  ['a=b;c', 'the value of parameter 1 of the query holds ";" at its character 2'],
  ['a=b&c=%00', 'the value of parameter 2 of the query holds "%00" at its character 1'],
  ['a=b c', 'the value of parameter 1 of the query holds " " at its character 2'],
  ['a=%zz', 'the value of parameter 1 of the query holds "%" at its character 1'],
  ['a&&b', 'parameter 2 of the query is empty'],
  ['&a', 'parameter 1 of the query is empty'],
  ['1a=b', 'the name of parameter 1 of the query is malformed'],
  ['a%62=c', 'the name of parameter 1 of the query is malformed'],
  ['a[b=c', 'the name of parameter 1 of the query is malformed'],
] as const) {
  queries(`of ${query}`, () => {
    assert.not(isAllowedQuery(query));
    assert.is(queryProblem(query), expected);
  });
}

queries('is named without its value, whatever the query', async () => {
  const character = fc.constantFrom('a', '1', '=', '&', ';', '%', '[', ']', '$', '%00', '%24', ' ', 'sudo', '\u00e9');
  await fc.assert(
    fc.property(fc.array(character, { maxLength: 12 }), (parts) => {
      const query = `q=VALUE${parts.join('')}`;
      if (isAllowedQuery(query)) return;
      const problem = queryProblem(query);
      assert.match(problem, /^(?:the (?:name|value) of )?parameter \d+ of the query|^"[\w$%.-]+" names/);
      assert.not.match(problem, 'VALUE');
    }),
    { numRuns: 2000 },
  );
});

queries.run();
