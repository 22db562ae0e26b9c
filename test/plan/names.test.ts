import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../src/compile.ts';
import { grantSets } from '../../src/plan/callers.ts';
import { forwardsOf } from '../../src/plan/forwards.ts';
import { accessOf } from '../../src/policy/access.ts';

// Whatever engines look up by name must not be taken for another thing of that name: a request would then be forwarded
// to another upstream, or a key be let in where another one may.
const names = suite('names of the plan');

function policyOf(groups: string, keys = '  k: { key: env:K, token: env:T }') {
  const text = `version: 1
name: names
upstreams:
  a: { url: "http://127.0.0.1:1" }
  a-passthrough: { url: "http://127.0.0.1:2" }
  a-websocket: { url: "http://127.0.0.1:3" }
  a-10MB: { url: "http://127.0.0.1:4" }
  a-x-b: { url: "http://127.0.0.1:5" }
routes:
${groups}
apiKeys:
${keys}
proxies:
  api: { listen: 8080, ipRanges: any }
targets: { nginx: {} }
`;
  const { policy, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.ok(policy, JSON.stringify(diagnostics));
  return policy;
}

names('two ways to forward have two names, however upstreams are called', () => {
  const groups = [
    'upstream: a',
    'upstream: a, auth: passthrough',
    'upstream: a, websocket: true',
    'upstream: a, maxBody: 10MB',
    'upstream: a, headers: [X-B]',
    'upstream: a, headers: [X-B, X-C]',
    'upstream: a, headers: [passthrough]',
    'upstream: a, headers: [websocket]',
    'upstream: a-passthrough',
    'upstream: a-websocket',
    'upstream: a-10MB',
    'upstream: a-x-b',
  ].map((fields, index) => `  g${index}: { ${fields}, allow: [GET /g${index}] }`);
  const policy = policyOf(groups.join('\n'));
  const proxy = policy.proxies[0];
  const access = proxy && accessOf(proxy);
  assert.ok(access);
  const forwards = forwardsOf(access, policy);
  assert.is(forwards.all.length, groups.length);
  for (const routeClass of access.classes) {
    assert.ok(routeClass.kind === 'forward');
    assert.equal(forwards.of(routeClass)?.forwarding, routeClass.forwarding);
  }
});

names('a group of any name is not the set of all groups', () => {
  const groups = ['all', 'any', 'x'].map((name) => `  ${name}: { upstream: a, allow: [GET /${name}] }`);
  const keys = ['k0: [all]', 'k1: [any]', 'k2: [all, any]'].map((each, index) => {
    const [id, routes] = each.split(': ');
    return `  ${id}: { key: env:K${index}, token: env:T, routes: ${routes} }`;
  });
  const policy = policyOf(groups.join('\n'), [...keys, '  k9: { key: env:K9, token: env:T }'].join('\n'));
  const sets = grantSets(policy.apiKeys).map((set) => set.groups.join());
  assert.equal(sets.toSorted(), ['all', 'all,any', 'all,any,x', 'any']);
});

names('of forwards are short, and differ wherever the forwards do', () => {
  const headers = Array.from({ length: 60 }, (_, index) => `X-Header-${index}`);
  const groups = [50, 55, 60].map(
    (most) => `  r${most}: { upstream: a, headers: [${headers.slice(0, most)}], allow: [GET /${most}] }`,
  );
  const policy = policyOf(groups.join('\n'));
  const proxy = policy.proxies[0];
  const access = proxy && accessOf(proxy);
  assert.ok(access);
  const all = forwardsOf(access, policy).all.map(({ name }) => name);
  assert.is(new Set(all).size, 3);
  for (const name of all) assert.ok(name.length < 150, name);
});

names.run();
