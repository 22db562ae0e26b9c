import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderTemplate } from '../src/render/render.ts';
import { token } from '../src/render/token.ts';
import { temporaryFolder } from '../src/verify/folder.ts';

const t = (text: string) => token('nginx', text);
const model = {
  name: t('api'),
  empty: t(''),
  port: 8080,
  negative: -1,
  big: 2 ** 53,
  half: 0.5,
  raw: 'raw; }',
  yes: true,
  no: false,
  absent: null,
  undefined: undefined,
  routes: [
    { path: t('/a'), deep: { port: 1 } },
    { path: t('/b'), deep: { port: 2 } },
  ],
  nothing: [],
  stranger: token('caddy', '{'),
  lookalike: { target: 'nginx', text: 'evil', toString: () => 'evil' },
  blank: t('a \nb'),
  call: () => 'evil',
};
const partials = {
  '_route.njk': 'location {{ r.path }};\n',
  '_typo.njk': 'one\n{{ r.pth }}\n',
  '_macros.njk': '{% macro line(r) %}\nline {{ r.path }};\n{% endmacro %}\n',
};

const folder = await temporaryFolder();
const root = pathToFileURL(`${folder.path}/`);
await mkdir(join(folder.path, 'nginx/sub'), { recursive: true });
await mkdir(join(folder.path, 'caddy'));
await writeFile(join(folder.path, 'caddy/secret.njk'), 'secret');
for (const [name, text] of Object.entries(partials)) await writeFile(join(folder.path, 'nginx', name), text);

let written = 0;
async function render(source: string): Promise<string> {
  written += 1;
  const name = `t${written}.njk`;
  await writeFile(join(folder.path, 'nginx', name), source);
  return renderTemplate('nginx', name, model, root);
}

const good = suite('renders');
for (const [source, expected] of [
  ['server {{ name }}:{{ port }} {{ negative }};', 'server api:8080 -1;\n'],
  ['{% for r in routes %}\n{{ r.path }} {{ r.deep.port }}\n{% endfor %}\n', '/a 1\n/b 2\n'],
  ['{% for r in routes %}{{ r.path }}{% if not loop.last %}, {% endif %}{% endfor %}', '/a, /b\n'],
  ['{% for r in nothing %}x{% else %}none{% endfor %}', 'none\n'],
  ['{% if nothing %}x{% elif absent %}y{% elif no %}z{% else %}all false{% endif %}', 'all false\n'],
  ['{% if yes and (routes or no) and not absent and empty %}true{% endif %}', 'true\n'],
  ['a {% if no %}b{% endif %}\t\n\nc  ', 'a\n\nc\n'],
  ['x\n\n\n', 'x\n'],
  ['{% for r in routes %}\n{% include "_route.njk" %}\n{% endfor %}', 'location /a;\nlocation /b;\n'],
  ['{% from "_macros.njk" import line %}{% for r in routes %}{{ line(r) }}{% endfor %}', 'line /a;\nline /b;\n'],
  ['{% macro two(a, b) %}{{ a }}-{{ b }}{% endmacro %}{{ two(name, port) }}', 'api-8080\n'],
  ['{# a comment #}{% raw %}{{ $x }}{% endraw %} {$ENV} ${name}', '{{ $x }} {$ENV} ${name}\n'],
] as const) {
  good(JSON.stringify(source), async () => assert.is(await render(source), expected));
}
good.run();

