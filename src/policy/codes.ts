import { defineCodes, error } from '../diagnostics/codes.ts';

export const policyCodes = defineCodes('policy', {
  'bad-request': error('"{text}" is not a request: {problem}').hint(
    ({ meant = 'GET /api/v4/groups/{group:encodedPath}' }: { meant?: string }) =>
      `write it as METHOD[,METHOD] /path, for example "${meant}"`,
  ),
  'bad-pattern': error('path "{path}" {problem}').hint('{hint}'),
  'unknown-reference': error('unknown {kind} "{name}"').hint(({ known }: { known: readonly string[] }) =>
    known.length === 0 ? 'none is defined: write it down first, or take this out' : `defined: ${listed(known)}`,
  ),
  'bad-range': error('"{text}" {problem}').hint('{hint}'),
  'whole-family': error('these ranges together hold every IPv{family} address').hint(
    ({ anybody }: { anybody: boolean }) =>
      anybody ? 'where everybody is meant, write "ipRanges: any"' : 'list the load balancers that you run',
  ),
  'range-cycle': error(
    ({ names }: { names: readonly string[] }) => `address sets contain each other: ${names.join(' → ')}`,
  ).hint('take one of the references out'),
  'unreadable-file': error('cannot read "{file}": {problem}').hint('the path is relative to the spec'),
  unpinned: error('"{file}" is published by others, and nothing says that it is what was reviewed').hint(
    'write sha256: {actual} if it is',
  ),
  'wrong-digest': error('"{file}" is not the file that was reviewed: its sha256 is {actual}').hint(
    'run "postern ranges update {set} FILE" with what was downloaded; it shows what changes before it writes',
  ),
  'bad-snapshot': error('"{file}" {problem}').hint(
    ({ format }: { format: string }) => `format: ${format} is read as its publisher serves it, unchanged`,
  ),
  'bad-select': error('"{file}" {problem}').hint('{hint}'),
  'bad-url': error('"{text}" {problem}').hint(
    ({ hint }: { hint?: string | undefined }) =>
      hint ?? 'write an origin such as https://gitlab.example.com or http://10.0.0.1:8080',
  ),
  'bad-origin': error('"{text}" is no origin of a page: it {problem}').hint(
    'write it as browsers do, such as https://app.example.com; where every page is meant, write "origins: any"',
  ),
  'plain-public-url': error('{url} is plain HTTP, and the proxy itself speaks TLS').hint(
    ({ url }: { url: string }) => `write ${url.replace(/^http/, 'https')}, or take tls out where TLS ends elsewhere`,
  ),
  'bad-host-port': error('"{text}" is not host:port').hint('{hint}'),
  'insecure-token': error('upstream "{upstream}" gets a token, so its certificate must be verified').hint(
    'give tls.caFile for a private CA instead of insecureSkipVerify',
  ),
  'credential-header': error('header "{header}" {why}, so it never passes').hint(
    "take it out; auth: passthrough lets the client's own credentials through",
  ),
  'many-headers': error(
    'the names of the headers that pass have {length} characters together, and engines take {limit} at most',
  ).hint('let fewer headers pass'),
  'lost-address': error(
    'proxy "{proxy}" stands behind {before} of this spec, and would take the address of that for the client\'s',
  ).hint('let it listen to what that says: clientIp: { trustedProxies: ["{address}"] }'),
  'unusable-header': error('header "{header}" {why}, so it cannot carry {what}').hint(
    'choose a header of its own, such as {better}',
  ),
  'no-scheme': error('"Authorization" carries nothing without a scheme, so no request can satisfy this').hint(
    'add {field}: Bearer beside it, or choose a header of its own, such as PRIVATE-TOKEN',
  ),
  'two-forms': error(
    '{reference} goes to upstream "{basic}" as user:password (tokenScheme: Basic) and to "{other}" as a token, and no value is both',
  ).hint('give a caller of both two keys, each with a token of its own'),
  'forwarded-key': error('header "{header}" holds the keys, and group "{group}" forwards it').hint(
    'take it out of headers of the group, or read the keys from another header',
  ),
  'no-websocket': error('a WebSocket is opened with GET, and this allows none').hint(
    'allow GET, or take websocket out',
  ),
  'overlap-conflict': error('two patterns match {request} but disagree on {differ}').hint(
    'make both groups forward alike, or narrow one pattern',
  ),
  'answer-conflict': error('{request} is both answered here and forwarded').hint(
    'take it out of answer, or narrow the pattern under routes',
  ),
  'health-conflict': error('{request} asks whether the proxy is alive, and something else is said of it').hint(
    'choose a path under health that no route and no answer matches',
  ),
  'health-path': error('path "{path}" {problem}').hint('write one path, such as /healthz'),
  'vault-url': error('this is not the address of a GitLab').hint('write https://HOST, without a path'),
  'vault-rotation': error('a token is replaced 24h to 730h before its end').hint('write a duration such as 48h'),
  'vault-role': error('role "{role}": {problem}').hint(
    'the plugin, or GitLab, refuses it, or takes more than was meant',
  ),
  'vault-unusable': error('a {type} token cannot be sent as {wanted}').hint(
    'take a role of another type, or tokenScheme: Basic for a deploy token',
  ),
  'vault-key': error('{reference} changes with each lease: it is no key of a caller').hint(
    'keep the key in a key-value store, or in a file or variable',
  ),
  'vault-asked': error('role "{role}": {problem}').hint('{hint}'),
  'too-many-overlaps': error('the patterns overlap in more than {states} ways').hint(
    'replace literal segments beside a parameter by the parameter, or split the group over two proxies',
  ),
  'unusable-group': error('key "{key}" names group "{group}", which takes no keys (auth: passthrough)').hint(
    'take it out of routes of the key; a passthrough group is open to all',
  ),
  'bad-domain': error('"{name}" {problem}').hint('{hint}'),
  'rewrite-conflict': error('"{name}" {problem}').hint('{hint}'),
  'duplicate-listen': error('listens on {listen}, as proxy "{other}" does').hint(
    'give each proxy its own port or address, or names of its own: hosts',
  ),
  'shared-listen': error('shares {listen} with proxy "{other}", and they disagree on {differ}').hint(
    'make both say the same, or give each proxy its own port or address',
  ),
  'shared-host': error('"{host}" is a name of proxy "{other}" on the same port').hint('take it out of one of the two'),
  'bad-line': error('a line of "{file}" is no address').hint(
    'one IPv4 or IPv6 address or CIDR a line, and # before a comment',
  ),
  'bodiless-answer': error('an answer of {status} has no body').hint('take body out, or answer with another status'),
  'bad-answer-body': error('the body is not JSON: {problem}').hint(
    'errors and answers are JSON; quote strings, as in \'"ok"\'',
  ),
  'bad-header-value': error('the value of "{header}" {problem}').hint(
    'use printable ASCII without leading or trailing blanks',
  ),
  'reserved-header': error('header "{header}" is set already, or by the proxy itself').hint('choose another name'),
  'key-is-token': error('key "{key}" is the upstream token itself').hint(
    'the caller must never hold the token; give it a key of its own, for example from "openssl rand -hex 24"',
  ),
  'shared-key': error('two keys are read from {reference}').hint(
    'give each caller its own key, so that logs and limits can tell them apart',
  ),
  'two-address-sources': error('the client address comes from the PROXY protocol, so no header is read').hint(
    'take header out, or proxyProtocol',
  ),
  'bad-date': error('"{text}" is not a date of the calendar').hint('write a UTC date such as 2027-06-30'),
});

const SHOWN = 20;

/** Returns names for a sentence. A long list is cut, because a spec may have as many mistakes as names. */
function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}
