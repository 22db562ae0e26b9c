import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const imports = suite('what import ingress allows');

interface Written {
  readonly host?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** `/path Type service` */
  readonly paths: readonly string[];
}

function ingresses(all: readonly Written[]): string {
  const items = all.map(({ host, annotations = {}, paths }, index) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: `one-${index}`,
      annotations: Object.fromEntries(
        Object.entries({ 'whitelist-source-range': '192.0.2.0/24', ...annotations }).map(([name, value]) => [
          `nginx.ingress.kubernetes.io/${name}`,
          value,
        ]),
      ),
    },
    spec: {
      rules: [
        {
          ...(host !== undefined && { host }),
          http: {
            paths: paths.map((text) => {
              const [path, pathType, name = '', port = '80'] = text.split(' ');
              const number = Number(port);
              return { path, pathType, backend: { service: { name, port: number > 0 ? { number } : { name: port } } } };
            }),
          },
        },
      ],
    },
  }));
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

const A = 'a.example.com';
const USUAL: Written = { host: A, paths: ['/a Prefix web'] };

/** Returns how often the paths of a host are granted, and what is told. */
async function told(all: readonly Written[], { runArgs, write, run }: Workspace) {
  const { status, stdout, stderr } = await runArgs(['import', 'ingress', '-'], { input: ingresses(all) });
  if (status !== 2) {
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0, stdout);
  }
  const grants = [...(stdout.split('# Not carried')[0] ?? '').matchAll(/^ {6}- \S+ (\/\S*)$/gm)].map(
    ([, path]) => path,
  );
  return { status, stderr, grants, stdout };
}

for (const [title, all, refused, words] of [
  [
    'a path below whose port is a name',
    [{ host: A, paths: ['/ Prefix web', '/x Prefix web http'] }],
    '/',
    /path \/: \/x below it goes elsewhere/,
  ],
  [
    'a path below that redirects, in another Ingress',
    [USUAL, { host: A, annotations: { 'permanent-redirect': 'https://b.example' }, paths: ['/a/b Prefix web'] }],
    '/a',
    /path \/a: \/a\/b below it goes elsewhere/,
  ],
  [
    'expressions of another Ingress of its host',
    [USUAL, { host: A, annotations: { 'use-regex': 'true' }, paths: ['/a/.* ImplementationSpecific other'] }],
    '/a',
    /use-regex of an Ingress holds for all paths of the host/,
  ],
  [
    'lines for the server in another Ingress of its host',
    [USUAL, { host: A, annotations: { 'server-snippet': 'deny all;' }, paths: ['/b Prefix web'] }],
    '/a',
    /server-snippet of an Ingress holds for all paths of the host/,
  ],
  [
    'a canary',
    [{ ...USUAL, annotations: { canary: 'true', 'canary-weight': '10' } }],
    '/a',
    /path: canary: a part of the requests goes there/,
  ],
  [
    'the same path in an Ingress that may be older',
    [USUAL, { host: A, paths: ['/a Prefix other'] }],
    '/a',
    /another Ingress or rule has the same path/,
  ],
  [
    'all hosts beside one of which nothing is carried over',
    [{ paths: ['/a Prefix web'] }, { host: '*.example.com', paths: ['/b Prefix web'] }],
    '/a',
    /it would also take what is for \*\.example\.com/,
  ],
  [
    'addresses that may not connect, and none that may',
    [{ ...USUAL, annotations: { 'whitelist-source-range': '', 'denylist-source-range': '192.0.2.7' } }],
    '/a',
    /denylist-source-range names who may not connect/,
  ],
] as const satisfies readonly (readonly [string, readonly Written[], string, RegExp])[])
  imports(`never wider: ${title}`, () =>
    inWorkspace(async (inside) => {
      const ok: Written = { host: 'ok.example.com', paths: ['/ok Prefix web'] };
      const { grants, stderr } = await told([ok, ...all], inside);
      assert.ok(grants.includes('/ok'), stderr);
      assert.not.ok(grants.includes(refused), stderr);
      assert.match(stderr, words);
    }),
  );

imports('addresses that may not connect are taken out of those that may', () =>
  inWorkspace(async (inside) => {
    const { stdout } = await told([{ ...USUAL, annotations: { 'denylist-source-range': '192.0.2.128/25' } }], inside);
    assert.match(stdout, /clients: \["192\.0\.2\.0\/25"\]/);
  }),
);

imports('where nothing can be imported, each part says why', () =>
  inWorkspace(async (inside) => {
    const { status, stderr } = await told([{ ...USUAL, annotations: { 'rewrite-target': '/$1' } }], inside);
    assert.is(status, 2);
    assert.match(stderr, /<stdin>:\d+: rewrite-target: nothing of this Ingress is carried over/);
  }),
);

imports('what was carried over whole is in sync with what was generated', () =>
  inWorkspace(async (inside) => {
    const { grants } = await told([{ host: A, paths: ['/a Prefix web', '/a/b Exact web', '/c Exact other'] }], inside);
    assert.equal(grants, ['/a', '/a/', '/a/{rest:encodedPath*}', '/a/b', '/c']);
    assert.is((await inside.run('generate')).status, 0);
    assert.is((await inside.run('diff')).status, 0);
  }),
);

imports.run();
