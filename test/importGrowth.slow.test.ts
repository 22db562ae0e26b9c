import { suite } from 'uvu';
import { importers } from '../src/commands/import.ts';
import { draftText } from '../src/import/write.ts';
import { assertGrowth } from './support/growth.ts';

const list = (many: number, entry: (index: number) => string) => Array.from({ length: many }, (_, i) => entry(i));

const ingressOf = (rules: readonly object[]) => ({
  kind: 'Ingress',
  metadata: { annotations: { 'nginx.ingress.kubernetes.io/whitelist-source-range': '192.0.2.0/24' } },
  spec: { rules },
});
const rule = (host: string, paths: readonly string[]) => ({
  host,
  http: {
    paths: paths.map((path, index) => ({
      path,
      pathType: 'Prefix',
      backend: { service: { name: `web-${index % 7}`, port: { number: 80 } } },
    })),
  },
});
const nginx = (servers: string) => `http { ${servers} }`;
const server = (name: string, body: string) =>
  `server { listen 80; server_name ${name}; allow 192.0.2.1; deny all;\n${body}\n}\n`;

const SHAPES: Readonly<Record<string, readonly (readonly [title: string, text: (many: number) => string])[]>> = {
  nginx: [
    [
      'locations of a server',
      (many) =>
        nginx(server('a.example.com', list(many, (i) => `location /a${i} { proxy_pass http://10.0.0.1; }`).join('\n'))),
    ],
    [
      'expressions of a server',
      (many) =>
        nginx(
          server(
            'a.example.com',
            list(many, (i) => `location ~ ^/a${i}/[0-9]+$ { proxy_pass http://10.0.0.1; }`).join('\n'),
          ),
        ),
    ],
    [
      'servers',
      (many) =>
        nginx(list(many, (i) => server(`a${i}.example.com`, 'location /a { proxy_pass http://10.0.0.1; }')).join('')),
    ],
    [
      'keys',
      (many) =>
        nginx(
          `map $http_x_a $a { default "";\n${list(many, (i) => `"key-of-a-0123456789-${i}" "T${i}";`).join('\n')} }\n${server(
            'a.example.com',
            'if ($a = "") { return 401; } location /a { proxy_set_header PRIVATE-TOKEN $a; proxy_pass http://10.0.0.1; }',
          )}`,
        ),
    ],
    [
      'addresses',
      (many) =>
        nginx(
          `server { listen 80; ${list(many, (i) => `allow 10.${i >> 8}.${i & 255}.1;`).join('\n')} deny all; location /a { proxy_pass http://10.0.0.1; } }`,
        ),
    ],
  ],
  caddyfile: [
    [
      'handlers of a site',
      (many) => `a.example.com {\n${list(many, (i) => `handle /a${i}/* {\n reverse_proxy app:90\n}`).join('\n')}\n}\n`,
    ],
    [
      'directives with matchers of a site',
      (many) =>
        `a.example.com {\n${list(many, (i) => `@m${i} path /a${i}\nreverse_proxy @m${i} app:90`).join('\n')}\n}\n`,
    ],
    ['sites', (many) => list(many, (i) => `a${i}.example.com {\n reverse_proxy app:90\n}\n`).join('')],
  ],
  corefile: [
    [
      'servers',
      (many) =>
        list(
          many,
          (i) => `a${i}.example {\n rewrite name exact b.a${i}.example c.example.com\n forward . 10.0.0.1\n}\n`,
        ).join(''),
    ],
    [
      'rewrites of a server',
      (many) =>
        `.:53 {\n${list(many, (i) => ` rewrite name exact a${i}.example.com b${i}.example.com`).join('\n')}\n forward . 10.0.0.1\n}\n`,
    ],
    [
      'rewrites that lead to each other',
      (many) =>
        `.:53 {\n${list(many, (i) => ` rewrite name exact a${i}.example.com a${i + 1}.example.com`).join('\n')}\n forward . 10.0.0.1\n}\n`,
    ],
  ],
  ingress: [
    [
      'paths of a host',
      (many) =>
        JSON.stringify(
          ingressOf([
            rule(
              'a.example.com',
              list(many, (i) => `/a${i}`),
            ),
          ]),
        ),
    ],
    [
      'hosts of an Ingress',
      (many) => JSON.stringify(ingressOf(list(many, (i) => `a${i}.example.com`).map((host) => rule(host, ['/'])))),
    ],
    [
      'Ingresses of a list',
      (many) =>
        JSON.stringify(
          { kind: 'List', items: list(many, (i) => `a${i}.example.com`).map((host) => ingressOf([rule(host, ['/'])])) },
          null,
          1,
        ),
    ],
    [
      'documents',
      (many) =>
        list(many, (i) => `a${i}.example.com`)
          .map((host) => JSON.stringify(ingressOf([rule(host, ['/'])]), null, 1))
          .join('\n---\n'),
    ],
  ],
  openapi: [
    [
      'paths',
      (many) =>
        JSON.stringify({
          openapi: '3.0.0',
          servers: [{ url: 'https://a.example.com' }],
          paths: Object.fromEntries(
            list(many, (i) => `/a${i}/{b}`).map((path) => [
              path,
              {
                get: {
                  tags: [`t${path.length}`],
                  parameters: [{ name: 'b', in: 'path', schema: { type: 'integer' } }],
                },
              },
            ]),
          ),
        }),
    ],
  ],
  bottlerocket: [
    [
      'mirrors',
      (many) =>
        list(
          many,
          (i) =>
            `[[settings.container-registry.mirrors]]\nregistry = "r${i}.example.com"\nendpoint = ["https://r${i}.privatelink.example.com"]\n`,
        ).join(''),
    ],
  ],
  'gitlab-runner': [
    [
      'labels of nodes',
      (many) =>
        `runners:\n  config: |\n    [[runners]]\n      [runners.kubernetes.node_selector]\n${list(many, (i) => `        "example.com/a${i}" = "b${i}"`).join('\n')}\n`,
    ],
    [
      'values that nobody knows',
      (many) => `gitlabUrl: https://a.example.com\n${list(many, (i) => `a${i}: ${i}`).join('\n')}\n`,
    ],
  ],
};

const growth = suite('how an import grows');

for (const [kind, shapes] of Object.entries(SHAPES)) {
  const importer = importers().find((one) => one.kind === kind);
  if (!importer) throw new Error(`no importer of ${kind}`);
  const work = (text: string) => {
    const found = importer.read([{ name: 'input', text }], {});
    if ('problem' in found) throw new Error(`${found.line}: ${found.problem}`);
    draftText(found.draft, found.notCarriedOver);
  };
  for (const [title, of] of shapes) growth(`${kind}: ${title}`, () => assertGrowth({ few: 500, of, work }));
}

growth.run();
