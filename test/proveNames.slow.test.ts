import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { resolveName } from '../src/policy/names.ts';
import type { Policy } from '../src/policy/types.ts';
import { CannotTell } from '../src/prove/explore.ts';
import type { NameModel } from '../src/prove/nameModel.ts';
import { blockOf, compareNames, isName, ledOf } from '../src/prove/names.ts';
import { targets } from '../src/targets/index.ts';
import type { NameReadBack, ReadFileText } from '../src/targets/target.ts';
import { confirmName, startNames } from '../src/verify/confirmNames.ts';
import { type Ask, addressOf } from '../src/verify/dns.ts';
import { isRunnable } from '../src/verify/engines.ts';
import { type Random, randomOf } from '../src/verify/random.ts';
import { openScope } from '../src/verify/scope.ts';
import { engineSuite } from './engines/suite.ts';

const target = targets.find(({ name }) => name === 'coredns');
if (!target || !isRunnable(target) || target.readBack?.decides !== 'names') throw new Error('no target for names');
const readBack: NameReadBack = target.readBack;
const runnable = target;

interface Made {
  readonly policy: Policy;
  readonly files: readonly ReadFileText[];
}

const DOMAINS = ['example.com', 'pages.example.com', 'deep.pages.example.com', 'svc.example.com', 'example.org'];
const TARGETS = ['link.example', 'x.link.example', 'pages.link.example', 'example.net'];
const FORMS = ['corefile', 'configMap', 'eks', 'aks', 'k3s', 'helm', 'import'];

