import { defineCodes, error, warning } from '../../diagnostics/codes.ts';

export const nginxCodes = defineCodes('nginx', {
  'taken-name': error('proxy "{id}" would be written to the file of {other}').hint(
    'give the proxy another name; names that differ in case only are one file on many machines',
  ),
  'twin-keys': error('keys "{id}" and "{other}" differ in case only, which nginx does not see').hint(
    'rename one of them',
  ),
  'names-alike': error(
    ({ count, first, second }: { count: number; first: string; second: string }) =>
      `${count} rows of a table, such as ${first} and ${second}, have one place in it: nginx looks at all of them for a request, and may not start`,
  ).hint('nginx hashes a text as a number to the base of 31: give most of these names other letters'),
  'unwritable-text': error('{what} {problem}, so nginx cannot read it').hint(
    'nginx takes at most 3,900 bytes of text without control characters; "$" counts nine, quotes and backslashes two',
  ),
  'variable-path': error('nginx takes the "$" in this path for the start of a variable').hint(
    'give the file a name without "$"',
  ),
  'too-deep': error('this path has {segments} segments, and nginx can tell {most} apart').hint(
    'write the rest as {name*}, which also allows what is longer, or use the target caddy',
  ),
  'unknown-method': error('nginx refuses the method {method} while it reads the request').hint(
    'nginx knows methods of letters and "-" only',
  ),
  'answer-status': error('nginx cannot answer {status} with a body: it takes the text for the address to go to').hint(
    'answer with a status other than 301, 302, 303, 307 and 308',
  ),
  'unverifiable-address': error('nginx compares certificates with names only, so it cannot verify {host}').hint(
    'write the name in the certificate as tls.serverName',
  ),
  'needs-version': error('{option} needs nginx {version}').hint(
    'say that nothing older runs this config: version: "{version}"',
  ),
  'names-at-start': warning(
    ({ names }: { names: readonly string[] }) =>
      `nginx does not start, and takes no new configuration, while one of these names does not resolve: ${names.join(', ')}`,
  ).hint(
    'name the DNS servers that it is to ask while it runs: resolver: [10.0.0.2]; before 1.27.3 it then keeps no connections',
  ),
  'first-value-only': error(
    'nginx before 1.23 reads only the first {header} of a request, which the client may have written',
  ).hint('use X-Forwarded-For, which it reads whole, or run nginx 1.23 and say so: version: "1.23"'),
  'no-sites': warning(
    ({ rewrites }: { rewrites: number }) =>
      `${rewrites} domain ${rewrites === 1 ? 'rewrite has' : 'rewrites have'} an upstream, but nginx gets no site for ${rewrites === 1 ? 'it' : 'them'}`,
  ).hint('say which certificate they have: sites: { tls: { certFile: …, keyFile: … } }'),
  'unused-sites': warning('no domain rewrite names an upstream, so there is no site').hint(
    'write upstream beside from and to, or take sites out',
  ),
  'site-certificate': error('the sites need a certificate, and nginx makes none itself').hint(
    'give tls: { certFile: …, keyFile: … } for both names of every rewrite, or tls: inFront where a load balancer has it',
  ),
  'first-line-only': warning(
    'where a header comes in several lines, nginx before 1.23 passes on the first: {headers}',
  ).hint(
    'GitLab sends one line of each; where a client or another proxy adds some, run nginx 1.23 and say so: version: "1.23"',
  ),
  'no-shadow': warning('nginx cannot decide the shadow, so its log says nothing of it: {problem}').hint(
    'what is enforced is as it was',
  ),
  'interim-answers': warning(
    'nginx {version} takes an interim answer of an upstream, such as 103 Early Hints, for the final one',
  ).hint(
    'see to it that no upstream sends one, or run nginx 1.29 and say so: version: "1.29"; verify shows what becomes of it',
  ),
  'long-token': error('the token in {reference} is longer than the {limit} bytes that nginx takes').hint(
    'nginx reads no longer text from a file; ask for a token that is a reference, such as a personal access token',
  ),
  'selector-collision': error('a key of "{key}" ends in the same 8 characters as one of "{other}", ignoring case').hint(
    'nginx finds a key by its end; make a new random key for one of them',
  ),
});
