import type { RenderedFile } from '../../src/targets/target.ts';

/** A mistake that a generator could make, made in what it generated. */
export interface Mutation {
  readonly name: string;
  readonly tamper: (file: RenderedFile) => RenderedFile;
}

/** Replaces every occurrence in a file. */
const replaced = (name: string, path: string, from: string | RegExp, to: string): Mutation => ({
  name,
  tamper: (file) => (file.path === path ? { ...file, text: file.text.replaceAll(from, to) } : file),
});

const caddyfile = (name: string, from: string | RegExp, to: string) => replaced(name, 'caddy/Caddyfile', from, to);

/** By engine. Each opens what the spec closes, or closes what it opens; verify has to see it. */
export const mutations = {
  caddy: [
    caddyfile('a path that is not anchored at its end', /\(\?:\[\?\]\|\$\)" "(?=read|write|special|more)/g, '" "'),
    caddyfile('any method for GET', '(?:GET|HEAD) /', '[A-Z]+ /'),
    caddyfile('the decoded path in place of the raw one', '{http.request.orig_uri}', '{http.request.uri.path}'),
    caddyfile('the headers of the client are not cleared', 'header_up -*\n', 'header_up X-None none\n'),
    caddyfile('no address is refused', /error @outside 403\n/g, '\n'),
    caddyfile("a key's own addresses are not asked for", /vars @bound1 class ""/g, 'vars @bound1 other ""'),
    caddyfile('a key with anything behind it', '(?:[ \\t]*|,.*)$" "$1"', '.*$" "$1"'),
    caddyfile('any query', 'default "400"', 'default "ok"'),
    caddyfile('cookies of the upstream pass', /header_down -Set-Cookie\n/g, '\n'),
    caddyfile('Location names the upstream', /header_down Location .*\n/g, '\n'),
    caddyfile('the wrong Host upstream', 'header_up Host "gitlab.example.com"', 'header_up Host {http.request.host}'),
    caddyfile('keys do not expire', /"~\^\(\[\^ \]\+\[\.\]1\) 0\*.*" "\$1"/g, '"~^([^ ]+[.]1) " "$1"'),
  ],
} satisfies Record<string, readonly Mutation[]>;
