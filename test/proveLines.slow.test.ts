import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PROVED_SPEC } from './support/proofs.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const test = suite('lines that a difference is shown by');

/** What somebody does to a file of nginx, and the rows that are shown for it, as they stand there. */
const EDITS: readonly (readonly [what: string, file: string, from: string, to: string, rows: readonly string[]])[] = [
  [
    'a row',
    'api.routes.conf',
    '"POST /api/v4/hooks/{int}" "h',
    '"PUT /api/v4/hooks/{int}" "h',
    ['"PUT /api/v4/hooks/{int}" "hooks";'],
  ],
  ['a row of a file of rows', 'type-int.conf', '[0-9]++)', '[0-8]++)', ['"~^(?:/[0-8]++)++\\\\z" "/{int}";']],
  ['a network', 'maps.conf', '192.0.2.0/24 "', '192.0.2.0/25 "', ['192.0.2.0/25 "";']],
  ['a default', 'api.conf', '{\n    default "query";', '{\n    default "path";', ['default "path";']],
  [
    'two rows',
    'api.conf',
    '"1 hooks+read" $api_verdict_token;\n    "1 read" $api_verdict_token;',
    '"1 hooks+read" "path";\n    "1 read" "path";',
    ['"1 read" "path";', '"1 hooks+read" "path";'],
  ],
  [
    'a row that is not there any more',
    'api.routes.conf',
    '    "GET /api/v4/user" "read";\n',
    '',
    ['default "method";'],
  ],
  ['nothing of a table', 'api.conf', 'proxy_set_header X-Real-IP $remote_addr;', '', []],
];

for (const [what, file, from, to, rows] of EDITS)
  test(what, () =>
    inWorkspace(async (workspace) => {
      const { run, write, read } = workspace;
      write('postern.yaml', PROVED_SPEC);
      await run('generate');
      const own = read(`generated/nginx/${file}`);
      assert.ok(own.includes(from), from);
      write(
        `generated/nginx/${file}`,
        own.replace(from, () => to),
      );
      const { status, stdout } = await run('prove --engine nginx');
      assert.is(status, 1, stdout);
      assert.equal(rowsIn(stdout, workspace), rows);
      assert.match(stdout, /nginx\/api.conf:\d+:\d+: decided here/);
      assert.equal(rowsIn((await live(workspace)).stdout, workspace), rows);
    }),
  );

/** Compares what "nginx -T" would print of the files. */
async function live({ path, run, write, read }: Workspace) {
  const names = readdirSync(`${path}/generated/nginx`).filter((name) => /\.conf$/.test(name));
  const printed = names.map((name) => `# configuration file /etc/x/${name}:\n${read(`generated/nginx/${name}`)}`);
  write('live.txt', printed.sort((name) => (name.includes('/nginx.conf:') ? -1 : 1)).join('\n'));
  return run('diff --live nginx=live.txt');
}

function rowsIn(stdout: string, { read }: Workspace): string[] {
  return [...stdout.matchAll(/^ *(nginx\/\S+?):(\d+):\d+: by this row$/gm)].map(
    ([, file, line]) => read(`generated/${file}`).split('\n')[Number(line) - 1]?.trim() ?? '',
  );
}

test.run();