const bad = suite('refuses');
for (const [source, message] of [
  // Values that are no tokens.
  ['a\n  {{ raw }}', ':2:3: a string cannot be printed'],
  ['{{ half }}', ':1:1: a number cannot be printed'],
  ['{{ big }}', 'a number cannot be printed'],
  ['{{ yes }}', 'a boolean cannot be printed'],
  ['{{ absent }}', 'null cannot be printed'],
  ['{{ routes }}', 'a list cannot be printed'],
  ['{{ lookalike }}', 'object cannot be printed'],
  ['{{ stranger }}', 'a token of caddy in a template of nginx'],
  ['{{ blank }}', 'a blank before a line end'],
  // Names that do not exist, also where nunjucks takes them for "no".
  ['{{ typo }}', ':1:4: the model has no "typo"'],
  ['{{ undefined }}', 'the model has no "undefined"'],
  ['{% if typo %}x{% endif %}', ':1:7: the model has no "typo"'],
  ['{% if not no and typo %}x{% endif %}', 'the model has no "typo"'],
  ['\n{% for r in routes %}{% if r.pth %}x{% endif %}{% endfor %}', ':2:29: there is no "pth"'],
  ['{% for r in typo %}x{% endfor %}', ':1:13: the model has no "typo"'],
  ['{% for r in absent %}x{% endfor %}', 'null is not a list'],
  ['{% for r in raw %}x{% endfor %}', 'a string is not a list'],
  ['{% if raw %}x{% endif %}', 'a string is neither true nor false'],
  ['{% if port %}x{% endif %}', 'a number is neither true nor false'],
  ['{{ loop.first }}', 'the model has no "loop"'],
  ['{{ absent.x }}', 'null has no "x"'],
  // Ways into the language below.
  ['{{ name.text }}', 'a token has no "text"'],
  ['{{ raw.length }}', 'a string has no "length"'],
  ['{{ routes.length }}', 'a list has no "length"'],
  ['{{ lookalike.constructor }}', 'there is no "constructor"'],
  ['{{ lookalike["__proto__"] }}', 'there is no "__proto__"'],
  ['{{ constructor }}', 'the model has no "constructor"'],
  ['{{ __proto__ }}', 'the model has no "__proto__"'],
  ['{{ range(port) }}', 'the model has no "range"'],
  ['{{ call() }}', '"call" is not a macro'],
  ['{{ lookalike.toString() }}', 'LookupVal is not allowed here, only Symbol'],
  ['{{ lookalike[name] }}', 'a key is written out'],
  // Computing, which belongs into the model.
  ['{{ "evil" }}', 'Literal is not allowed here'],
  ['{{ 1 }}', 'Literal is not allowed here'],
  ['{{ name + raw }}', 'Add is not allowed here'],
  ['{{ name ~ raw }}', 'Concat is not allowed here'],
  ['{{ raw | safe }}', 'Filter is not allowed here'],
  ['{{ routes | join(",") }}', 'Filter is not allowed here'],
  ['{{ raw if yes else name }}', 'InlineIf is not allowed here'],
  ['{{ [raw] }}', 'Array is not allowed here'],
  ['{{ name or raw }}', 'Or is not allowed here'],
  ['{% if raw == "x" %}y{% endif %}', 'Compare is not allowed here'],
  ['{% if raw is defined %}y{% endif %}', 'Is is not allowed here'],
  ['{% if raw in routes %}y{% endif %}', 'In is not allowed here'],
  ['{% for k, v in model %}x{% endfor %}', 'Array is not allowed here, only Symbol'],
  ['{% set x = raw %}{{ x }}', 'Set is not allowed in a template'],
  ['{% set x %}{{ name }}{% endset %}', 'Set is not allowed in a template'],
  ['{% filter safe %}x{% endfilter %}', 'not allowed'],
  ['{% block x %}y{% endblock %}', 'Block is not allowed in a template'],
  ['{% extends "_route.njk" %}', 'Extends is not allowed in a template'],
  ['{% import "_macros.njk" as m %}', 'Import is not allowed in a template'],
  ['{% call name() %}x{% endcall %}', 'not allowed'],
  ['{% switch raw %}{% case "x" %}{% endswitch %}', 'Switch is not allowed in a template'],
  ['{% asyncEach r in routes %}x{% endeach %}', 'AsyncEach is not allowed in a template'],
  ['{% macro m(a, b=1) %}x{% endmacro %}', 'KeywordArgs is not allowed here'],
  ['{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}', '"m" takes 1 arguments'],
  ['{% macro m(a) %}{{ a }}{% endmacro %}{{ m(name, name) }}', '"m" takes 1 arguments'],
  ['{% macro m(a) %}{{ a }}{% endmacro %}\n{{ m(raw) }}', ':1:17: a string cannot be printed'],
  ['{% macro m() %}{{ name }}{% endmacro %}{% if m %}x{% endif %}', 'a function is neither true nor false'],
  // Other files.
  ['{% for r in routes %}{% include "_typo.njk" %}{% endfor %}', 'nginx/_typo.njk:2:5: there is no "pth"'],
  ['{% include "_missing.njk" %}', '_missing.njk'],
  ['{% include "_missing.njk" ignore missing %}', '_missing.njk'],
  ['{% include "../caddy/secret.njk" %}', 'not the name of a template'],
  ['{% include "./../caddy/secret.njk" %}', 'not the name of a template'],
  ['{% include "/etc/passwd" %}', 'not the name of a template'],
  ['{% include raw %}', 'Symbol is not allowed here, only Literal'],
  ['{% from "_macros.njk" import nope %}', "cannot import 'nope'"],
  // Syntax.
  ['a\n{{ name', 'expected variable end'],
  ['{% if yes %}x', 'nginx/t'],
  ['{% nonsense %}', 'unknown block tag: nonsense'],
] as const) {
  bad(JSON.stringify(source), async () => {
    const error = await render(source).then(
      (text) => new Error(`rendered ${JSON.stringify(text)}`),
      (reason: Error) => reason,
    );
    assert.ok(error.message.includes(message), error.message);
    assert.match(error.message, /^nginx\/\w+\.njk/);
  });
}
bad.run();

const speed = suite('scales');
speed('100,000 routes in one loop', async () => {
  await writeFile(
    join(folder.path, 'nginx/many.njk'),
    '{% for r in routes %}\nlocation = {{ r.path }} {\n  {% if r.auth %}\n  set $a {{ r.port }};\n  {% endif %}\n}\n{% endfor %}\n',
  );
  const routes = Array.from({ length: 100_000 }, (_, i) => ({
    path: t(`/api/v4/projects/${i}`),
    auth: i % 2 === 0,
    port: i,
  }));
  const text = renderTemplate('nginx', 'many.njk', { routes }, root);
  assert.is(text.split('\n').length, 250_001);
});
speed.run();
