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
    caddyfile('no address is refused', /error @outside 403\n/g, '\n'),
    caddyfile("a key's own addresses are not asked for", /vars @bound1 class ""/g, 'vars @bound1 other ""'),
    caddyfile('a key with anything behind it', '[ \\t]*(?:,.*)?$" "$1"', '.*$" "$1"'),
    caddyfile('any query', 'default "400"', 'default "ok"'),
    caddyfile('cookies of the upstream pass', /header_down -Set-Cookie\n/g, '\n'),
    caddyfile('Location names the upstream', /header_down Location .*\n/g, '\n'),
    caddyfile('the wrong Host upstream', 'header_up Host "gitlab.example.com"', 'header_up Host {http.request.host}'),
    caddyfile('any certificate of an upstream', /tls_trust_pool file .*\n/g, 'tls_insecure_skip_verify\n'),
    caddyfile('no route upgrades to WebSocket', '(?i)^websocket ', '(?i)^nosocket '),
    caddyfile('the log does not say whose key it was', 'log_append key {http.vars.key}', 'log_append key ""'),
    caddyfile('keys do not expire', /"~\^\(\[\^ \]\+\[\.\]1\) 0\*.*" "\$1"/g, '"~^([^ ]+[.]1) " "$1"'),
  ],
  nginx: [
    conf('a path that is not anchored at its end', /(map \$p1_s6 \$p1_f5_6 \{\n {4}default) \$p1_q6;/g, '$1 $p1_q5;'),
    conf('a number with anything behind it', '"~^/(?:[0-9]++)\\\\z" "i"', '"~^/(?:[0-9]++)" "i"'),
    conf('any method for GET', /"\$\{p1_state\} \$\{p1_method\}" \$p1_cell/g, '"${p1_state} GET" $p1_cell'),
    conf(
      'the decoded path in place of the raw one',
      'map $request $p1_q0',
      'map "$request_method $uri HTTP/1.1" $p1_q0',
    ),
    conf(
      'the headers of the client are not cleared',
      'proxy_pass_request_headers off',
      'proxy_pass_request_headers on',
    ),
    conf('Sudo is not cleared', 'proxy_set_header Host ', 'proxy_set_header Sudo $http_sudo; proxy_set_header Host '),
    conf('no address is refused', /(\$p1_verdict \{\n {4}default) "403";/g, '$1 $p1_v_open;'),
    conf(
      "a key's own addresses are not asked for",
      '"1 any" $p1_v_token;',
      `"1 any" $p1_v_token; ${[1, 2, 3, 4, 5, 6].map((set) => `"1 ${set}" $p1_v_token;`).join(' ')}`,
    ),
    conf('keys known by their end alone', '"${secure_link} ${k1_from}"', '"1 ${k1_from}"'),
    conf('any query', /(\$p1_v_query \{\n {4}default) "400";/g, '$1 $p1_v_host;'),
    conf('every key may use every route', /(\$p1_v_cell \{\n {4}default) \$p1_v_scope;/g, '$1 $p1_v_query;'),
    conf('cookies of the upstream pass', 'proxy_hide_header set-cookie;', ''),
    conf('orders of the upstream are obeyed', /proxy_ignore_headers .*;/g, ''),
    conf('Location names the upstream', /proxy_redirect "~.*;/g, 'proxy_redirect off;'),
    conf('the wrong Host upstream', 'proxy_set_header Host "gitlab.example.com";', 'proxy_set_header Host $http_host;'),
    conf('the decoded path goes upstream', '${request_uri}"', '${uri}"'),
    conf('any certificate of an upstream', 'proxy_ssl_verify on;', 'proxy_ssl_verify off;'),
    conf('no route upgrades to WebSocket', 'proxy_set_header Upgrade $upgrade;', ''),
    conf('the log does not say whose key it was', /"\\"key\\":\\"\$\{p1_known\}/g, '"\\"key\\":\\"'),
    conf('keys do not expire', /"=?old" ",1577836799";/g, ''),
  ],
} satisfies Record<string, readonly Mutation[]>;
