import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

const logs = suite('logs to learn from');

const line = (path: string, status = 200, reason = '') =>
  `${JSON.stringify({ method: 'GET', path, status, reason })}\n`;
const COMBINED = '192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET /combined HTTP/1.1" 200 1 "-" "-"\n';
const COLUMNS =
  '#Version: 1.0\n#Fields: date time cs-method cs-uri-stem sc-status\n2026-10-10\t13:55\tGET\t/columns\t200\n';
const SPEC = `version: 1
name: granted
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes:
  read:
    upstream: gitlab
    auth: passthrough
    allow:
      - GET /packed/{id:int}
      - GET /missing
      - GET /never
proxies: { api: { listen: 8080, ipRanges: [192.0.2.0/24] } }
targets: { nginx: {} }
`;

logs('packed logs, also of several parts, are read beside plain ones', () =>
  inWorkspace(async ({ run, write }) => {
    write('a.gz', Buffer.concat([gzipSync(line('/one')), gzipSync(line('/two'))]));
    write('b.log', line('/three'));
    const { stdout } = await run('learn a.gz b.log');
    assert.equal(stdout.match(/GET \/\w+/g), ['GET /one', 'GET /three', 'GET /two']);
    write('cut.gz', gzipSync(line('/one').repeat(99)).subarray(0, 50));
    assert.is((await run('learn b.log cut.gz')).status, 2);
  }),
);

logs('the columns of one log are not those of the next', () =>
  inWorkspace(async ({ run, write }) => {
    write('columns.log', COLUMNS);
    write('combined.log', COMBINED);
    const { stdout } = await run('learn columns.log combined.log');
    assert.match(stdout, /Learned from 2 requests to 2 different paths; 0 were refused, and 0 lines are no requests/);
    assert.equal(stdout.match(/GET \/\w+/g), ['GET /columns', 'GET /combined']);
  }),
);

logs('a line with a member twice is no request', () =>
  inWorkspace(async ({ run, write }) => {
    write('a.log', `${line('/one')}{"method":"GET","path":"/one","path":"/two","status":200}\n`);
    const { stdout } = await run('learn a.log');
    assert.not.match(stdout, /two/);
    assert.match(stdout, /1 line is no request/);
    // The member of another is not the same.
    const inner = JSON.stringify({ method: 'GET', path: '/three', status: 200, extra: { path: '/x' } });
    write('b.log', `${inner}\n`);
    assert.match((await run('learn b.log')).stdout, /GET \/three/);
  }),
);

logs('a path of many segments, or of many characters, is none of an API', () =>
  inWorkspace(async ({ run, write }) => {
    write('a.log', line('/a'.repeat(100_000)) + line(`/${'b'.repeat(100_000)}`) + line('/one'));
    const { stdout, stderr } = await run('learn a.log');
    assert.equal(stdout.match(/- GET \/\w+/g), ['- GET /one']);
    assert.match(stderr, /no pattern may hold such a path/);
    assert.ok(stdout.length + stderr.length < 3_000);
  }),
);

logs('a grant is used by requests in any of the logs, whatever the upstream said of them', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', SPEC);
    write('a.gz', gzipSync(line('/packed/1')));
    write('b.log', line('/missing', 404) + line('/never', 403, 'key-unknown'));
    const { status, stdout } = await run('learn --unused postern.yaml a.gz b.log');
    assert.is(status, 1);
    assert.match(stdout, /^postern\.yaml:11:9: GET \/never \(read\): no line used it; [^\n]*\n$/);
  }),
);

logs.run();
