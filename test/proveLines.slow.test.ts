import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PROVED_SPEC } from './support/proofs.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const test = suite('lines that a difference is shown by');

/** The route of the spec that a row is missing for. */
const MISSING =
  'missing: read: { upstream: gitlab, allow: ["GET /api/v4/user", "GET /api/v4/projects/{project:encodedPath}"] }';

type Edits = readonly (readonly [what: string, file: string, from: string, to: string, rows: readonly string[]])[];

/** What somebody does to a file of nginx, and the rows that are shown for it, as they stand there. */
const NGINX: Edits = [
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
  ['a row that is not there any more', 'api.routes.conf', '    "GET /api/v4/user" "read";\n', '', [MISSING]],
  ['a limit, which is no row', 'api.conf', 'size 65536;', 'size 65537;', ['"hooks" "forward-gitlab~64kB";']],
  ['nothing of a table', 'api.conf', 'proxy_set_header X-Real-IP $remote_addr;', '', []],
];

/** Likewise to one of Caddy. */
const CADDY: Edits = [
  ['a row', 'api.routes', '"POST=hooks"', '"PUT=hooks"', ['"~^/api/v4/hooks/[0-9]+$" "PUT=hooks"']],
  ['a default', 'Caddyfile', 'default "query"', 'default "path"', ['default "path"']],
  ['an answer', 'Caddyfile', '"path" "404"', '"path" "403"', ['"path" "403"']],
  ['a row without a value', 'api.routes', '"POST=hooks"', '-', ['"~^/api/v4/hooks/[0-9]+$" -']],
  [
    'what is looked up',
    'Caddyfile',
    'map "{http.request.orig_uri}" {r',
    'map "{http.request.ORIG_uri}" {r',
    ['map "{http.request.ORIG_uri}" {request.safe_path} {'],
  ],
  ['a row that is not there any more', 'api.routes', '"~^/api/v4/user$" "GET=read HEAD=read"\n', '', [MISSING]],
  ['nothing of a table', 'Caddyfile', 'header_up X-Real-IP {http.vars.client_ip}', '', []],
];

for (const [engine, edits] of [
  ['nginx', NGINX],
  ['caddy', CADDY],
] as const)
  for (const [what, file, from, to, rows] of edits)
    test(`${engine}: ${what}`, () =>
      inWorkspace(async (workspace) => {
        const { run, write, read } = workspace;
        write('postern.yaml', PROVED_SPEC);
        await run('generate');
        const own = read(`generated/${engine}/${file}`);
        assert.ok(own.includes(from), from);
        write(
          `generated/${engine}/${file}`,
          own.replace(from, () => to),
        );
        const { status, stdout } = await run(`prove --engine ${engine}`);
        assert.is(status, 1, stdout);
        assert.equal(rowsIn(stdout, workspace), rows);
        assert.match(
          stdout,
          engine === 'nginx' ? /nginx\/api.conf:\d+:\d+: decided here/ : /caddy\/Caddyfile:.* decided here/,
        );
        const { proofs } = JSON.parse((await run(`prove --engine ${engine} --format json`)).stdout);
        assert.equal(fieldsOf(proofs[0].difference, workspace), rows);
        if (engine === 'nginx') assert.equal(rowsIn((await live(workspace)).stdout, workspace), rows);
      }));

/** Compares what "nginx -T" would print of the files. */
async function live({ path, run, write, read }: Workspace) {
  const names = readdirSync(`${path}/generated/nginx`).filter((name) => /\.conf$/.test(name));
  const printed = names.map((name) => `# configuration file /etc/x/${name}:\n${read(`generated/nginx/${name}`)}`);
  write('live.txt', printed.sort((name) => (name.includes('/nginx.conf:') ? -1 : 1)).join('\n'));
  return run('diff --live nginx=live.txt');
}

/** The rows that are shown, and the route that one is missing for. */
function rowsIn(stdout: string, { read }: Workspace): string[] {
  const shown = stdout.matchAll(
    /^ *((?:nginx|caddy)\/|.*?postern[.]yaml)(\S*?):(\d+):\d+: .*?(by this row$|no row is there for (?:it[;)]|this$))/gm,
  );
  return [...shown].map(([, start = '', rest, line, how = '']) => {
    const isRow = how.startsWith('by');
    const text = read(isRow ? `generated/${start}${rest}` : 'postern.yaml').split('\n')[Number(line) - 1] ?? '';
    return isRow ? text.trim() : `missing: ${text.trim()}`;
  });
}

interface Fields {
  readonly rows?: readonly { readonly file: string; readonly line: number; readonly text: string }[];
  readonly missing?: string;
}

function fieldsOf({ rows = [], missing }: Fields, { read }: Workspace): string[] {
  for (const { file, line, text } of rows) assert.is(read(`generated/${file}`).split('\n')[line - 1]?.trim(), text);
  const [, line] = /:(\d+):\d+$/.exec(missing ?? '') ?? [];
  const route = line === undefined ? [] : [`missing: ${read('postern.yaml').split('\n')[Number(line) - 1]?.trim()}`];
  return [...rows.map(({ text }) => text), ...route];
}

test.run();
