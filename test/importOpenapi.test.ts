import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

const yaml = `openapi: 3.1.0
info: { title: Shop API }
servers:
  - url: https://shop.example.com/v1
    description: the shop
paths:
  /items/{id}:
    parameters:
      - $ref: '#/components/parameters/Id'
    get: { tags: [items] }
    put:
      tags: [items]
      requestBody: { content: { application/json: {}, multipart/form-data: {} } }
  /orders/{order}/state/{state}:
    get:
      tags: [orders]
      parameters:
        - { name: order, in: path, schema: { type: string, format: uuid } }
        - { name: state, in: path, schema: { type: string, enum: [open, closed] } }
  /files/{name}.zip: { get: {} }
  /items/: { post: { tags: [items] } }
components:
  parameters:
    Id: { name: id, in: path, schema: { type: integer } }
  securitySchemes: { bearer: { type: http, scheme: bearer } }
`;

const swagger = JSON.stringify({
  swagger: '2.0',
  host: 'api.example.com',
  basePath: '/api/v4',
  schemes: ['http'],
  paths: {
    '/groups/{id}': {
      get: { parameters: [{ name: 'id', in: 'path', type: 'string', pattern: '^[0-9]+$' }] },
      delete: { parameters: [{ name: 'id', in: 'path', type: 'string' }] },
    },
  },
});

const imports = suite('import openapi');

