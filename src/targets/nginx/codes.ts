import { code, defineCodes } from '../../diagnostics/codes.ts';

export const nginxCodes = defineCodes('nginx', {
  'taken-name': code<{ id: string; other: string }>({
    severity: 'error',
    message: ({ id, other }) => `proxy "${id}" would be written to the file of ${other}`,
    hint: () => 'give the proxy another name; names that differ in case only are one file on many machines',
  }),
  'twin-keys': code<{ id: string; other: string }>({
    severity: 'error',
    message: ({ id, other }) => `keys "${id}" and "${other}" differ in case only, which nginx does not see`,
    hint: () => 'rename one of them',
  }),
  'unwritable-text': code<{ what: string; problem: string }>({
    severity: 'error',
    message: ({ what, problem }) => `${what} ${problem}, so nginx cannot read it`,
    hint: () =>
      'nginx takes at most 3,900 bytes of text without control characters; "$" counts nine, quotes and backslashes two',
  }),
  'too-deep': code<{ segments: number; most: number }>({
    severity: 'error',
    message: ({ segments, most }) =>
      `this path has ${segments} segments after those that all paths share, and nginx can tell ${most} apart`,
    hint: () => 'write the rest as {name*}, which also allows what is longer, or use the target caddy',
  }),
  'unknown-method': code<{ method: string }>({
    severity: 'error',
    message: ({ method }) => `nginx refuses the method ${method} while it reads the request`,
    hint: () => 'nginx knows methods of letters and "-" only',
  }),
  'answer-status': code<{ status: number }>({
    severity: 'error',
    message: ({ status }) => `nginx cannot answer ${status} with a body: it takes the text for the address to go to`,
    hint: () => 'answer with a status other than 301, 302, 303, 307 and 308',
  }),
  'unverifiable-address': code<{ host: string }>({
    severity: 'error',
    message: ({ host }) => `nginx compares certificates with names only, so it cannot verify ${host}`,
    hint: () => 'write the name in the certificate as tls.serverName',
  }),
  'needs-version': code<{ option: string; version: string }>({
    severity: 'error',
    message: ({ option, version }) => `${option} needs nginx ${version}`,
    hint: ({ version }) => `say that nothing older runs this config: version: "${version}"`,
  }),
  'first-value-only': code<{ header: string }>({
    severity: 'warning',
    message: ({ header }) => `nginx before 1.23 reads only the first ${header} of a request, not the last`,
    hint: () =>
      'see to it that the proxy in front replaces the header instead of adding one, or run nginx 1.23 and say so: version: "1.23"',
  }),
  'no-sites': code<{ rewrites: number }>({
    severity: 'warning',
    message: ({ rewrites }) =>
      `${rewrites} domain ${rewrites === 1 ? 'rewrite has' : 'rewrites have'} an upstream, but nginx gets no site for ${rewrites === 1 ? 'it' : 'them'}`,
    hint: () => 'say which certificate they have: sites: { tls: { certFile: …, keyFile: … } }',
  }),
  'unused-sites': code<Record<string, never>>({
    severity: 'warning',
    message: () => 'no domain rewrite names an upstream, so there is no site',
    hint: () => 'write upstream beside from and to, or take sites out',
  }),
  'site-certificate': code<Record<string, never>>({
    severity: 'error',
    message: () => 'the sites need a certificate, and nginx makes none itself',
    hint: () =>
      'give tls: { certFile: …, keyFile: … } for both names of every rewrite, or tls: inFront where a load balancer has it',
  }),
  'first-line-only': code<Record<string, never>>({
    severity: 'warning',
    message: () =>
      'of an answer with several Www-Authenticate, Link or Content-Security-Policy, nginx before 1.23 passes on the first',
    hint: () =>
      'GitLab sends one of each; where a proxy in front of it adds some, run nginx 1.23 and say so: version: "1.23"',
  }),
  'selector-collision': code<{ key: string; other: string }>({
    severity: 'error',
    message: ({ key, other }) => `a key of "${key}" ends in the same 8 characters as one of "${other}", ignoring case`,
    hint: () => 'nginx finds a key by its end; make a new random key for one of them',
  }),
});
