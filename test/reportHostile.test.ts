import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const page = suite('report of a hostile spec');

/** A spec holds no character that moves the text around it; the name of its file may. */
const HOSTILE = [
  '</script><img src=x onerror=alert(1)>',
  '<!-- <script>',
  '"><svg onload=alert(1)>',
  "' onmouseover=alert(1) x='",
  '$& $` &lt;script&gt; \\u003c ${a}',
  ']]><?xml ?> `code` | **bold**',
].join(' ');

/** A spec with a text in every field that takes one as it is. */
function specWith(text: string): string {
  const said = JSON.stringify(text);
  return `version: 1
name: hostile
ipRanges: { office: [{ cidr: 192.0.2.0/24, owner: ${said}, reason: ${said}, expires: 2090-01-01 }] }
upstreams: { app: { url: https://app.example.com } }
routes:
  read: { upstream: app, allow: [{ request: "GET /a/{id:int}", reason: ${said} }] }
apiKeys: { bot: { key: env:POSTERN_KEY_BOT, token: env:POSTERN_TOKEN_BOT, owner: ${said} } }
proxies:
  api: { listen: 8080, ipRanges: ["@office"], answer: [{ request: GET /x, status: 200, body: ${JSON.stringify(said)} }] }
guarantees:
  - never: { request: "DELETE /{any*}", reason: ${said} }
  - never: { request: "GET /a/1", reason: ${said} }
accepted: [{ finding: rule/form-body, reason: ${said}, expires: 2090-01-01 }]
tests:
  - { request: ${JSON.stringify(`GET /a/${encodeURIComponent(text)}`)}, apiKey: bot, expect: 404, headers: { X-A: "<b>" } }
targets: { nginx: {} }
`;
}

async function pageOf(text: string, file: string, { runArgs, write, read }: Workspace): Promise<string> {
  write('before.yaml', specWith(text).replace('GET /a/{id:int}', 'GET /b'));
  write(file, specWith(text));
  const { status, stderr } = await runArgs(['report', file, '--base', 'before.yaml', '--out', 'page.html']);
  assert.is(status, 0, stderr);
  return read('page.html');
}

/** The names of tags and attributes, in order. Long paths may break at any slash. */
function markupOf(html: string): string[] {
  const [head = ''] = html.split('<script type="application/json"');
  return [...head.matchAll(/<(!?\/?[a-z]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/gi)]
    .map(([, name = '', attributes = '']) => `${name}${attributes.replace(/="[^"]*"/g, '')}`)
    .filter((name) => name !== 'wbr');
}

page('whatever stands in its texts and in the name of its file is text', () =>
  inWorkspace(async (workspace) => {
    const plain = await pageOf('plain', 'plain.yaml', workspace);
    const html = await pageOf(HOSTILE, '<img src=x onerror=alert(1)>\u202e.yaml', workspace);
    assert.ok((html.match(/&lt;\/script&gt;&lt;img/g)?.length ?? 0) >= 2);
    assert.equal(markupOf(html), markupOf(plain));
    assert.is(html.match(/<\/?script/g)?.length, plain.match(/<\/?script/g)?.length);
    assert.is(html.match(/<!--/g)?.length, plain.match(/<!--/g)?.length);
    assert.not.match(html, /[\u2028-\u202e\u2066-\u2069\0]/);
  }),
);

page.run();
