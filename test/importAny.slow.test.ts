import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importers } from '../src/commands/import.ts';
import { randomOf } from '../src/verify/random.ts';
import type { Ran } from './support/cli.ts';
import { handWrittenProxy } from './support/handWritten.ts';
import { survives } from './support/imports.ts';
import { inWorkspace } from './support/workspace.ts';

const corefile = `.:53 {
  errors
  rewrite stop {
    name suffix .pages.example.com .pages.privatelink.example.com answer auto
  }
  rewrite name exact gitlab.example.com gitlab.privatelink.example.com
  rewrite name regex (.*)\\.a\\.example {1}.b.example
  rewrite type ANY A
  forward . /etc/resolv.conf
}
`;
const caddyfile = `{
  email ops@example.com
}
(office) {
  @others not remote_ip 192.0.2.0/24
  abort @others
}
api.example.com, http://old.example.com:8080 {
  import office
  encode gzip
  handle /v1/* {
    reverse_proxy app1:9000 app2:9000 {
      header_up X-Real-IP {remote_host}
    }
  }
  @hooks {
    path /hooks
    method POST
  }
  reverse_proxy @hooks https://hooks.example.net
  handle /v1/admin/* {
    respond 403
  }
  handle /v2/* {
    reverse_proxy app1:9000 app2:9000
  }
  handle_path /old/* {
    reverse_proxy old:80
  }
}
keyed.example.com {
  basic_auth {
    bob $2a$14$abc
  }
  @office remote_ip 198.51.100.0/24
  handle @office {
    reverse_proxy inner:8080
  }
  respond 403
}
`;
const bottlerocket = `[settings.kubernetes]
cluster-name = "demo"
[[settings.container-registry.mirrors]]
registry = "registry.example.com"
endpoint = ["https://registry.privatelink.example.com"]
[[settings.container-registry.mirrors]]
registry = "docker.io"
endpoint = ["https://mirror.example.com/v2/hub", "https://other.example.com"]
[[settings.container-registry.credentials]]
registry = "docker.io"
auth = "c2VjcmV0"
`;
const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/whitelist-source-range: "192.0.2.0/24,198.51.100.7"
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
    nginx.ingress.kubernetes.io/limit-rps: "5"
spec:
  tls: [{ hosts: [shop.example.com], secretName: shop }]
  rules:
    - host: shop.example.com
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }
          - { path: /api, pathType: Prefix, backend: { service: { name: api, port: { number: 8080 } } } }
          - { path: /health, pathType: Exact, backend: { service: { name: web, port: { number: 80 } } } }
          - { path: /x, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: admin
  annotations:
    nginx.ingress.kubernetes.io/auth-url: https://sso.example.com/check
spec:
  rules:
    - host: admin.example.com
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: admin, port: { number: 80 } } } }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: old
  annotations: { nginx.ingress.kubernetes.io/rewrite-target: /$2 }
spec:
  rules:
    - http: { paths: [{ path: "/old(/|$)(.*)", pathType: Prefix, backend: { service: { name: old, port: { number: 80 } } } }] }