imports('operations become routes by tag, with the types that the schemas give', () =>
  inWorkspace(async ({ run, runArgs, write, read }) => {
    write('api.yaml', yaml);
    const { status, stdout, stderr } = await run('import openapi api.yaml');
    assert.is(status, 1, stderr);
    for (const line of [
      '# Its security schemes are not carried over',
      'GET,PUT /v1/items/{id:int}',
      'POST /v1/items/',
      'GET /v1/orders/{order:uuid}/state/{state:open|closed}',
      'name: shop-api',
      'url: https://shop.example.com',
    ])
      assert.ok(stdout.includes(line), `${line}\n${stdout}`);
    assert.match(stderr, /api\.yaml:20: GET \/files\/\{name\}\.zip: has "\{name\}\.zip"/);
    assert.match(stderr, /api\.yaml:7: PUT .* multipart\/form-data/);
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0);
    assert.is((await run('explain GET /v1/items/7 --key caller')).status, 0);
    assert.is((await run('explain GET /v1/items/x --key caller')).status, 1);
    assert.is((await run('init shop --openapi api.yaml')).status, 0);
    assert.is(read('shop/postern.yaml').replace(/^# yaml-language-server: .*\n/, ''), stdout);
    const narrow = await runArgs([
      'import',
      'openapi',
      'api.yaml',
      '--tag',
      'items',
      '--method',
      'GET',
      '--path',
      '/items/**',
    ]);
    assert.is(narrow.status, 0, narrow.stderr);
    assert.match(narrow.stdout, /GET \/v1\/items/);
    assert.not.match(narrow.stdout, /PUT|orders/);
  }),
);

imports('version 2, in JSON, from standard input', () =>
  inWorkspace(async ({ runArgs }) => {
    const { status, stdout } = await runArgs(['import', 'openapi', '-'], { input: swagger });
    assert.is(status, 0);
    assert.match(stdout, /- GET \/api\/v4\/groups\/\{id:int\}/);
    assert.match(stdout, /- DELETE \/api\/v4\/groups\/\{id\}/);
    assert.match(stdout, /url: http:\/\/api\.example\.com/);
  }),
);

imports('a password in the address of a server is nowhere in the spec', () =>
  inWorkspace(async ({ runArgs }) => {
    const paths = { '/a': { get: {} } };
    for (const described of [
      { openapi: '3.0.0', servers: [{ url: 'https://user:hunter2@a.example.com/v1' }], paths },
      { swagger: '2.0', host: 'user:hunter2@a.example.com', basePath: '/v1', paths },
    ]) {
      const { stdout, stderr } = await runArgs(['import', 'openapi', '-'], { input: JSON.stringify(described) });
      assert.match(stdout, /url: https:\/\/a\.example\.com /);
      assert.not.match(stdout + stderr, /hunter2|user/);
    }
  }),
);

imports('an operation is where its own servers say, or is left out and told', () =>
  inWorkspace(async ({ runArgs }) => {
    const input = `openapi: 3.1.0
servers:
  - url: https://api.example.com/v1
paths:
  /a: { servers: [{ url: /v2 }], get: {} }
  /b: { get: { servers: [{ url: "https://api.example.com/v3/" }] } }
  /c: { get: { servers: [{ url: "https://other.example.com/v1" }] } }
  /d: { get: { servers: [{ url: "https://{tenant}.example.com" }] } }
  /e: { get: {}, trace: {} }
`;
    const { stdout, stderr } = await runArgs(['import', 'openapi', '-'], { input });
    const granted = stdout.split('# Not carried')[0]?.match(/GET \/.*/g);
    assert.equal(granted, ['GET /v2/a', 'GET /v3/b', 'GET /v1/e']);
    assert.match(stderr, /<stdin>:7: GET \/c: a server of its own serves it/);
    assert.match(stderr, /<stdin>:8: GET \/d: of its own servers: its address .* has a part without a value/);
    assert.match(stderr, /<stdin>:9: TRACE \/e: a spec forwards no such method/);
  }),
);

imports('a server whose address is not plain is told with its line', () =>
  inWorkspace(async ({ runArgs }) => {
    const told = async (server: string) => {
      const input = `openapi: 3.1.0\nservers:\n  - ${server}\npaths:\n  /a: { get: {} }\n`;
      return (await runArgs(['import', 'openapi', '-'], { input })).stderr;
    };
    assert.match(await told('url: v1'), /<stdin>:2: servers: its address is relative/);
    assert.match(await told('url: "https://a.example/{stage}"'), /<stdin>:2: servers: .* has a part without a value/);
    const templated =
      '{ url: "https://a.example/{stage}", variables: { stage: { default: prod, enum: [prod, test] } } }';
    assert.match(await told(templated), /<stdin>:2: servers: \{stage\} has its default, and no other value/);
  }),
);

imports('parameters that are written in another way are any segment, or are left out, and told', () =>
  inWorkspace(async ({ runArgs }) => {
    const id = '[{ name: id, in: path, style: matrix, schema: { type: integer } }]';
    const input = `openapi: 3.1.0
servers: [{ url: https://api.example.com }]
paths:
  /a/{id}: { get: { parameters: ${id} } }
  /b/{id:[0-9]+}: { get: {} }
  /c/{rest+}: { get: {} }
  /d/:search: { get: {} }
  /e{;id}: { get: {} }
  /f/{id}.json: { get: {} }
`;
    const { stdout, stderr } = await runArgs(['import', 'openapi', '-'], { input });
    const granted = stdout.split('# Not carried')[0]?.match(/GET \/[^"\n]*/g);
    assert.equal(granted, ['GET /a/{id}', 'GET /c/{rest*}', 'GET /d/:search']);
    assert.match(stderr, /<stdin>:4: GET \/a\/\{id\}: \{id\} is written in the style "matrix"/);
    for (const line of [5, 8, 9]) assert.match(stderr, new RegExp(`<stdin>:${line}: GET `));
  }),
);

imports('what is no description is refused, and options that mean nothing are too', () =>
  inWorkspace(async ({ run, runArgs, write }) => {
    for (const input of [
      '',
      '[]',
      'a: b',
      '{"openapi":"3.0.0"}',
      '{"openapi":"3.0.0","paths":{}}',
      ': :',
      '{"openapi":1,"paths":{}}',
    ])
      assert.is((await runArgs(['import', 'openapi', '-'], { input })).status, 2, input);
    write('nginx.conf', 'http {}');
    assert.match((await run('import nginx nginx.conf --tag a')).stderr, /--tag has no meaning/);
    assert.match((await run('import opanapi nginx.conf')).stderr, /did you mean "openapi"/);
    write('api.yaml', yaml);
    assert.match(
      (await run('import openapi api.yaml --tag itms')).stderr,
      /asked for; it has tags such as items, orders/,
    );
  }),
);

imports('a parameter whose schema is too far away is any segment, and that is said', () =>
  inWorkspace(async ({ runArgs }) => {
    const chain = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [
        `s${index}`,
        index === 11 ? { type: 'integer' } : { $ref: `#/components/schemas/s${index + 1}` },
      ]),
    );
    const described = (schema: object, more: object[] = []) =>
      JSON.stringify({
        openapi: '3.0.0',
        servers: [{ url: 'https://a.example.com' }],
        paths: { '/a/{id}': { get: { parameters: [{ name: 'id', in: 'path', schema }, ...more] } } },
        components: { schemas: chain },
      });
    const importing = (input: string) => runArgs(['import', 'openapi', '-'], { input });
    const far = await importing(described({ $ref: '#/components/schemas/s0' }));
    assert.is(far.status, 1);
    assert.match(far.stdout, /GET \/a\/\{id\}\n/);
    assert.match(
      far.stderr,
      /GET \/a\/\{id\}: the schema of \{id\} is in another file, or more than 8 references away/,
    );
    const near = await importing(described({ $ref: '#/components/schemas/s4' }));
    assert.is(near.status, 0, near.stderr);
    assert.match(near.stdout, /GET \/a\/\{id:int\}/);
    assert.match(
      (await importing(described({}, [{ $ref: 'other.yaml#/Id' }]))).stderr,
      /: a parameter is in another file/,
    );
  }),
);

imports(
  'a path that is described elsewhere in the file is read there, and a parameter of one value is that value',
  () =>
    inWorkspace(async ({ runArgs }) => {
      const get = { get: { parameters: [{ name: 'id', in: 'path', schema: { const: 'me' } }] } };
      const input = `openapi: 3.1.0
servers: [{ url: https://a.example.com }]
paths:
  /users/{id}: { $ref: '#/components/pathItems/user' }
  /far: { $ref: other.yaml }
  "/odd path": { get: {} }
components: ${JSON.stringify({ pathItems: { user: get } })}
`;
      const { stdout, stderr } = await runArgs(['import', 'openapi', '-'], { input });
      assert.match(stdout, /- GET \/users\/me\n/);
      assert.match(stderr, /:5: \/far: its description is in another file/);
      assert.match(stderr, /:6: GET \/odd path: has the segment "odd path"/);
      assert.is(stderr.match(/description/g)?.length, 1);
    }),
);

imports.run();
