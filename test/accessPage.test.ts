import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { outputFiles } from '../src/output/files.ts';
import { compareLines } from '../src/output/lines.ts';
import { broadSpec } from './support/broad.ts';
import { inFolder } from './support/folder.ts';

const origin = { version: '1.2.3', spec: 'demo' };

type Json = { [key: string]: Json | readonly unknown[] | unknown };

/** The page of a spec without its header, line by line. */
function pageOf(spec: object, files: Readonly<Record<string, string>> = {}): string[] {
  const text = JSON.stringify({ version: 1, name: 'demo', ...spec });
  const compiled = compile(text, { file: 'postern.json', read: (path) => files[path] });
  assert.equal(
    compiled.diagnostics.filter(({ severity }) => severity === 'error'),
    [],
  );
  const page = compiled.files?.find(({ path }) => path === 'ACCESS.md');
  return (page?.text ?? '').split('\n').slice(2);
}

function changedLines(before: readonly string[], after: readonly string[]): string[] {
  return compareLines(before, after).flatMap(({ kind, lines }) =>
    kind === 'both' ? [] : lines.map((line) => `${kind === 'after' ? '+' : '-'}${line}`),
  );
}

/** Cells of a table row, as GitHub and GitLab cut them: at bars, where a backslash takes the character after it along. */
function cellsOf(row: string): string[] {
  return row.match(/\|(?:\\.|[^|\\])+/gu) ?? [];
}

const page = suite('access page');

page('says who may send what, from where and until when', () => {
  const text = pageOf(broadSpec).join('\n');
  for (const row of [
    "| `reader` | `read` | the proxy's | | | | |",
    "| `writer` | `read`, `write` | the proxy's in `10.1.0.0/16`, `2001:db8:1::/48` | | | 2 keys | |",
    "| `special` | `special`, `more` | the proxy's | 2099-01-01 | | | |".replace(
      '`special`, `more`',
      '`more`, `special`',
    ),
    '| `balanced` | `8081` | `10.0.0.0/8` | `X-Forwarded-For` behind `192.168.0.0/16` | `PRIVATE-TOKEN:` | `read`, `runner` |',
    '| `other` | `http://other.example.com:8081` | `10.9.0.1:81`, `10.9.0.2:81` | none | `Authorization: token` |',
    '| POST | `/api/v4/upload` | headers `x-extra`; bodies of `application/json`, `text/plain`; bodies up to 1kB | |',
    '| GET | `/api/v4/Mixed/{kind:a\\|B\\|c}` | | |',
    '| GET | `/more/{x}` | WebSocket | |',
    '| GET | `/` | 200 | any of ours | `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32` |',
    '| * | `/api/v4/` | 200 | none | `10.0.0.0/8` |',
    '| GET | `/healthz` | 200 | none | `10.7.0.0/16`, `172.16.0.0/12`, `2001:db8:7::/48` |',
  ])
    assert.ok(text.includes(`\n${row}\n`), row);
  assert.match(text, /## Requests: `runner`\n\n- to: `other`\n- keys: none of ours.*\n- proxies: .*`balanced`/);
});

const base = {
  ...broadSpec,
  ipRanges: { offices: ['198.51.100.0/24'], partners: { file: 'partners.txt' } },
  domainRewrites: [{ from: 'b.example.com', to: 'b.private.example.com' }],
};
const partners = '# ours\r\n192.0.2.0/25\r\n192.0.2.128/26 # new\n';
const before = pageOf(base, { 'partners.txt': partners });

page('lists the addresses of every set, those of files too', () => {
  const rows = before.filter((line) => line.startsWith('| `@'));
  assert.equal(rows, [
    '| `@offices` | `198.51.100.0/24` |',
    '| `@partners` | `192.0.2.0/25` |',
    '| `@partners` | `192.0.2.128/26` |',
  ]);
});

const reader = { key: 'env:N', token: 'env:NT' };
const additions: readonly (readonly [string, Json, number])[] = [
  ...['/aaa', '/api/v4/projects/{id:int}/x', '/zzz/{rest*}'].map(
    (path) =>
      [
        `the request ${path}`,
        {
          routes: { ...base.routes, read: { ...base.routes.read, allow: [...base.routes.read.allow, `GET ${path}`] } },
        },
        1,
      ] as const,
  ),
  ...['aaa', 'mmm', 'zzz'].map(
    (id) => [`the key ${id} with all groups`, { apiKeys: { ...base.apiKeys, [id]: reader } }, 1] as const,
  ),
  // Its own row, and one in each of the two groups that it names, before and after.
  ['a key with two groups', { apiKeys: { ...base.apiKeys, aaa: { ...reader, routes: ['read', 'write'] } } }, 5],
  ['an address', { ipRanges: { ...base.ipRanges, offices: ['198.51.100.0/24', '10.0.0.0/8'] } }, 1],
  ['a set', { ipRanges: { ...base.ipRanges, aaa: ['10.0.0.0/8'] } }, 1],
  ['a proxy', { proxies: { aaa: { listen: 9000, ipRanges: ['10.0.0.0/8'] }, ...base.proxies } }, 1],
  ['a name', { domainRewrites: [{ from: 'a.example.com', to: 'a.x.example.com' }, ...base.domainRewrites] }, 1],
];
for (const [what, change, most] of additions) {
  page(
    `${what} more changes ${most} ${most === 1 ? 'line' : 'lines'}, and taking it out gives the old bytes back`,
    () => {
      const changed = changedLines(before, pageOf({ ...base, ...change }, { 'partners.txt': partners }));
      assert.is(changed.length, most, changed.join('\n'));
      assert.is(changed.filter((line) => line.startsWith('-')).length, most === 1 ? 0 : 2);
    },
  );
}

page('stays the same whatever the order of the spec', () => {
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return [...value].reverse();
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, child]) => [key, key === 'methods' ? child : turned(child)]),
    );
  };
  assert.equal(pageOf(turned(base) as object, { 'partners.txt': partners }), before);
});

