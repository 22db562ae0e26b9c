import { code, defineCodes } from '../diagnostics/codes.ts';

export const policyCodes = defineCodes('policy', {
  'bad-request': code<{ text: string; problem: string; meant?: string }>({
    severity: 'error',
    message: ({ text, problem }) => `"${text}" is not a request: ${problem}`,
    hint: ({ meant = 'GET /api/v4/groups/{group:encodedPath}' }) =>
      `write it as METHOD[,METHOD] /path, for example "${meant}"`,
  }),
  'bad-pattern': code<{ path: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ path, problem }) => `path "${path}" ${problem}`,
    hint: ({ hint }) => hint,
  }),
  'unknown-reference': code<{ kind: string; name: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ kind, name }) => `unknown ${kind} "${name}"`,
    hint: ({ known }) => (known.length === 0 ? 'none is defined' : `defined: ${known.join(', ')}`),
  }),
  'bad-range': code<{ text: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ text, problem }) => `"${text}" ${problem}`,
    hint: ({ hint }) => hint,
  }),
  'whole-family': code<{ family: 4 | 6; anybody: boolean }>({
    severity: 'error',
    message: ({ family }) => `these ranges together hold every IPv${family} address`,
    hint: ({ anybody }) =>
      anybody ? 'where everybody is meant, write "ipRanges: any"' : 'list the load balancers that you run',
  }),
  'range-cycle': code<{ names: readonly string[] }>({
    severity: 'error',
    message: ({ names }) => `address sets contain each other: ${names.join(' → ')}`,
    hint: () => 'take one of the references out',
  }),
  'unreadable-file': code<{ file: string; problem: string }>({
    severity: 'error',
    message: ({ file, problem }) => `cannot read "${file}": ${problem}`,
    hint: () => 'the path is relative to the spec',
  }),
  'bad-url': code<{ text: string; problem: string; hint?: string | undefined }>({
    severity: 'error',
    message: ({ text, problem }) => `"${text}" ${problem}`,
    hint: ({ hint }) => hint ?? 'write an origin such as https://gitlab.example.com or http://10.0.0.1:8080',
  }),
  'bad-host-port': code<{ text: string; hint: string }>({
    severity: 'error',
    message: ({ text }) => `"${text}" is not host:port`,
    hint: ({ hint }) => hint,
  }),
  'insecure-token': code<{ upstream: string }>({
    severity: 'error',
    message: ({ upstream }) => `upstream "${upstream}" gets a token, so its certificate must be verified`,
    hint: () => 'give tls.caFile for a private CA instead of insecureSkipVerify',
  }),
  'credential-header': code<{ header: string; why: string }>({
    severity: 'error',
    message: ({ header, why }) => `header "${header}" ${why}, so it never passes`,
    hint: () => "take it out; auth: passthrough lets the client's own credentials through",
  }),
  'unusable-header': code<{ header: string; what: string; why: string; better: string }>({
    severity: 'error',
    message: ({ header, what, why }) => `header "${header}" ${why}, so it cannot carry ${what}`,
    hint: ({ better }) => `choose a header of its own, such as ${better}`,
  }),
  'forwarded-key': code<{ header: string; group: string }>({
    severity: 'error',
    message: ({ header, group }) => `header "${header}" holds the keys, and group "${group}" forwards it`,
    hint: () => 'take it out of headers of the group, or read the keys from another header',
  }),
  'overlap-conflict': code<{ request: string; differ: string }>({
    severity: 'error',
    message: ({ request, differ }) => `two patterns match ${request} but disagree on ${differ}`,
    hint: () => 'make both groups forward alike, or narrow one pattern',
  }),
  'answer-conflict': code<{ request: string }>({
    severity: 'error',
    message: ({ request }) => `${request} is both answered here and forwarded`,
    hint: () => 'take it out of answer, or narrow the pattern under routes',
  }),
  'too-many-overlaps': code<{ states: number }>({
    severity: 'error',
    message: ({ states }) => `the patterns overlap in more than ${states} ways`,
    hint: () => 'replace literal segments beside a parameter by the parameter, or split the group over two proxies',
  }),
  'unusable-group': code<{ key: string; group: string }>({
    severity: 'error',
    message: ({ key, group }) => `key "${key}" names group "${group}", which takes no keys (auth: passthrough)`,
    hint: () => 'take it out of routes of the key; a passthrough group is open to all',
  }),
  'bad-domain': code<{ name: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ name, problem }) => `"${name}" ${problem}`,
    hint: ({ hint }) => hint,
  }),
  'rewrite-conflict': code<{ name: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ name, problem }) => `"${name}" ${problem}`,
    hint: ({ hint }) => hint,
  }),
  'duplicate-listen': code<{ listen: string; other: string }>({
    severity: 'error',
    message: ({ listen, other }) => `listens on ${listen}, as proxy "${other}" does`,
    hint: () => 'give each proxy its own port or address',
  }),
  'bad-line': code<{ file: string }>({
    severity: 'error',
    message: ({ file }) => `a line of "${file}" is no address`,
    hint: () => 'one IPv4 or IPv6 address or CIDR a line, and # before a comment',
  }),
  'bad-answer-body': code<{ problem: string }>({
    severity: 'error',
    message: ({ problem }) => `the body is not JSON: ${problem}`,
    hint: () => 'errors and answers are JSON; quote strings, as in \'"ok"\'',
  }),
  'bad-header-value': code<{ header: string; problem: string }>({
    severity: 'error',
    message: ({ header, problem }) => `the value of "${header}" ${problem}`,
    hint: () => 'use printable ASCII without leading or trailing blanks',
  }),
  'reserved-header': code<{ header: string }>({
    severity: 'error',
    message: ({ header }) => `header "${header}" is set already, or by the proxy itself`,
    hint: () => 'choose another name',
  }),
  'key-is-token': code<{ key: string }>({
    severity: 'error',
    message: ({ key }) => `key "${key}" is the upstream token itself`,
    hint: () =>
      'the caller must never hold the token; give it a key of its own, for example from "openssl rand -hex 24"',
  }),
  'shared-key': code<{ reference: string }>({
    severity: 'error',
    message: ({ reference }) => `two keys are read from ${reference}`,
    hint: () => 'give each caller its own key, so that logs and limits can tell them apart',
  }),
  'two-address-sources': code<Record<string, never>>({
    severity: 'error',
    message: () => 'the client address comes from the PROXY protocol, so no header is read',
    hint: () => 'take header out, or proxyProtocol',
  }),
  'bad-date': code<{ text: string }>({
    severity: 'error',
    message: ({ text }) => `"${text}" is not a date of the calendar`,
    hint: () => 'write a UTC date such as 2027-06-30',
  }),
});
