import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const imports = suite('what import caddyfile allows');

const OK = 'http://ok.example.com { reverse_proxy app:80 }';
const site = (body: string, head = 'http://a.example.com:8080') => `${head} {\n${body}\n}\n`;
const PASS = 'reverse_proxy /x/* app:80';

async function imported(text: string, { runArgs, write, run }: Workspace) {
  const input = `${text}\n${OK.replace('{ ', '{\n').replace(' }', '\n}')}\n`;
  const { status, stdout, stderr } = await runArgs(['import', 'caddyfile', '-'], { input });
  if (status !== 2) {
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0, stdout);
  }
  return { status, stderr, spec: stdout.split('# Not carried')[0] ?? '' };
}

for (const [title, text, words] of [
  ['lines of a file that is not here', site(`import auth.conf\n${PASS}`), /import in line 2 may refuse/],
  [
    'a snippet whose arguments are not all there',
    `(auth) {\nabort {args[1]}\n}\n${site(`import auth /x/*\n${PASS}`)}`,
    /import in line 5 may refuse/,
  ],
  ['a directive that Caddy does not have itself', site(`jwtauth\n${PASS}`), /jwtauth in line 2 may refuse/],
  ['certificates of clients', site(`tls {\nclient_auth {\nmode require\n}\n}\n${PASS}`), /tls in line 2 may refuse/],
  [
    'upstreams that are looked up',
    site('reverse_proxy /x/* app:80 {\ndynamic srv up\n}'),
    /reverse_proxy: an upstream is one host over HTTP/,
  ],
  [
    'another protocol',
    site('reverse_proxy /x/* app:80 {\ntransport fastcgi\n}'),
    /reverse_proxy: an upstream is one host over HTTP/,
  ],
  [
    'several addresses of the machine',
    site(`bind 127.0.0.1 [::1]\n${PASS}`),
    /site: it listens on some addresses of the machine/,
  ],
  ['an answer that comes before every proxy', site(`error 404\n${PASS}`), /line 2 decides about some of its requests/],
  [
    'a refusal that comes before every proxy',
    site(`respond 403\n${PASS}`),
    /line 2 decides about some of its requests/,
  ],
  [
    'all names beside a site of which nothing is carried over',
    site(PASS, ':8080') + site('respond 403', 'http://b.example.com:8080'),
    /it would also take what is for a site/,
  ],
] as const)
  imports(`never wider: ${title}`, () =>
    inWorkspace(async (inside) => {
      const { stderr, spec } = await imported(text, inside);
      assert.match(spec, /ok\.example\.com/, stderr);
      assert.not.match(spec, /\/x\//);
      assert.match(stderr, words);
    }),
  );

imports('a file that changes the order in which directives decide is not imported', () =>
  inWorkspace(async (inside) => {
    const { status, stderr } = await imported(`{\norder handle after respond\n}\n${site(PASS)}`, inside);
    assert.is(status, 2);
    assert.match(stderr, /<stdin>:2: it decides otherwise by "order handle"/);
  }),
);

imports('a snippet is read with the arguments of its import', () =>
  inWorkspace(async (inside) => {
    const office = '(office) {\n@others not remote_ip {args[0]}\nabort @others\n}\n';
    const { spec } = await imported(`${office}${site(`import office 192.0.2.0/24\n${PASS}`)}`, inside);
    assert.match(spec, /hosts: \[a\.example\.com\]\s+ipRanges: \["@clients"\]/);
    assert.match(spec, /clients: \["192\.0\.2\.0\/24"\]/);
  }),
);

imports('a site of one address of the machine stays there', () =>
  inWorkspace(async (inside) => {
    const { spec } = await imported(site(`bind 127.0.0.1\n${PASS}`), inside);
    assert.match(spec, /listen: "127\.0\.0\.1:8080"/);
  }),
);

imports('where nothing can be imported, each part says why', () =>
  inWorkspace(async ({ runArgs }) => {
    const { status, stderr } = await runArgs(['import', 'caddyfile', '-'], {
      input: site('handle_path /x/* {\nreverse_proxy app:80\n}'),
    });
    assert.is(status, 2);
    assert.match(stderr, /<stdin>:2: handle_path: a spec forwards or refuses/);
  }),
);

imports.run();
