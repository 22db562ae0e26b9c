import type { RenderedFile } from '../../src/targets/target.ts';

/** A mistake that a generator could make, made in what it generated. */
export interface Mutation {
  readonly name: string;
  readonly tamper: (file: RenderedFile) => RenderedFile;
}

/** Replaces every occurrence in the files of these paths. */
const replaced = (name: string, path: RegExp, from: string | RegExp, to: string): Mutation => ({
  name,
  tamper: (file) => (path.test(file.path) ? { ...file, text: file.text.replaceAll(from, to) } : file),
});

const caddyfile = (name: string, from: string | RegExp, to: string) => replaced(name, /^caddy\/Caddyfile$/, from, to);

/** In any of nginx's own files. */
const conf = (name: string, from: string | RegExp, to: string): Mutation => ({
  name,
  tamper: (file) => ({ ...file, text: file.text.replaceAll(from, to) }),
});

/** By engine. Each opens what the spec closes, or closes what it opens; verify has to see it. */
export const mutations = {
  caddy: [
    replaced('a path that is not anchored at its end', /^caddy\/.*[.]routes$/, /\$" "(?=[A-Z]+=)/g, '" "'),
    caddyfile('any method for GET', '"~^GET (?:[^ ]+ )*GET=', '"~^[A-Z]+ (?:[^ ]+ )*GET='),
    caddyfile('the decoded path in place of the raw one', '{http.request.orig_uri}', '{http.request.uri.path}'),
    caddyfile('the headers of the client are not cleared', 'header_up -*\n', 'header_up X-None none\n'),
    caddyfile('Sudo is not cleared', 'header_up Host ', 'header_up Sudo {http.request.header.Sudo}\n\theader_up Host '),
    caddyfile('no address is refused', /error @outside address 403\n/g, '\n'),
    caddyfile("a key's own addresses are not asked for", /vars (@bound-\S+) class ""/g, 'vars $1 other ""'),
    caddyfile('a key with anything behind it', '[ \\t]*(?:,.*)?$" "$1"', '.*$" "$1"'),
    caddyfile('whatever follows a name and a colon is a port', /header_regexp Host .*/g, 'not header Host [*'),
    caddyfile('any query', 'default "query"', 'default "ok"'),
    caddyfile('cookies of the upstream pass', /header_down -Set-Cookie\n/g, '\n'),
    caddyfile('Location names the upstream', /header_down Location .*\n/g, '\n'),
    caddyfile('Content-Location names the upstream', /header_down Content-Location .*\n/g, '\n'),
    caddyfile('a challenge names the upstream', /header_down Www-Authenticate .*\n/g, '\n'),
    caddyfile('the wrong Host upstream', 'header_up Host "gitlab.example.com"', 'header_up Host {http.request.host}'),
    caddyfile('any certificate of an upstream', /tls_trust_pool file .*\n/g, 'tls_insecure_skip_verify\n'),
    caddyfile('no route upgrades to WebSocket', '^[Ww][Ee][Bb][Ss]', '^[Nn][Oo][Ss]'),
    caddyfile('the log does not say whose key it was', 'log_append "<key" {http.vars.key}', 'log_append "<key" ""'),
    caddyfile('the log does not say why', 'user_id rename reason', 'user_id rename reason_'),
    caddyfile('keys do not expire', /"~\^\((\[\^ \]\+\/[0-9-]+)\) 0\*.*" "\$1"/g, '"~^($1) " "$$1"'),
  ],
  nginx: [
    conf(
      'a path that is not anchored at its end',
      /(map \$segment_6 \$(\w+)_path_5_to_8 \{\n {4}default) \$\w+;/g,
      '$1 $$$2_path_5;',
    ),
    conf('a number with anything behind it', '"~^(?:/[0-9]++)++\\\\z"', '"~^(?:/[0-9]++)++"'),
    conf('any method for GET', /"\$\{verb\} /g, '"GET '),
    conf('the decoded path in place of the raw one', 'map $request $verb', 'map "$request_method $uri HTTP/1.1" $verb'),
    conf(
      'the headers of the client are not cleared',
      'proxy_pass_request_headers off',
      'proxy_pass_request_headers on',
    ),
    conf('Sudo is not cleared', 'proxy_set_header Host ', 'proxy_set_header Sudo $http_sudo; proxy_set_header Host '),
    conf(
      'no address is refused',
      /(\$\w+_verdict \{\n {4}default) "address";(?=\n {4}"[^"]*" (\$?[\w"-]+);)/g,
      '$1 $2;',
    ),
    conf("a key's own addresses are not asked for", /\$\{in_\w+\}(?=";)/g, ''),
    conf('keys known by their end alone', '"${secure_link} ${', '"1 ${'),
    conf('whatever follows a name and a colon is a port', /(" \$\w+_verdict)_host(?=;\n)/g, '$1'),
    conf('a preflight under any Host', /(\$\w+_verdict_known \{\n {4}default) \$\w+;/g, '$1 "preflight";'),
    conf('any query', /(\$(\w+)_verdict_query \{\n {4}default) "query";/g, '$1 $$$2_verdict_host;'),
    conf('every key may use every route', /(\$(\w+)_verdict_route \{\n {4}default) \$\w+;/g, '$1 $$$2_verdict_query;'),
    conf('cookies of the upstream pass', 'proxy_hide_header set-cookie;', ''),
    conf('orders of the upstream are obeyed', /proxy_ignore_headers .*;/g, ''),
    conf('Location names the upstream', 'proxy_hide_header location;', ''),
    conf('Content-Location names the upstream', 'proxy_hide_header content-location;', ''),
    conf('a challenge names the upstream', 'proxy_hide_header www-authenticate;', ''),
    conf('the wrong Host upstream', 'proxy_set_header Host "gitlab.example.com";', 'proxy_set_header Host $http_host;'),
    conf('the decoded path goes upstream', '${request_uri}"', '${uri}"'),
    conf('any certificate of an upstream', 'proxy_ssl_verify on;', 'proxy_ssl_verify off;'),
    conf('no route upgrades to WebSocket', 'proxy_set_header Upgrade $upgrade;', ''),
    conf('the log does not say whose key it was', /"\\"key\\":\\"\$\{\w+_log_key\}/g, '"\\"key\\":\\"'),
    conf('the log says the wrong reason', '"key-address"', '"key-unknown"'),
    conf('a client can ask for the names of the generator', /\/(?:\[[.]\]|[.])\//g, '/~/'),
    conf('a client writes the marks of capitals itself', /\[\^(A-Z)?\{\]/g, '[^$1 ]'),
    conf('keys do not expire', /"=?old" ",1577836799";/g, ''),
  ],
} satisfies Record<string, readonly Mutation[]>;