page('has its rows whole, whatever stands in free text', () => {
  const unit = fc.constantFrom('|', '`', '\\', '\n', '\r', '<b>', '-->', '[x](y)', '*', ' ', 'é', 'a');
  const nasty = fc.string({ unit, minLength: 1, maxLength: 20 }).filter((text) => text.trim() !== '');
  const property = fc.property(nasty, nasty, (reason, owner) => {
    const lines = pageOf({
      ...broadSpec,
      routes: { ...broadSpec.routes, read: { upstream: 'gitlab', allow: [{ request: 'GET /r', reason }] } },
      apiKeys: { ...broadSpec.apiKeys, reader: { ...broadSpec.apiKeys.reader, owner } },
    });
    const row = (start: string) => cellsOf(lines.find((line) => line.startsWith(start)) ?? '');
    assert.is(row('| GET | `/r`').length, 4, row('| GET | `/r`').join('§'));
    assert.is(row('| `reader`').length, 7);
    for (const line of lines) assert.not.match(line, /\r|(?<!\\)<|-->/);
  });
  fc.assert(property, { numRuns: 200, seed: 11 });
});

page('repeats no secret that stands in free text', () => {
  const owner = 'ask bob, glpat-AbCdEfGh1234567890';
  const text = pageOf({
    ...broadSpec,
    apiKeys: { ...broadSpec.apiKeys, reader: { ...broadSpec.apiKeys.reader, owner } },
  });
  assert.not.match(text.join('\n'), /AbCdEf/);
});

page('cuts long lists, and still shows that one of them changed', () => {
  const addresses = (count: number, last: number) =>
    Array.from({ length: count }, (_, n) => `10.${n >> 8}.${n & 255}.${n === count - 1 ? last : 1}`);
  const with_ = (count: number, last: number) => pageOf({ ...base, ipRanges: { many: addresses(count, last) } });
  const long = with_(1000, 1);
  assert.ok(long.some((line) => /^\| `@many` \| 744 more, sha256:[0-9a-f]{16} \|$/.test(line)));
  assert.is(changedLines(long, with_(1000, 2)).length, 2);
});

page.run();

const attributes = suite('attributes');

attributes('git translates no line end of a generated file, and forges fold all up but the page', () =>
  inFolder((folder) => {
    const git = (...args: string[]) => spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).stdout;
    git('init', '-q');
    git('config', 'core.autocrlf', 'true');
    for (const file of outputFiles([{ target: 'a', files: [{ path: 'a/b.conf', text: 'one\ntwo\n' }] }], origin))
      writeFileSync(join(folder, file.path.replace('/', '-')), file.text);
    cpSync(join(folder, 'a-b.conf'), join(folder, 'crlf.conf'));
    writeFileSync(join(folder, 'crlf.conf'), 'one\r\n');
    const states = git('check-attr', 'text', 'linguist-generated', 'gitlab-generated', '--', 'a/b.conf', 'ACCESS.md');
    assert.equal(
      states
        .trim()
        .split('\n')
        .map((line) => line.split(': ').slice(0, 3).join(' ')),
      [
        'a/b.conf text unset',
        'a/b.conf linguist-generated set',
        'a/b.conf gitlab-generated set',
        'ACCESS.md text unset',
        'ACCESS.md linguist-generated unset',
        'ACCESS.md gitlab-generated unset',
      ],
    );
    git('add', '.');
    assert.equal(git('ls-files', '--eol', 'crlf.conf', 'a-b.conf').match(/[iw]\/\S+/g), [
      'i/lf',
      'w/lf',
      'i/crlf',
      'w/crlf',
    ]);
  }),
);

attributes.run();
