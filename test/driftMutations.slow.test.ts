import { delimiter, dirname } from 'node:path';
import { parse } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomOf } from '../src/verify/random.ts';
import { engineSuite } from './engines/suite.ts';
import { adapted, type LiveCase, liveCase } from './support/live.ts';
import { type Json, mutatedJson, mutatedText, type Random } from './support/mutated.ts';

const MUTATIONS = 2000;
const here = liveCase(`version: 1
name: mutated
upstreams: { gitlab: { url: "http://127.0.0.1:9" } }
routes:
  read: { upstream: gitlab, allow: [GET /groups, "GET,POST /groups/{id:int}/hooks", "PUT /Mixed/{name*}"] }
apiKeys:
  reader: { key: env:K, token: env:T, ipRanges: [10.1.0.0/16] }
  writer: { key: env:K2, token: env:T2, expires: 2090-01-01 }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
domainRewrites:
  - { from: git.example.com, to: git.link.example.com }
  - { from: registry.example.com, to: registry.link.example.com, containerRegistry: true }
  - { from: "*.pages.example.com", to: "*.pages.link.example.com" }
targets:
  bottlerocket: { mirrors: { docker.io: ["https://a.example.com", "https://b.example.com"] } }
  caddy: {}
  coredns: { form: corefile }
  nginx: {}
`);

/** Whether anything is said of it: drift, or that nothing can be told. */
function isReported(target: string, text: string, of: LiveCase = here): boolean {
  const { drift, problems } = of.compare(target, text);
  return drift.length > 0 || problems.some((line) => !line.endsWith('[drift/no-keys]'));
}

/** Sorts what has no order: members always, and lists under these names. */
function sorted(value: unknown, sets: readonly string[], name = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => sorted(item, sets));
    return sets.includes(name) ? items.map((item) => JSON.stringify(item)).sort() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item, sets, key)]));
}

/** Directives without comments, blanks and quotes; those of a block in any order, but among lines of one first word. */
function grouped(text: string, isOrdered = (_: string) => true): string {
  const blocks: string[][] = [[]];
  for (const raw of text.split('\n')) {
    const line = raw.replaceAll('"', '').trim().replace(/\s+/g, ' ');
    if (line === '' || /^#(?! configuration file)/.test(line)) continue;
    if (/^(?:\}|# )/.test(line) || line.endsWith('{')) blocks.push([line], []);
    else blocks.at(-1)?.push(line);
  }
  const first = (line: string) => (isOrdered(line) ? (line.split(' ', 1)[0] ?? '') : line);
  return blocks
    .map((lines) => lines.toSorted((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0)).join('\n'))
    .join('\n');
}

/** Each mutation is reported, or an independent normal form shows that it says the same. */
function check(target: string, mutate: (random: Random) => string, isSame: (text: string) => boolean, of = here): void {
  const random = randomOf(`mutations of ${target}`);
  let reported = 0;
  for (let index = 0; index < MUTATIONS; index++) {
    const text = mutate(random);
    if (isReported(target, text, of)) reported += 1;
    else assert.ok(isSame(text), `mutation ${index} of ${target} is not seen:\n${difference(text, target)}`);
  }
  assert.ok(reported > MUTATIONS / 2, `${reported} of ${MUTATIONS}`);
}

const originals = new Map<string, string>();
function difference(text: string, target: string): string {
  const own = new Set((originals.get(target) ?? '').split('\n'));
  return text
    .split('\n')
    .filter((line) => !own.has(line))
    .join('\n')
    .slice(0, 2000);
}

const texts = suite('mutations of what runs');
texts('CoreDNS', () => {
  const text = here.file('coredns');
  originals.set('coredns', text);
  // No name of these rewrites is below another, so that their order decides nothing.
  // Nor does a rule that comes twice: the second is never asked.
  const rulesSorted = (one: string) => {
    // To stop and to be exact goes without saying.
    const lines = grouped(one)
      .replace(/^rewrite (?:stop )?name (?:exact )?/gm, 'rewrite ')
      .split('\n');
    const rules = [...new Set(lines.filter((line) => line.startsWith('rewrite ')))].sort();
    return [...rules, ...lines.filter((line) => !line.startsWith('rewrite '))].join('\n');
  };
  check(
    'coredns',
    (random) => mutatedText(text, random),
    (one) => rulesSorted(one) === rulesSorted(text),
  );
});
texts('nginx', () => {
  // Of all other directives nginx takes the last, or the first, or each by its name.
  const decides = (line: string) => /^(?:allow|break|deny|if|include|return|rewrite|set|~|location ~)/.test(line);
  const files = here.files('nginx').filter(({ path }) => path.endsWith('.conf'));
  const text = files.map(({ path, text: each }) => `# configuration file /etc/${path}:\n${each}`).join('');
  originals.set('nginx', text);
  check(
    'nginx',
    (random) => mutatedText(text, random),
    (one) => grouped(one, decides) === grouped(text, decides),
  );
});
texts('Bottlerocket', () => {
  const settings = parse(here.file('bottlerocket'));
  // Of the settings of a node these alone say where images come from.
  const same = (one: { settings?: Json }) => JSON.stringify(sorted(one.settings?.['container-registry'], ['mirrors']));
  const mutate = (random: Random) => JSON.stringify(mutatedJson(settings, random));
  check('bottlerocket', mutate, (text) => same(JSON.parse(text)) === same(settings));
});
texts.run();

const { test: caddy, engines } = await engineSuite('mutations of what Caddy runs', ['caddy']);
caddy('Caddy', () => {
  process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
  const config: unknown = JSON.parse(adapted(engines.caddy.path, here));
  const same = (one: unknown) => JSON.stringify(sorted(one, ['host', 'method', 'ranges', 'listen', 'protocols']));
  const mutate = (random: Random) => JSON.stringify(mutatedJson(config, random));
  check('caddy', mutate, (text) => same(JSON.parse(text)) === same(config));
});
caddy.run();