`;
const SEEDS: Readonly<Record<string, string>> = {
  nginx: Object.values(handWrittenProxy())
    .filter((text) => !/\brewrite \^|PRIVATE_TOKEN/.test(text))
    .slice(0, 3)
    .map((text) => `server { listen 80; allow 192.0.2.1; deny all; ${text} }`)
    .join('\n'),
  openapi: JSON.stringify({
    openapi: '3.0.0',
    servers: [{ url: 'https://a.example.com' }],
    paths: { '/a/{b}': { get: { parameters: [{ name: 'b', in: 'path', schema: { $ref: '#/x' } }] } } },
    x: { type: 'integer' },
  }),
  corefile,
  'gitlab-runner': readFileSync(new URL('targets/gitlabRunner/old.yaml', import.meta.url), 'utf8'),
  caddyfile,
  bottlerocket,
  ingress,
};

const any = suite('import');

any('names of a Corefile become domain rewrites, and the rest of it is listed', () =>
  inWorkspace(async ({ runArgs, write, run }) => {
    const { status, stdout, stderr } = await runArgs(['import', 'corefile', '-'], { input: corefile });
    assert.is(status, 1, stderr);
    assert.match(stdout, /from: "\*\.pages\.example\.com", to: "\*\.pages\.privatelink\.example\.com"/);
    assert.match(stderr, /<stdin>:7: rewrite: a part of a name is no name/);
    assert.match(stderr, /<stdin>:9: forward: /);
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0);
    assert.is((await run('explain dns gitlab.example.com')).status, 0);
  }),
);

any('a rule of a Corefile counts only where its server is asked', () =>
  inWorkspace(async ({ runArgs }) => {
    const input = `a.example {
  rewrite name x.a.example y.link.example
  rewrite name x.b.example y.link.example
}
(unused) {
  rewrite name z.a.example y.link.example
}
. {
  rewrite name u.a.example y.link.example
  rewrite name v.c.example y.link.example
  rewrite name suffix .example .link.example
}
`;
    const { stdout, stderr } = await runArgs(['import', 'corefile', '-'], { input });
    assert.equal(stdout.match(/from: "?[^",]*/g), ['from: x.a.example', 'from: v.c.example']);
    for (const told of [
      ':3: rewrite: its server does not answer for the name',
      ':6: rewrite: no server imports it',
      ':9: rewrite: another server answers for the name',
      ':11: rewrite: ',
    ])
      assert.ok(stderr.includes(told), `${told}\n${stderr}`);
  }),
);

for (const [title, lines, lost] of [
  ['an expression before it', ['name regex ^x\\. w.link.example', 'name x.a.example y.link.example'], 3],
  ['a wider suffix before it', ['name suffix .a.example .link.example', 'name x.a.example y.link.example'], 3],
  ['a rule of an imported file', ['import more', 'name x.a.example y.link.example'], 3],
  ['a rule for all names of a type', ['stop type A AAAA', 'name x.a.example y.link.example'], 3],
  [
    'a rule of a server for some clients',
    ['name x.a.example y.link.example', "view v { expr client_ip() == '1.2.3.4' }"],
    2,
  ],
  ['a rule whose name is that of another', ['name x.a.example y.a.example', 'name y.a.example z.link.example'], 2],
] as const)
  any(`a rule of a Corefile is left out: ${title}`, () =>
    inWorkspace(async ({ runArgs, run, write }) => {
      const rules = lines.map((one) =>
        /^(?:import|view)/.test(one) ? one.replace(/ \{ (.*) \}/, ' {\n$1\n}') : `rewrite ${one}`,
      );
      const input = `b.example {\n  rewrite name x.b.example y.link.example\n}\na.example {\n${rules.join('\n')}\n}\n`;
      const { stdout, stderr } = await runArgs(['import', 'corefile', '-'], { input });
      assert.match(stderr, new RegExp(`^ *<stdin>:${lost + 3}: rewrite: `, 'm'));
      const kept = stdout.split('# Not carried')[0] ?? '';
      assert.match(kept, /from: x\.b\.example/);
      assert.not.match(kept, lost === 2 ? /from: x\.a\.example/ : /from: x\.a\.example.*y\.link/);
      write('postern.yaml', stdout);
      assert.is((await run('validate')).status, 0);
    }),
  );

any('mirrors of all registries keep a valid spec, and what is no setting is listed', () =>
  inWorkspace(async ({ runArgs, run, write }) => {
    const input = 'note = 1\n[settings.container-registry.mirrors]\n"*" = ["https://all.example.com"]\n';
    const { stdout, stderr } = await runArgs(['import', 'bottlerocket', '-'], { input });
    assert.match(stderr, /<stdin>:1: note: it is no setting of a node/);
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0, stdout);
  }),
);

/** What the imported spec decides: `allow`, or the status. */
async function asked(run: (args: string) => Promise<Ran>, question: string): Promise<string> {
  const { stdout } = await run(`explain ${question} --format json`);
  const { decision, status } = JSON.parse(stdout);
  return decision === 'allow' ? 'allow' : String(status);
}

any('a Caddyfile: paths, methods and addresses of what it forwards, and nothing that it answers or changes', () =>
  inWorkspace(async ({ runArgs, write, run }) => {
    const { status, stdout, stderr } = await runArgs(['import', 'caddyfile', '-'], { input: caddyfile });
    assert.is(status, 1, stderr);
    assert.match(stdout, /servers: \[app1:9000, app2:9000\]/);
    for (const [line, what] of [
      [2, 'email'],
      [10, 'encode'],
      [13, 'header_up'],
      [27, 'handle_path'],
      [32, 'basic_auth'],
    ] as const)
      assert.match(stderr, new RegExp(`<stdin>:${line}: ${what}: `));
    assert.match(stderr, /<stdin>:12: reverse_proxy: line 2\d decides about some of its requests otherwise/);
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0);
    const hook = '--proxy api-example-com --from 192.0.2.1';
    assert.is(await asked(run, `POST /hooks ${hook} --header Host:api.example.com`), 'allow');
    assert.is(await asked(run, `GET /hooks ${hook} --header Host:api.example.com`), '404');
    assert.is(await asked(run, `GET /v1/admin/x ${hook} --header Host:api.example.com`), '404');
    assert.is(
      await asked(run, 'POST /hooks --proxy api-example-com --from 203.0.113.1 --header Host:api.example.com'),
      '403',
    );
    assert.is(
      await asked(run, 'GET /a --proxy keyed-example-com --from 198.51.100.1 --header Host:keyed.example.com'),
      '401',
    );
    assert.is(
      await asked(run, 'GET /a --proxy keyed-example-com --from 192.0.2.1 --header Host:keyed.example.com'),
      '403',
    );
  }),
);

any('a Caddyfile: what something else may decide first is left out', () => {
  const importer = importers().find(({ kind }) => kind === 'caddyfile');
  for (const block of [
    'handle @odd {\n respond 403\n }\n @odd header X-Odd yes\n handle {\n reverse_proxy app:80\n }',
    'redir @odd https://b.example\n @odd query a=b\n handle /a/* {\n reverse_proxy app:80\n }',
    'route {\n respond /a/b/* 403\n reverse_proxy /a/* app:80\n }',
    'route {\n reverse_proxy /a/* other:80 {\n rewrite /x\n }\n reverse_proxy /a/b/* app:80\n }',
    'respond 403\n reverse_proxy app:80',
    'uri strip_prefix /a\n reverse_proxy app:80',
    '@odd expression `path("/a")`\n reverse_proxy @odd app:80',
    '@odd not path /a\n reverse_proxy @odd app:80',
  ]) {
    const imported = importer?.read([{ name: 'Caddyfile', text: `a.example.com {\n ${block}\n}\n` }]);
    assert.ok(imported && 'problem' in imported, `${block}\n${JSON.stringify(imported)}`);
  }
});

any('a Caddyfile: a refusal too deep to be read makes the whole file unreadable', () => {
  const importer = importers().find(({ kind }) => kind === 'caddyfile');
  const read = (text: string) => importer?.read([{ name: 'Caddyfile', text }]);
  const site = (inside: string) => `a.example.com {\n ${inside}\n reverse_proxy app:80\n}\n`;
  const nested = (depth: number) =>
    site(`route {\n ${'handle {\n'.repeat(depth)} respond /secret 403\n ${'}\n'.repeat(depth)} }`);
  const chain = Array.from({ length: 30 }, (_, index) => `(s${index}) {\n import s${index + 1}\n}\n`).join('');
  for (const text of [
    nested(19),
    nested(20),
    `${chain}(s30) {\n respond /secret 403\n}\n${site('import s0')}`,
    `(s) {\n import s\n}\n${site('import s')}`,
  ]) {
    const imported = read(text);
    assert.ok(imported && 'problem' in imported, `${text}\n${JSON.stringify(imported)}`);
    assert.match(imported.problem, /too deep/);
  }
});

any('user data of Bottlerocket: a mirror is a rewrite where that says it all, and the rest is listed', () =>
  inWorkspace(async ({ runArgs, write, run }) => {
    const { status, stdout, stderr } = await runArgs(['import', 'bottlerocket', '-'], { input: bottlerocket });
    assert.is(status, 1, stderr);
    assert.match(
      stdout,
      /from: registry\.example\.com, to: registry\.privatelink\.example\.com, containerRegistry: true/,
    );
    assert.match(stdout, /docker\.io: \[https:\/\/mirror\.example\.com\/v2\/hub, https:\/\/other\.example\.com\]/);
    assert.match(stderr, /<stdin>:1: settings\.kubernetes: keep it/);
    assert.match(stderr, /<stdin>:9: settings\.container-registry\.credentials: keep it/);
    assert.not.match(stdout + stderr, /c2VjcmV0/);
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0);
    assert.match((await run('explain pull registry.example.com/a:1')).stdout, /registry\.privatelink\.example\.com/);
  }),
);

any('Ingresses: source ranges, paths and keys in place of a login; what is rewritten is listed', () =>
  inWorkspace(async ({ runArgs, write, run }) => {
    const { status, stdout, stderr } = await runArgs(['import', 'ingress', '-'], { input: ingress });
    assert.is(status, 1, stderr);
    assert.match(stdout, /url: http:\/\/api\.shop\.svc\.cluster\.local:8080/);
    assert.match(stdout, /maxBody: 8MB/);
    for (const words of [
      '9: limit-rps',
      '11: tls',
      '16: path /: /api below it goes elsewhere',
      '19: path: the port of "web"',
    ])
      assert.ok(stderr.includes(`<stdin>:${words}`), `${words}\n${stderr}`);
    assert.match(stderr, /<stdin>:3[5-9]: rewrite-target: /);
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0);
    const shop = '--proxy shop-example-com --header Host:shop.example.com';
    assert.is(await asked(run, `GET /api/a%2Fb ${shop} --from 192.0.2.1`), 'allow');
    assert.is(await asked(run, `GET /apis ${shop} --from 192.0.2.1`), '404');
    assert.is(await asked(run, `GET /health ${shop} --from 198.51.100.7`), 'allow');
    assert.is(await asked(run, `GET /health ${shop} --from 203.0.113.1`), '403');
    assert.is(
      await asked(run, 'GET /a --proxy admin-example-com --header Host:admin.example.com --from 203.0.113.1'),
      '401',
    );
  }),
);

for (const [kind, seed] of Object.entries(SEEDS)) {
  any(`${kind}: whatever is broken in a file, a spec or a place comes out`, () => {
    survives(kind, seed);
    for (let round = 0; round < 60; round++) {
      const random = randomOf(`${kind} ${round}`);
      let text = seed;
      for (let count = 0; count <= random.below(4); count++) {
        const at = random.below(text.length + 1);
        const length = random.below(12);
        const more = random.pick([
          '',
          '{',
          '}',
          ';',
          '"',
          '\\',
          '(',
          '.*',
          '\n',
          '$',
          '\0',
          'é',
          '#',
          ':',
          ',',
          '[',
          '1e9',
          text.slice(at, at + 40),
        ]);
        text = text.slice(0, at) + more + text.slice(at + length);
      }
      survives(kind, text);
    }
  });
}

any.run();
