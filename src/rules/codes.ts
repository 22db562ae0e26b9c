import { code, defineCodes } from '../diagnostics/codes.ts';

export const ruleCodes = defineCodes('rule', {
  'expired-key': code<{ key: string; expires: string }>({
    severity: 'error',
    message: ({ key, expires }) => `key "${key}" expired on ${expires}`,
    hint: () => 'extend it, remove it, or pass --allow-expired',
  }),
  'expiring-key': code<{ key: string; expires: string }>({
    severity: 'warning',
    message: ({ key, expires }) => `key "${key}" expires on ${expires}, in less than 14 days`,
    hint: () => 'give the caller a second key, then extend the date',
  }),
  unused: code<{ kind: string; name: string }>({
    severity: 'warning',
    message: ({ kind, name }) => `${kind} "${name}" is used nowhere`,
    hint: () => 'use it or remove it',
  }),
  redundant: code<{ request: string; other: string }>({
    severity: 'warning',
    message: ({ request, other }) => `everything that "${request}" allows is allowed by "${other}" already`,
    hint: () => 'remove it; access is a union, so a narrower pattern takes nothing away',
  }),
  'insecure-tls': code<{ upstream: string }>({
    severity: 'warning',
    message: ({ upstream }) => `the certificate of upstream "${upstream}" is not verified`,
    hint: () => 'give tls.caFile for a private CA instead',
  }),
  'wide-write': code<{ methods: string; path: string }>({
    severity: 'warning',
    message: ({ methods, path }) => `${methods} is allowed on everything below "${path}"`,
    hint: () => 'list the paths that are needed; {name*} also takes what the upstream adds later',
  }),
  'form-body': code<{ type: string }>({
    severity: 'warning',
    message: ({ type }) =>
      `bodies of ${type} can carry private_token, sudo or _method, which no proxy sees, beside the injected token`,
    hint: () =>
      'leave contentTypes at application/json; where an upload needs a form, name only that route and --accept this',
  }),
  'clear-text': code<{ upstream: string }>({
    severity: 'warning',
    message: ({ upstream }) => `the token and all data go to upstream "${upstream}" unencrypted`,
    hint: () => 'write https://, or servers on 127.0.0.1 where something on this machine encrypts the rest of the way',
  }),
  'odd-method': code<{ method: string; meant: string | undefined }>({
    severity: 'warning',
    message: ({ method, meant }) =>
      `"${method}" is no method of HTTP${meant === undefined ? '' : `, did you mean ${meant}?`}`,
    hint: () => 'methods are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS; hardly any client sends another',
  }),
  'odd-literal': code<{ text: string; parameter: string }>({
    severity: 'warning',
    message: ({ text }) => `the segment "${text}" matches only that very text`,
    hint: ({ parameter }) => `a parameter is {${parameter}}, and the rest of a path {${parameter}*}`,
  }),
  'open-to-all': code<{ proxy: string; group: string }>({
    severity: 'warning',
    message: ({ proxy, group }) => `proxy "${proxy}" lets anybody reach group "${group}": no address range and no key`,
    hint: () => 'name the client addresses under ipRanges of the proxy',
  }),
  'token-realm': code<{ registry: string }>({
    severity: 'warning',
    message: ({ registry }) =>
      `no other name is rewritten, so clients of "${registry}" get their tokens from a public one`,
    hint: () => "GitLab's registry sends them to GitLab itself: rewrite that name too, with its upstream",
  }),
  'dependency-proxy': code<{ image: string; target: string; endpoint: string }>({
    severity: 'warning',
    message: ({ image }) => `nodes have no mirror for "${image}", which is how CI jobs name the Dependency Proxy`,
    hint: ({ image, target, endpoint }) => `write under targets.${target}: mirrors: { "${image}": [${endpoint}] }`,
  }),
  'public-fallback': code<{ registry: string; host: string; targets: readonly string[]; settable: readonly string[] }>({
    severity: 'warning',
    message: ({ registry, host, targets }) =>
      `when "${host}" fails, nodes silently pull from "${registry}" on the internet instead (${targets.join(', ')})`,
    hint: ({ registry, targets, settable }) => {
      const block = `block "${registry}" for the nodes; a pull error that names it then means that the mirror failed`;
      if (settable.length === 0) return block;
      const set = `write fallback: false under ${settable.map((target) => `targets.${target}`).join(' and ')}`;
      const others = targets.filter((target) => !settable.includes(target));
      return others.length === 0 ? set : `${set}; for ${others.join(' and ')}, which cannot be told so, ${block}`;
    },
  }),
  'certificate-name': code<{ file: string; names: readonly string[] }>({
    severity: 'warning',
    message: ({ file, names }) => `the certificate "${file}" does not cover ${quotedList(names)}`,
    hint: () => 'get one for both sides of every rewrite with an upstream',
  }),
  'site-loop': code<{ upstream: string; name: string; side: 'from' | 'to' }>({
    severity: 'warning',
    message: ({ upstream, name, side }) =>
      side === 'to'
        ? `upstream "${upstream}" of a site is "${name}", which is the site itself`
        : `a site that asks the rewritten DNS for "${name}" finds itself, not upstream "${upstream}"`,
    hint: ({ upstream }) => `write the real addresses: servers: [10.0.0.1:443] under upstreams.${upstream}`,
  }),
  'pods-only': code<{ registry: string }>({
    severity: 'warning',
    message: ({ registry }) => `"${registry}" is rewritten for pods, but nodes pull images and do not ask CoreDNS`,
    hint: () => 'add the target of your nodes, such as bottlerocket or containerd',
  }),
  'nodes-only': code<{ name: string }>({
    severity: 'warning',
    message: ({ name }) => `nodes have mirrors, but pods still look up "${name}" where it was`,
    hint: () => 'add the target coredns',
  }),
  'some-nodes': code<{ registry: string; target: string; without: readonly string[] }>({
    severity: 'warning',
    message: ({ registry, target, without }) =>
      `"${registry}" is mirrored for nodes of ${target}, but not for those of ${without.join(', ')}`,
    hint: () => 'give every target for nodes the same mirrors',
  }),
  'untested-policy': code<Record<string, never>>({
    severity: 'warning',
    message: () => 'the spec has proxies or rewrites but no tests',
    hint: () => 'write down what must pass and what must not under tests; validate runs them',
  }),
});

function quotedList(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
