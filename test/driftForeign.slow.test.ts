import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareLines } from '../src/output/lines.ts';
import { compareNames } from '../src/prove/names.ts';
import { readNames } from '../src/targets/coredns/readBack.ts';
import { assertGrowth } from './support/growth.ts';
import { liveCase } from './support/live.ts';

const test = suite('drift of what somebody else has written, thousands of lines of it');
const list = (many: number, entry: (index: number) => string) => Array.from({ length: many }, (_, i) => entry(i));

const here = liveCase(`version: 1
name: foreign
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/groups] } }
apiKeys: { one: { key: env:KEY, token: env:TOKEN } }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.0/24] } }
domainRewrites: [{ from: a.example.com, to: b.example.com }]
targets: { nginx: {}, coredns: { form: corefile } }
`);
const corefile = (lines: readonly string[]) => `. {\n${lines.join('\n')}\nforward . 192.0.2.1\n}\n`;
const nginx = (lines: readonly string[]) =>
  `# configuration file /etc/nginx/nginx.conf:\nevents {}\nhttp {\n${lines.join('\n')}\n}\n`;

const SHAPES: readonly (readonly [target: string, title: string, text: (many: number) => string])[] = [
  ['coredns', 'whole names', (many) => corefile(list(many, (i) => `rewrite name exact a${i}.example.org b${i}.test`))],
  ['coredns', 'endings', (many) => corefile(list(many, (i) => `rewrite name suffix .a${i}.example.org .b${i}.test`))],
  [
    'nginx',
    'servers',
    (many) => nginx(list(many, (i) => `server { listen ${i + 1}; location /a { proxy_pass http://192.0.2.1; } }`)),
  ],
  ['nginx', 'rows of a map', (many) => nginx(['map $uri $x {', ...list(many, (i) => `"/a${i}" ${i};`), '}'])],
];

for (const [target, title, of] of SHAPES)
  test(`${target}: ${title}`, () =>
    assertGrowth({
      few: 1_000,
      of,
      work: (text) => {
        const { drift, problems } = here.compare(target, text);
        assert.ok(drift.length + problems.length > 0, 'never in sync');
      },
    }));

for (const [target, title, of] of SHAPES.filter(([target]) => target === 'coredns'))
  test(`${target}: where names are led beside ${title} of others`, () =>
    assertGrowth({
      few: 1_000,
      of,
      work: (text) => {
        const told = compareNames(here.policy, () => readNames([{ path: 'coredns/Corefile', text }], here.policy));
        assert.is(told.kind, 'differs');
      },
    }));

const LINES: readonly (readonly [title: string, line: (index: number, side: number) => string])[] = [
  ['lines that only one side has', (i, side) => `${side} ${i}`],
  ['the same lines in another order', (i, side) => `${side === 0 ? i : (i * 7_919) % 100_003}`],
  ['a few lines again and again', (i, side) => `${(i * i * (side + 3)) % 101}`],
];

for (const [title, line] of LINES)
  test(`files with ${title}`, () =>
    assertGrowth({
      few: 12_500,
      of: (many) => [0, 1].map((side) => list(many, (index) => line(index, side))),
      work: ([before = [], after = []]) => {
        const parts = compareLines(before, after);
        assert.ok(parts.some(({ kind }) => kind !== 'both'));
        for (const [side, lines] of [
          ['before', before],
          ['after', after],
        ] as const) {
          const shown = parts.flatMap((part) => (part.kind === 'both' || part.kind === side ? part.lines : []));
          assert.is(shown.join('\n'), lines.join('\n'), 'no line is left out');
        }
      },
    }));

test.run();
