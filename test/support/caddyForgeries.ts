import type { Certificate } from '../../src/targets/caddy/certificate.ts';
import { after, both, edited, remade, rewritten, type Step } from './refusals.ts';

/** Lines of the files of the small spec that cases edit. */
export const [SITE, REFUSED, INT] = ['http://:8080 {', '@refused not vars', '"~^/a/[0-9]+/x$"'];
export const [CLASS, TWO] = ['map "{http.vars.key}" {caller.class} {', '"~^two$" "*/10.0.0.0-9/never"'];
export const [PASS, ROUTE] = ['{decision.pass} {', '{request.route} {'];

const moved = (line: string, before: string) => (files: Parameters<typeof after>[0]) =>
  after(after(files, `${line}\n`, '\n'), before, `${line}\n${before}`);
const KEY_ID = CLASS.replace('http.vars.key', 'key.id');
const EARLY = `reverse_proxy @more https://up.example.com:443 {\n\t\t\timport sent\n\t\t\timport api-forward-up\n\t\t}`;

const SECOND_SITE = [
  ['bind', 'tcp4/0.0.0.0'],
  ['respond', 'hi'],
];

/** What somebody would try who wants another file to be accepted. */
export const caddyForgeries: readonly Step<Certificate>[] = [
  // Only tables may be left out of what is quoted.
  both(
    'persist_config off',
    'a b {request.row} {\nc\n}',
    (own) => ({
      ...own,
      around: JSON.parse(JSON.stringify(own.around).replace('["persist_config","off"]', '["a","b","{request.row}"]')),
    }),
    'what is not followed',
  ),
  remade(REFUSED, `reverse_proxy https://evil.example.com {\n@ok status 200\n}\n${REFUSED}`, 'reverse_proxy with'),
  edited('import api.routes', 'import other.routes', 'other.routes is not there'),
  remade(REFUSED, `vars x {\ny z\n}\n${REFUSED}`, 'the variable x'),
  remade(REFUSED, `map {http.vars.key} {sent.accept} {\ndefault x\n}\n${REFUSED}`, '{sent.accept} is made twice'),
  remade(REFUSED, `handle x {\nimport sent\n}\n${REFUSED}`, 'handle with 2 words'),
  remade(
    'reverse_proxy @usual-forward-up https://up.example.com:443 {',
    `reverse_proxy @usual-forward-up https://up.example.com:443 {\nheader_up X y`,
  ),
  remade(
    '\thandle_errors {\n\t\troute {',
    '\thandle_errors {\n\t\troute {\nmap {http.error.status_code} {decision.status} {\ndefault 200\n}',
    'handle_errors is not known',
  ),
  remade('\n\troute {', '\n\troute /a {', 'a site of another form'),
  remade('{request.row} {', '{request.rows} {', 'not one table is {request.row}'),
  both(
    SITE,
    `${SITE}\nbind tcp4/0.0.0.0\nrespond hi\n}\n${SITE}`,
    ({ around, ...own }) => ({
      ...own,
      around: around.flatMap((line) => (line[0] === 'http://:8080' ? [[line[0], SECOND_SITE], line] : [line])),
    }),
    'not one site',
  ),
  // Rows that Caddy reads from elsewhere.
  edited('"path" "404"', 'import sent\n"path" "404"', 'an odd row'),
  ({ certificate, files }) => ({
    title: 'a file that a file imports',
    certificate,
    files: [
      ...after(files, '"path" "404"', 'import more.routes\n"path" "404"'),
      { path: 'caddy/more.routes', text: 'import deeper.routes\n' },
      { path: 'caddy/deeper.routes', text: '"path" "403"\n' },
    ],
    told: 'differs',
  }),
  // Variables that are set before there is a table.
  rewritten('a class that comes too early', moved('vars class {caller.class}', CLASS), 'is made twice'),
  rewritten('a token that comes too early', moved('vars found {key.found}', 'import secrets/keys*'), '{key.id}'),
  rewritten('a row too early', moved('vars row {request.row}', 'map {request.safe_path}'), 'is made twice'),
  remade(
    'vars query {request.query}',
    'map {http.request.method} {shadow.x} {decision.pass} {\ndefault a yes\n}\nvars query {request.query}',
    'map with',
  ),
  // Keys of nobody, and tokens.
  remade('route @body {', 'vars token {http.vars.key}\nroute @body {', 'is changed after it was looked at'),
  rewritten(
    'a table of ids',
    (files) => after(after(files, CLASS, KEY_ID), TWO, `${TWO}\n"~^three$" "*/any/never"`),
    'knows other keys',
  ),
  rewritten('a table of ids that knows no others', (files) => after(files, CLASS, KEY_ID)),
  rewritten(
    'a table of tokens',
    (files) =>
      after(
        after(
          files,
          '{request.body} {http.vars.token}" {decision.pass}',
          '{request.body} {key.token}" {decision.pass}',
        ),
        PASS,
        `${PASS}\n"~ ok ok T$" "no"`,
      ),
    ' ',
  ),
  remade('key {key.id}', 'key {key.token}', ' '),
  remade(REFUSED, `@more vars key three\n${EARLY}\n${REFUSED}`, 'the matcher vars'),
  remade(REFUSED, `@more vars token secret\n${EARLY}\n${REFUSED}`, 'the matcher vars'),
  edited(CLASS, `${CLASS}\n"~^twox" "read/any/never"`, 'knows other keys'),
  edited(`${PASS}`, `${PASS}\n"~^read read/any ok ok [^ ]+ [^ ]" "yes"`, 'tells tokens apart'),
];