/** Some wildcards, some names, and now and then so many names that they share a rule or get blocks of their own. */
function randomSpec(random: Random, form: string): Made {
  const label = () => random.text('abcx', 1 + random.below(3));
  const rows = new Map<string, string>();
  const add = (from: string, to: string) => rows.set(from, `  - { from: "${from}", to: "${to}" }`);
  for (let count = random.below(6); count > 0; count--)
    add(`${label()}.${random.pick(DOMAINS)}`, `${label()}.${random.pick(TARGETS)}`);
  for (let count = random.below(4); count > 0; count--) {
    const to = random.pick(TARGETS);
    add(`*.${random.pick(DOMAINS)}`, random.chance(0.5) ? `*.${to}` : `ingress.${to}`);
  }
  const many = random.pick([0, 0, 25, 120]);
  for (let number = 0; number < many; number++)
    add(`h${number}.svc.example.com`, many > 100 ? `k${number * 3}.t${number}.example.net` : `h${number}.link.example`);
  if (rows.size === 0) add('gitlab.example.com', 'gitlab.link.example');
  const text = `version: 1\nname: names\ndomainRewrites:\n${[...rows.values()].join('\n')}\ntargets: { coredns: { form: ${form} } }\n`;
  const { policy, files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  if (!policy || !files) throw new Error(`${text}\n${diagnostics.map(({ message }) => message).join('; ')}`);
  return { policy, files: files.filter(({ path }) => path.startsWith('coredns/')) };
}

/** Rules of somebody else, of every kind. */
function foreignRule(random: Random): string {
  const name = () =>
    `${random.pick(['a', 'x', 'gitlab', 'pages', ''])}.${random.pick([...DOMAINS, ...TARGETS])}`.replace(/^\./, '');
  const dotted = () => `${random.pick(['', '.'])}${random.pick([...DOMAINS, ...TARGETS])}`;
  const [how, answers] = [random.pick(['', 'stop ', 'continue ']), random.pick(['', ' answer auto'])];
  const [expression = '', to = ''] = random.pick([
    ['^(.*)\\.pages\\.example\\.com\\.$', '{1}.link.example'],
    ['^(.+)[.]svc[.]example[.]com[.]$', '{1}.t.example.'],
    ['(.*)\\.example', '{1}.x'],
    ['^([a-c]+)\\.(x|y|svc)\\.example\\.com\\.$', '{2}.{1}.t'],
    ['^(a|b|h1)[.](?:svc[.])?example[.]com[.]$', '{1}.link.example.'],
    ['^(x(-[0-9])?)\\.example\\.org\\.$', '{1}{2}.example.net'],
    ['lab', 'gitlab.link.example'],
    ['^.+[.]pages[.]example[.]com[.]$', 'ingress.link.example'],
    ['^.*pages.example.com', 'ingress.link.example'],
  ] as const);
  return `rewrite ${how}${random.pick([
    `name exact ${name()} ${name()}`,
    `name suffix ${dotted()} ${dotted()}${answers}`,
    `name prefix ${random.pick(['a', 'x', 'h1'])} ${random.pick(['b', 'y.z'])}${answers}`,
    `name substring ${random.pick(['example.com', 'svc.example.com', 'pages.example'])} ${random.pick(TARGETS)}${answers}`,
    `name regex ${expression} ${to}${answers}`,
    `ttl suffix ${random.pick(DOMAINS)} 30`,
  ])}`;
}

/** A change of one line of the rules, such as somebody makes by hand. */
function edited(text: string, random: Random): string {
  const lines = text.split('\n');
  const rules = lines.flatMap((line, index) => (/^\s*rewrite /.test(line) ? [index] : []));
  if (rules.length === 0) return text;
  const at = random.pick(rules);
  const line = lines[at] ?? '';
  const indent = /^\s*/.exec(line)?.[0] ?? '';
  const character = () => 11 + indent.length + random.below(Math.max(1, line.length - indent.length - 11));
  switch (random.below(6)) {
    case 0:
      return lines.toSpliced(at, 0, `${indent}${foreignRule(random)}`).join('\n');
    case 1:
      return lines.toSpliced(at, 1).join('\n');
    case 2: {
      const other = random.pick(rules);
      return lines
        .with(at, lines[other] ?? '')
        .with(other, line)
        .join('\n');
    }
    case 3:
      return lines
        .with(
          at,
          line.replace(random.pick([' answer auto', '^', '$', ' suffix .', '[.]', '.+', '|']), (found) =>
            found === ' suffix .' ? ' suffix ' : found === '[.]' ? '.' : '',
          ),
        )
        .join('\n');
    case 4: {
      const place = character();
      return lines
        .with(at, line.slice(0, place) + random.pick(['x', 'a', '.', '-']) + line.slice(place + random.below(2)))
        .join('\n');
    }
    default:
      return lines
        .with(
          at,
          line.replace(
            / (exact|suffix|prefix|substring|regex) /,
            ` ${random.pick(['exact', 'suffix', 'prefix', 'substring'])} `,
          ),
        )
        .join('\n');
  }
}

/** Something else that answers in place of our rules: a narrower block, or a plugin that makes answers of its own. */
function withOthers(text: string, random: Random): string {
  const domain = random.pick([...DOMAINS, ...TARGETS, 'internal']);
  const put = (lines: string) => text.replace(/^ {4}errors$/m, (found) => `${found}\n${lines}`);
  switch (random.below(3)) {
    case 0:
      return `${text}\n${domain} {\n    ${foreignRule(random)}\n    forward . 192.0.2.1\n}\n`;
    case 1: {
      const some = random.chance(0.5) ? '        match ^[a-h]\n        fallthrough\n' : '';
      return put(`    template IN A ${domain} {\n${some}        answer "{{ .Name }} 60 IN A 192.0.2.7"\n    }`);
    }
    default:
      return put(`    hosts {\n        192.0.2.7 ingress.${domain}\n        fallthrough\n    }`);
  }
}

/** Names that rules and spec may take, and names that only look like these. */
function names({ rewrites }: Policy, random: Random, count: number): readonly string[] {
  const label = () => random.text('abcxh1', 1 + random.below(3));
  const known = [...DOMAINS, ...TARGETS, ...rewrites.flatMap(({ from, to }) => [from, to])];
  const some = () => random.pick(known);
  return Array.from({ length: count }, () =>
    random.pick([
      some(),
      `${label()}.${some()}`,
      `${label()}${some()}`,
      `${label()}.${label()}.${some()}`,
      `${some()}.${label()}`,
    ]),
  );
}

const { test, engines } = await engineSuite('names on CoreDNS', ['coredns', 'coredns-oldest']);

test('files of random specs are proved in every form', () => {
  const random = randomOf('names');
  for (let number = 0; number < 210; number++) {
    const { policy, files } = randomSpec(random, FORMS[number % FORMS.length] ?? '');
    const result = compareNames(policy, () => readBack.read(files, policy));
    assert.is(result.kind, 'proved', JSON.stringify(result));
  }
});

/** Compares what the reader says of some names with what a server does; returns how many were asked. */
async function asRead(model: NameModel, ask: Ask, asked: readonly string[]): Promise<number> {
  const [{ zones } = {}] = model.listeners;
  let count = 0;
  for (const name of asked) {
    const block = zones && blockOf(zones, name);
    const answer = await ask(name);
    assert.ok(answer, `no answer for ${name}`);
    if (!block) {
      assert.is(answer.address, '', name);
      continue;
    }
    const led = ledOf(block, `${name}.`, 'A');
    const found = led.name.slice(0, -1);
    count++;
    if (led.taker) {
      assert.is.not(answer.address, addressOf(found), `${name}: ${led.taker.place.what}`);
      continue;
    }
    assert.is(answer.address, isName(led.name) ? addressOf(found) : '', `${name} to ${led.name}: ${led.place.what}`);
    if (answer.address !== '' && led.changes === 1) assert.is(answer.owner, led.restores ? name : found, name);
  }
  return count;
}

for (const engine of ['coredns', 'coredns-oldest'] as const)
  test(`${engine} does what is read in files after edits, and shows each difference that is found`, async () => {
    const random = randomOf(`edits ${engine}`);
    const tally = { proved: 0, differs: 0, unknown: 0, refused: 0, asked: 0 };
    for (let number = 0; number < 70; number++) {
      const { policy, files: own } = randomSpec(random, 'corefile');
      const files = own.map(({ path, text }) => {
        let other = edited(text, random);
        while (random.chance(0.3)) other = edited(other, random);
        if (random.chance(0.3)) other = withOthers(other, random);
        return { path, text: other };
      });
      const text = files[0]?.text ?? '';
      let model: NameModel;
      try {
        model = readBack.read(files, policy);
      } catch (error) {
        if (!(error instanceof CannotTell)) throw error;
        tally.unknown++;
        continue;
      }
      const result = compareNames(policy, () => model);
      tally[result.kind]++;
      const program = engines[engine].path;
      const doubt = { target: runnable, readBack, program, policy, files };
      const scope = openScope();
      try {
        const ask = await startNames({ ...doubt, listener: 0 }, scope);
        if (typeof ask === 'string') {
          tally.refused++;
          continue;
        }
        const asked = names(policy, random, 60);
        tally.asked += await asRead(model, ask, asked).catch((error: unknown) => {
          throw new Error(`${String(error)}\n${text}`);
        });
        if (result.kind === 'differs') {
          const { result: seen, told } = await confirmName(result.difference, doubt);
          assert.is(seen, 'confirmed', `${told}: ${JSON.stringify(result.difference)}\n${text}`);
        }
        if (result.kind !== 'proved') continue;
        for (const name of asked) {
          const answer = await ask(name);
          // Names of others may have answers of others.
          if (!resolveName(policy, name).rewrite && answer?.address === '192.0.2.7') continue;
          assert.is(answer?.address, addressOf(resolveName(policy, name).name), `${name}\n${text}`);
        }
      } finally {
        await scope.close();
      }
    }
    assert.ok(tally.differs > 25 && tally.proved > 3 && tally.unknown + tally.refused < 25, JSON.stringify(tally));
  });

for (const engine of ['coredns', 'coredns-oldest'] as const)
  test(`${engine} looks up nothing that a forward leaves to others`, async () => {
    const text =
      'version: 1\nname: names\ndomainRewrites: [{ from: a.example.com, to: a.link.example }]\ntargets: { coredns: { form: corefile } }\n';
    const { policy, files: own = [] } = compile(text, { file: 'postern.yaml', read: () => undefined });
    assert.ok(policy);
    const others = 'rewrite continue type A AAAA\n    rewrite stop name exact';
    for (const [from, to, told] of [
      ['max_concurrent', 'except link.example\n        max_concurrent', /^differs .*nobody/],
      ['max_concurrent', 'except example.com\n        max_concurrent', /^proved/],
      ['rewrite stop name exact', others, /^unknown .* changes the type of queries/],
    ] as const) {
      const made = own.filter(({ path }) => path.startsWith('coredns/'));
      const files = made.map((file) => ({ ...file, text: file.text.replace(from, () => to) }));
      const result = tried(() => compareNames(policy, () => readBack.read(files, policy)));
      assert.match(`${result.kind} ${JSON.stringify(result)}`, told);
      if (result.kind !== 'differs') continue;
      const doubt = { target: runnable, readBack, program: engines[engine].path, policy, files };
      assert.is((await confirmName(result.difference, doubt)).result, 'confirmed');
    }
  });

/** What is not understood is told like the rest. */
function tried(compared: () => ReturnType<typeof compareNames>) {
  try {
    return compared();
  } catch (error) {
    if (!(error instanceof CannotTell)) throw error;
    return { kind: 'unknown' as const, problem: error.message };
  }
}

test.run();
