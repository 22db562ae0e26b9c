import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../src/compile.ts';
import { lint } from '../../src/rules/index.ts';
import { clientsOf } from '../../src/targets/clients.ts';

interface Role {
  readonly [field: string]: unknown;
}

const good: Role = {
  config: 'main',
  type: 'project',
  path: 'group/project',
  name: 'echoes-{{ .unix_timestamp_utc }}',
  accessLevel: 'reporter',
  scopes: ['read_api'],
  ttl: '1h',
};

function compiled(
  role: Role,
  more: { readonly mount?: object; readonly config?: object; readonly allow?: string; readonly asked?: string } = {},
) {
  const spec = {
    version: 1,
    name: 'vaulted',
    upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
    routes: { read: { upstream: 'gitlab', allow: [more.allow ?? 'GET /api/v4/user'] } },
    apiKeys: { echoes: { key: 'env:KEY', token: `vault:gitlab/token/${more.asked ?? 'echoes#token'}` } },
    proxies: { api: { listen: 8080, ipRanges: ['192.0.2.7'] } },
    vault: {
      gitlab: {
        configs: { main: { url: 'https://gitlab.example.com', type: 'self-managed', ...more.config } },
        roles: { echoes: role },
        ...more.mount,
      },
    },
    targets: { caddy: {} },
  };
  return compile(JSON.stringify(spec), { file: 'postern.json', read: () => undefined });
}

const problems = (...args: Parameters<typeof compiled>) => compiled(...args).diagnostics.map(({ message }) => message);

const roles = suite('roles of the GitLab plugin');

roles('that the plugin takes are valid', () => {
  const valid: Role[] = [
    good,
    { ...good, type: 'group', path: 'group' },
    { ...good, type: 'personal', path: 'me', accessLevel: undefined },
    { ...good, type: 'user-service-account', path: 'robot', accessLevel: undefined },
    { ...good, type: 'group-service-account', path: '42/robot', accessLevel: undefined },
    { ...good, type: 'project-service-account', path: '7/robot', accessLevel: undefined },
    { ...good, name: '{{ .role_name }}-{{ randHexString 8 }}' },
    { ...good, gitlabRevokes: true, ttl: '24h' },
  ];
  for (const role of valid) assert.equal(problems(role), [], JSON.stringify(role));
  const dynamic = { ...good, dynamicPath: true, path: '^(?:group|other)/[a-z]+$' };
  assert.equal(problems(dynamic, { asked: 'echoes/other/app#token' }), []);
});

