import { defineCodes, error, note, warning } from '../diagnostics/codes.ts';

export const ruleCodes = defineCodes('rule', {
  'expired-key': error('key "{key}" expired on {expires}').hint('extend it, remove it, or pass --allow-expired'),
  'expired-include': error('this include expired on {expires}').hint('extend it, remove it, or pass --allow-expired'),
  'expiring-include': warning('this include expires on {expires}, in less than 14 days').hint(
    'extend it or take it out in time: from that moment on the spec is not valid',
  ),
  'expiring-key': warning('key "{key}" expires on {expires}, in less than 14 days').hint(
    'give the caller a second key, then extend the date',
  ),
  'expired-range': error('{cidr} of "@{set}" expired on {expires}').hint(
    'extend it or take it out: what is generated would go on to admit it, because no engine knows the date',
  ),
  'expiring-range': warning('{cidr} of "@{set}" expires on {expires}, in less than 14 days').hint(
    'extend it or take it out in time: from that moment on nothing is generated',
  ),
  'covered-range': warning('{cidr} is in {other} already').hint('take one of them out'),
  'bogon-range': warning('{cidr} holds {what}, which no client ever comes from').hint('take it out'),
  'mixed-range': warning('"@{set}" holds private addresses, such as {private}, beside public ones').hint(
    'give each a set of its own: behind a load balancer or in a security group of the internet, private addresses are other machines',
  ),
  'wide-range': warning('{cidr} is {share} of all IPv{family} addresses').hint('name the networks that are meant'),
  'empty-set': warning('nothing is left of "@{set}"').hint('what it takes in is all excluded: take it out'),
  unused: warning('{kind} "{name}" is used nowhere').hint('use it or remove it'),
  redundant: warning('everything that "{request}" allows is allowed by "{other}" already').hint(
    'remove it; access is a union, so a narrower pattern takes nothing away',
  ),
  'insecure-tls': warning('the certificate of upstream "{upstream}" is not verified').hint(
    'give tls.caFile for a private CA instead',
  ),
  'wide-write': warning('{methods} is allowed on everything below "{path}"').hint(
    'list the paths that are needed; {name*} also takes what the upstream adds later',
  ),
  'decoded-twice': warning('"{path}" also takes {request}, in which a server that decodes twice reads {meaning}').hint(
    'write encodedPath where no name holds "%", "?" or "#"; else make sure that "{upstream}", and every server in front of it, decodes a path once',
  ),
  'form-body': warning(
    'bodies of {type} can carry private_token, sudo or _method, which no proxy sees, beside the injected token',
  ).hint(
    'leave contentTypes at application/json; where an upload needs a form, name only that route and accept this there',
  ),
  'wide-token': warning('role "{role}" issues tokens that may do more than is asked of them: {problem}').hint(
    'narrow it; a JSON body is not looked into, so the token is what bounds it',
  ),
  'clear-text': warning('the token and all data go to upstream "{upstream}" unencrypted').hint(
    'write https://, or servers on 127.0.0.1 where something on this machine encrypts the rest of the way',
  ),
  'odd-method': warning(
    ({ method, meant }: { method: string; meant: string | undefined }) =>
      `"${method}" is no method of HTTP${meant === undefined ? '' : `, did you mean ${meant}?`}`,
  ).hint('methods are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS; hardly any client sends another'),
  'odd-literal': warning('the segment "{text}" matches only that very text').hint(
    'a parameter is {{parameter}}, and the rest of a path {{parameter}*}',
  ),
  'unreachable-proxy': warning('no key reaches a route of proxy "{proxy}"').hint(
    'give a key one of its route groups, and addresses that the proxy admits',
  ),
  'unreachable-group': warning('route group "{group}" is served, but no key may use it there').hint(
    'add it to the routes of a key that may come to the proxy, or take it out',
  ),
  'unreachable-key': warning('key "{key}" is good for no address that a proxy with its routes admits').hint(
    'ranges of a key narrow those of the proxy: name addresses that are in both',
  ),
  'nobody-comes': warning('no {what} can come to proxy "{proxy}" by this list: {why}').hint(
    'name addresses of the family that the proxy listens to, or listen to theirs',
  ),
  'foreign-public-url': warning('proxy "{proxy}" sends clients to {host}, and answers 421 there').hint(
    ({ hosts }: { hosts: readonly string[] }) =>
      `add it to hosts (${hosts.join(', ')}), unless what stands in front of the proxy asks it by one of those`,
  ),
  'makes-nothing': warning('no target makes anything of {what}').hint('{remedy}'),
  'open-to-all': warning('proxy "{proxy}" lets anybody reach group "{group}": no address range and no key').hint(
    'name the client addresses under ipRanges of the proxy',
  ),
  'any-page': warning('pages of any origin may use proxy "{proxy}" through the browser of whoever it admits').hint(
    'name the origins of your pages under cors; a key that a page holds is known to all who can open it',
  ),
  'token-realm': warning(
    'no other name is rewritten, so clients of "{registry}" get their tokens from a public one',
  ).hint("GitLab's registry sends them to GitLab itself: rewrite that name too, with its upstream"),
  'dependency-proxy': warning(
    'nodes have no mirror for "{image}", which is how CI jobs name the Dependency Proxy',
  ).hint('write under targets.{target}: mirrors: { "{image}": [{endpoint}] }'),
  'public-fallback': warning(
    ({ registry, host, targets }: Fallback) =>
      `when "${host}" fails, nodes silently pull from "${registry}" on the internet instead (${targets.join(', ')})`,
  ).hint(({ registry, targets, settable }: Fallback) => {
    const block = `block "${registry}" for the nodes; a pull error that names it then means that the mirror failed`;
    if (settable.length === 0) return block;
    const set = `write fallback: false under ${settable.map((target) => `targets.${target}`).join(' and ')}`;
    const others = targets.filter((target) => !settable.includes(target));
    return others.length === 0 ? set : `${set}; for ${others.join(' and ')}, which cannot be told so, ${block}`;
  }),
  'certificate-name': warning(
    ({ file, names }: { file: string; names: readonly string[] }) =>
      `the certificate "${file}" does not cover ${quotedList(names)}`,
  ).hint('get one for both sides of every rewrite with an upstream'),
  'site-loop': warning(({ upstream, name, side }: { upstream: string; name: string; side: 'from' | 'to' }) =>
    side === 'to'
      ? `upstream "${upstream}" of a site is "${name}", which is the site itself`
      : `a site that asks the rewritten DNS for "${name}" finds itself, not upstream "${upstream}"`,
  ).hint('write the real addresses: servers: [10.0.0.1:443] under upstreams.{upstream}'),
  'pods-only': warning('"{registry}" is rewritten for pods, but nodes pull images and do not ask CoreDNS').hint(
    'add the target of your nodes, such as bottlerocket or containerd',
  ),
  'port-for-nodes': warning(
    '"{registry}" leads elsewhere for nodes alone: DNS knows no ports, and pods look up "{name}" where it was',
  ).hint('rewrite "{name}" too, if pods pull images by that name and all of its ports lead there'),
  'nodes-only': warning('nodes have mirrors, but pods still look up "{name}" where it was').hint(
    'add the target coredns',
  ),
  'some-nodes': warning(
    ({ registry, target, without }: { registry: string; target: string; without: readonly string[] }) =>
      `"${registry}" is mirrored for nodes of ${target}, but not for those of ${without.join(', ')}`,
  ).hint('give every target for nodes the same mirrors'),
  'plain-project': warning('{{name}} of "{path}" takes numbers and no path of a {what}').hint(
    'write {{name}:encodedPath}, which takes group%2Fproject too, or {{name}:int} where only numbers are meant',
  ),
  'secret-route': warning('{request} {what}').hint(
    'take it out, or give it a group of its own that only the keys have which need it',
  ),
  'admin-route': warning('{request} {what}').hint(
    'take it out, or give it a group of its own that only the keys have which need it',
  ),
  graphql: warning('one path of GraphQL is every query and every change, so that no pattern bounds it').hint(
    'allow the REST paths that are needed; else the token is all that bounds it',
  ),
  'shared-token': note(
    'keys "{key}" and "{other}" send the same token, so the upstream takes them for one caller',
  ).hint('give each key a token of its own: one can then be taken back without the other'),
  'endless-key': note('key "{key}" has no end').hint('write expires: with a date on which somebody looks at it again'),
  'ownerless-key': note('nobody is named who answers for key "{key}"').hint(
    'write owner: whoever is to be asked before it is changed',
  ),
  'half-rotated': note('key "{key}" is being rotated: its old key goes on to work').hint(
    'when the log shows no more use of it, "postern keys retire {key} --log FILE"',
  ),
  'key-from-anywhere': warning('key "{key}" works from every address, so whoever finds it can use it').hint(
    'name the addresses of its owner: ipRanges under the key, or under proxy "{proxy}"',
  ),
  'plain-listener': note('clients send their keys to proxy "{proxy}" unencrypted').hint(
    'give it tls, or say where TLS ends: publicUrl: https://…, or clientIp with the load balancers',
  ),
  'trusted-clients': warning('{address} is both a client of proxy "{proxy}" and believed about who its client is').hint(
    'trust the addresses of the load balancers alone: such a client can write any address for its own',
  ),
  'proxy-certificate': warning(
    ({ file, names }: { file: string; names: readonly string[] }) =>
      `the certificate "${file}" does not cover ${quotedList(names)}, by which clients ask for the proxy`,
  ).hint('get one for all of its hosts and its publicUrl'),
  'expiring-certificate': warning(
    ({ file, ends, over }: { file: string; ends: string; over: boolean }) =>
      `a certificate of "${file}" ${over ? `ended on ${ends}` : `ends on ${ends}, in less than 14 days`}`,
  ).hint('renew it: connections fail from that moment on'),
  'wide-read': warning('"{path}" reads all that upstream "{upstream}" shows to the token').hint(
    'list the paths that are needed; {name*} also takes what the upstream adds later',
  ),
  'long-connect': warning('no connection to upstream "{upstream}" is waited for that long').hint(
    'write 75s or less: callers have gone by then, and the system gives up after about two minutes',
  ),
  'endless-body': warning('a caller with a key may send a body without an end').hint(
    'name the largest that is meant, such as maxBody: 1GB',
  ),
  'uncounted-requests': note(
    '{target} cannot limit how many requests of one address are under way, and here they need no key',
  ).hint('limit connections in front of it, in the load balancer or the firewall, or use an engine that counts them'),
  'misnamed-group': note('group "{group}" is called as if it only read, and allows {method}').hint(
    'give what writes a group and a name of its own, so that nobody hands it out by mistake',
  ),
  twin: note('{kind} "{name}" is the same as "{other}"').hint(
    'use one of them, so that a change of the one is not forgotten in the other',
  ),
  'only-allowed': warning('no test expects a refusal, so a spec that allows everything would pass').hint(
    'write what must not get through as well, such as { request: DELETE /path, expect: 404 }',
  ),
  'unbounded-include': warning('{owner} may grant anything in this file').hint(
    'say within: what the file may grant at most, or take owner out where nobody else writes it',
  ),
  'useless-envelope': warning(({ nested }: { nested: boolean }) =>
    nested ? 'this envelope admits all that the one around it does' : 'this envelope admits every request',
  ).hint(({ nested }: { nested: boolean }) =>
    nested ? 'take it out, or let it admit less' : 'say what the file needs: the paths, the methods, the upstreams',
  ),
  'any-token': note(
    'keys within this envelope, such as "{key}", may send any token that no key outside of it sends',
  ).hint('name those that are meant for them: tokens: [vault:gitlab/token/payments*]'),
  'unused-acceptance': warning(
    ({ code, meant }: { code: string; meant: string | undefined }) =>
      `there is no finding ${code} here${meant === undefined ? '' : `, did you mean ${meant}?`}`,
  ).hint('take it out: it would accept the next of its kind unseen'),
  'expired-acceptance': warning('that {code} is accepted ended on {ended}').hint(
    'look at the finding again: mend it, or accept it for some more time',
  ),
  'untested-policy': warning('the spec has proxies or rewrites but no tests').hint(
    'write down what must pass and what must not under tests; validate runs them',
  ),
});

interface Fallback {
  registry: string;
  host: string;
  targets: readonly string[];
  settable: readonly string[];
}

function quotedList(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
