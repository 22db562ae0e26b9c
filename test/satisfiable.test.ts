import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { lint } from '../src/rules/index.ts';
import { clientsOf } from '../src/targets/clients.ts';

interface Parts {
  readonly upstream?: string;
  readonly routes?: string;
  readonly key?: string;
  readonly proxy?: string;
  readonly targets?: string;
  readonly more?: string;
}

/** A spec in which all is reached and nothing is impossible, with other parts. */
function specOf({ upstream = '', routes, key = '', proxy = '', targets, more = '' }: Parts): string {
  return `version: 1
name: some
upstreams: { app: { url: "https://app.example.com"${upstream} } }
routes: ${routes ?? '{ read: { upstream: app, allow: [GET /a] } }'}
apiKeys: { caller: { key: env:KEY, token: env:TOKEN${key} } }
proxies: { api: { listen: 8080, ${proxy.includes('ipRanges') ? '' : 'ipRanges: [10.0.0.0/8]'}${proxy} } }
targets: ${targets ?? '{ nginx: {}, caddy: {} }'}
${more}
`;
}

/** The codes of all that is said about a spec. */
function said(parts: Parts): string[] {
  const read = () => undefined;
  const { policy, spec, diagnostics } = compile(specOf(parts), { file: 'postern.yaml', read });
  const found = policy && spec ? lint(policy, spec, { clients: clientsOf(spec, read), read }) : [];
  return [...diagnostics, ...found].map(({ code }) => code);
}

type Cases = Readonly<Record<string, readonly [parts: Parts, code: string]>>;

function check(name: string, cases: Cases): void {
  const test = suite(name);
  for (const [what, [parts, code]] of Object.entries(cases))
    test(what, () => {
      assert.not.ok(said({}).includes(code));
      assert.ok(said(parts).includes(code), `${code} is not among ${said(parts)}`);
    });
  test.run();
}

const routes = (entries: string, more = '') => `{ read: { upstream: app, ${more}allow: [${entries}] } }`;

const names = (count: number, start: string) => Array.from({ length: count }, (_, index) => `${start}-${index}`).join();

check('an option that no request or no value can satisfy is an error', {
  'a WebSocket on a POST': [{ routes: routes('GET /a, { request: POST /b, websocket: true }') }, 'policy/no-websocket'],
  'WebSockets in a group without GET': [
    { routes: routes('"POST,PUT /b"', 'websocket: true, ') },
    'policy/no-websocket',
  ],
  "a client's header where the token goes": [
    { upstream: ', tokenHeader: X-Token', routes: routes('GET /a', 'headers: [x-token], ') },
    'policy/credential-header',
  ],
  'more headers than an engine can name': [
    { routes: routes('GET /a', `headers: [${names(900, 'X')}], `) },
    'policy/many-headers',
  ],
  'more headers than that of group and request': [
    { routes: routes(`{ request: GET /a, headers: [${names(300, 'X')}] }`, `headers: [${names(300, 'Y')}], `) },
    'policy/many-headers',
  ],
  'a body of 204': [{ proxy: ', answer: [{ request: GET /x, status: 204, body: "{}" }]' }, 'policy/bodiless-answer'],
  'a body of 304': [{ proxy: ', answer: [{ request: GET /x, status: 304, body: "{}" }]' }, 'policy/bodiless-answer'],
  'a redirection without its Location': [
    { proxy: ', answer: [{ request: GET /x, status: 301 }]' },
    'nginx/answer-status',
  ],
  'Authorization without a scheme': [{ proxy: ', apiKeyHeader: Authorization' }, 'policy/no-scheme'],
  'a token in Authorization without a scheme': [{ upstream: ', tokenHeader: Authorization' }, 'policy/no-scheme'],
  'keys and addresses in one header': [
    { proxy: ', apiKeyHeader: X-Who, clientIp: { trustedProxies: [10.0.0.0/8], header: X-Who }' },
    'policy/unusable-header',
  ],
  'plain HTTP in public, TLS inside': [
    { proxy: ', publicUrl: "http://a.example.com", tls: { certFile: /c.pem, keyFile: /k.pem }' },
    'policy/plain-public-url',
  ],
  'a day that no calendar has': [{ key: ', expires: 2027-02-30' }, 'policy/bad-date'],
});

check('what nobody can reach is found, whatever it is called', {
  'a proxy whose set is empty': [{ proxy: 'ipRanges: ["@none"]', more: 'ipRanges: { none: [] }' }, 'rule/nobody-comes'],
  'IPv6 addresses at an IPv4 socket': [{ proxy: 'ipRanges: ["2001:db8::/32"]' }, 'rule/nobody-comes'],
  'a key for IPv6 at an IPv4 socket': [
    { proxy: 'ipRanges: [10.0.0.0/8, "2001:db8::/32"]', key: ', ipRanges: ["2001:db8::1"]' },
    'rule/unreachable-key',
  ],
  'a load balancer that cannot connect': [
    { proxy: ', clientIp: { trustedProxies: ["2001:db8::/32"] }' },
    'rule/nobody-comes',
  ],
  'health checks from nobody': [
    { proxy: ', health: { path: /healthz, from: ["@none"] }', more: 'ipRanges: { none: [] }' },
    'rule/nobody-comes',
  ],
  'health checks of the other family': [
    { proxy: ', health: { path: /healthz, from: ["2001:db8::1"] }' },
    'rule/nobody-comes',
  ],
  'a public name that is answered 421': [
    { proxy: ', hosts: [a.example.com], publicUrl: "https://b.example.com"' },
    'rule/foreign-public-url',
  ],
  'a method that is none': [{ routes: routes('GET /a, "ANY /b"') }, 'rule/odd-method'],
  'a parameter of another tool': [{ routes: routes('GET /a, "GET /b/:id"') }, 'rule/odd-literal'],
  'a parameter with escaped braces': [{ routes: routes('GET /a, "GET /b/%7Bid%7D"') }, 'rule/odd-literal'],
  'an expression': [{ routes: routes('GET /a, "GET /b/.+"') }, 'rule/odd-literal'],
  'proxies without a target for them': [
    {
      targets: '{ coredns: { form: corefile } }',
      more: 'domainRewrites: [{ from: a.example.com, to: b.example.com }]',
    },
    'rule/makes-nothing',
  ],
  'rewrites without a target for them': [
    { more: 'domainRewrites: [{ from: a.example.com, to: b.example.com }]', targets: '{ nginx: {} }' },
    'rule/makes-nothing',
  ],
  'the site of a rewrite without a target for it': [
    {
      more: 'domainRewrites: [{ from: a.example.com, to: b.example.com, upstream: app }]',
      targets: '{ nginx: {}, coredns: { form: corefile } }',
    },
    'rule/makes-nothing',
  ],
  'a target for names without names': [{ targets: '{ nginx: {}, coredns: { form: corefile } }' }, 'coredns/no-rewrite'],
  'a target for nodes without mirrors': [{ targets: '{ nginx: {}, bottlerocket: {} }' }, 'bottlerocket/no-mirror'],
  'sites without rewrites': [{ targets: '{ nginx: { sites: { tls: off } } }' }, 'nginx/unused-sites'],
  'a group that no key may use': [
    {
      routes: '{ read: { upstream: app, allow: [GET /a] }, rest: { upstream: app, allow: [GET /b] } }',
      key: ', routes: [read]',
    },
    'rule/unreachable-group',
  ],
});