roles('that it refuses, or takes for more than was meant, are errors', () => {
  const cases: [Role, RegExp, Parameters<typeof compiled>[1]?][] = [
    [{ path: 'group/.project' }, /path is no path of GitLab/],
    [{ path: 'group//project' }, /path is no path of GitLab/],
    [{ path: 'group/project.git' }, /path is no path of GitLab/],
    [{ type: 'personal', accessLevel: undefined }, /is the name of a user/],
    [{ type: 'group-service-account', path: 'robot', accessLevel: undefined }, /is ID\/NAME/],
    [{ dynamicPath: true, path: 'group/project' }, /takes more than it says/],
    [{ dynamicPath: true, path: '^group/project' }, /takes more than it says/],
    [{ dynamicPath: true, path: '^group/a|other/b$' }, /write the alternatives as/],
    [{ dynamicPath: true, path: '^group/(a$' }, /has a \( that does not close/],
    [{ dynamicPath: true, path: '^(?!a)b$' }, /has a "!" that does not belong there/],
    [{ dynamicPath: true, path: '^group/a\\$' }, /takes more than it says/],
    [{ dynamicPath: true, path: '^(?:a|b$)$' }, /has an anchor inside/],
    [{ name: '{{ .unix_timestamp_utc | nope }}' }, /"nope", which the plugin does not know/],
    [{ name: '{{ .unix_timestamp_utc | trimSpace }}' }, /"trimSpace", which takes text/],
    [{ name: 'echoes' }, /is the same for every token/],
    [{ name: '{{ .nope }}-{{ .unix_timestamp_utc }}' }, /does not know/],
    [{ name: '{{ .unix_timestamp_utc' }, /do not close/],
    [{ accessLevel: undefined }, /accessLevel is needed/],
    [{ type: 'personal', path: 'me' }, /accessLevel does not exist/],
    [{ accessLevel: 'planner' }, /need GitLab 17.7/, { mount: { gitlabVersion: '17.6' } }],
    [{ scopes: undefined }, /scopes are needed/],
    [{ scopes: ['sudo'] }, /scopes of a project token are/],
    [{ scopes: ['self_rotate'] }, /need GitLab 17.9/, { mount: { gitlabVersion: '17.8' } }],
    [{ ttl: undefined }, /ttl is needed/],
    [{ ttl: '59m' }, /ttl is 1h at least/],
    [{ ttl: '8761h' }, /ttl is 8760h at most/],
    [{ ttl: '23h', gitlabRevokes: true }, /24h at least/],
    [{ ttl: '800h' }, /longest lease of the mount, 768h/],
    [{ ttl: '3h' }, /longest lease of the mount, 2h/, { mount: { maxLease: '2h' } }],
    [{ config: 'other' }, /unknown config "other"/],
    [{ type: 'personal', path: 'me', accessLevel: undefined }, /has no personal token/, { config: { type: 'saas' } }],
    [{ type: 'project-deploy', accessLevel: undefined, scopes: ['read_registry'] }, /cannot be sent as token/],
    [{ type: 'pipeline-project-trigger', accessLevel: undefined, scopes: undefined, ttl: undefined }, /cannot be sent/],
    [{}, /is not the address of a GitLab/, { config: { url: 'gitlab' } }],
    [{}, /24h to 730h/, { config: { autoRotate: '1h' } }],
  ];
  for (const [change, words, more] of cases) {
    const found = problems({ ...good, ...change }, more);
    assert.ok(
      found.some((message) => words.test(message)),
      `${JSON.stringify(change)}: ${found.join('; ')}`,
    );
  }
  assert.match(problems(good, { mount: { roles: { other: good } } }).join(), /unknown role of vault gitlab "echoes"/);
});

roles('a reference asks for the token of a role, and for a path where the role wants one', () => {
  const dynamic = { ...good, dynamicPath: true, path: '^group/[a-z]+$' };
  const cases: [Role, string, RegExp][] = [
    [good, 'echoes/group/project#token', /it is for group\/project alone/],
    [good, 'echoes#name', /only its field "token" can be sent/],
    [good, 'ehcoes#token', /unknown role of vault gitlab "ehcoes"/],
    [dynamic, 'echoes#token', /it needs to be told a path/],
    [dynamic, 'echoes/evil/app#token', /it does not take the path evil\/app/],
    [dynamic, 'echoes/evil/group/app#token', /it does not take the path evil\/group\/app/],
    [dynamic, 'echoes/group/app.git#token', /the path is no path of GitLab/],
  ];
  for (const [role, asked, words] of cases) {
    const found = problems(role, { asked });
    assert.is(found.length, 1, asked);
    assert.match(found.join(), words);
  }
});

roles('the mount issues tokens of roles and nothing else', () => {
  const problemsOf = (entry: object) => {
    const { spec } = compiled(good);
    const changed = { ...spec, apiKeys: { echoes: { key: 'env:KEY', token: 'env:TOKEN', ...entry } } };
    const { diagnostics } = compile(JSON.stringify(changed), { file: 'postern.json', read: () => undefined });
    return diagnostics.map(({ message }) => message).join();
  };
  for (const asked of ['tokens/echoes', 'config/main', 'token'])
    assert.match(problemsOf({ token: `vault:gitlab/${asked}#token` }), `unknown role of vault gitlab "${asked}"`);
  assert.match(problemsOf({ key: 'vault:gitlab/token/echoes#token' }), /it is no key of a caller/);
  assert.is(problemsOf({ key: 'vault:secret/echoes#key' }), '');
});

roles('that may do more than their keys need are linted', () => {
  const found = (role: Role, allow: string) => {
    const { policy, spec } = compiled(role, { allow });
    if (!policy || !spec) throw new Error('not valid');
    const findings = lint(policy, spec, { clients: clientsOf(spec, () => undefined), read: () => undefined });
    return findings.filter(({ code }) => code === 'rule/wide-token').map(({ message }) => message);
  };
  const api = { ...good, scopes: ['api'] };
  assert.match(found(api, 'GET /api/v4/user').join(), /api may write, and its keys may only read/);
  assert.equal(found(api, 'POST /api/v4/user'), []);
  assert.equal(found(good, 'GET /api/v4/user'), []);
  const sudo = { ...good, type: 'personal', path: 'me', accessLevel: undefined, scopes: ['read_api', 'sudo'] };
  assert.match(found(sudo, 'GET /api/v4/user').join(), /sudo acts for everybody/);
  const two = { ...good, scopes: ['read_api', 'read_registry'] };
  assert.match(found(two, 'GET /api/v4/user').join(), /read_registry is asked for by none .*: read_api is enough/);
  assert.equal(found({ ...good, scopes: ['api'] }, 'POST /api/v4/projects/{p}/issues'), []);
  assert.equal(found(two, 'GET /somewhere/else'), []);
});

roles('that issue tokens for whatever path is asked for are linted', () => {
  const found = (path: string) => {
    const { policy, spec } = compiled({ ...good, path, dynamicPath: true }, { asked: 'echoes/group/app#token' });
    if (!policy || !spec) throw new Error('not valid');
    const findings = lint(policy, spec, { clients: clientsOf(spec, () => undefined), read: () => undefined });
    return findings.filter(({ at }) => at.at(-1) === 'path').map(({ message }) => message);
  };
  for (const path of ['^.*$', '^.+/.+$', '^[a-z]+/[a-z]+$'])
    assert.match(found(path).join(), /its path takes any name: begin it with the group/, path);
  for (const path of ['^group/.*$', '^(?:group|other)/[a-z]+$']) assert.equal(found(path), [], path);
});

roles('that act with a higher level than their requests need are linted, where GitLab says what they need', () => {
  const found = (accessLevel: string, allow: string) => {
    const { policy, spec } = compiled({ ...good, scopes: ['api'], accessLevel }, { allow });
    if (!policy || !spec) throw new Error('not valid');
    const findings = lint(policy, spec, { clients: clientsOf(spec, () => undefined), read: () => undefined });
    return findings.filter(({ at }) => at.at(-1) === 'accessLevel').map(({ message }) => message);
  };
  assert.match(found('owner', 'POST /api/v4/projects/{p}/hooks').join(), /owner is more .*: maintainer is enough/);
  assert.equal(found('maintainer', 'POST /api/v4/projects/{p}/hooks'), []);
  assert.match(
    found('developer', 'GET /api/v4/projects/{p:encodedPath}/merge_requests').join(),
    /: reporter is enough/,
  );
  assert.match(found('reporter', 'GET /api/v4/groups/{g:int}/projects').join(), /: guest is enough/);
  for (const unknown of [
    'GET /api/v4/projects/{p}/what-comes-next-year',
    'GET /api/v4/projects/{p}/{rest*}',
    'DELETE /api/v4/projects/{p}',
  ])
    assert.equal(found('owner', unknown), [], unknown);
});

roles.run();
