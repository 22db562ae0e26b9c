import { type Diagnostic, ok, type Result, type SpecPath } from '../diagnostics/diagnostic.ts';
import { parseDocument } from '../source/document.ts';
import { driftCodes } from './codes.ts';
import { parseCorefile, type ServerBlock } from './corefile.ts';
import { type CompareLive, type Expected, optionsPath, unreadable } from './live.ts';
import { originFinder } from './origin.ts';
import { type RewriteRule, rulesOf, ruleWords, sameRule, sampleName, takes } from './rules.ts';

/** A Corefile, or the ConfigMap that holds one as `kubectl get configmap -o yaml` or `-o json` prints it. */
export const compareCoredns: CompareLive = (live, expected) => {
  const own = expected.files.map(({ text }) => blocksIn(text)).find((blocks) => Array.isArray(blocks));
  if (!Array.isArray(own)) throw new Error('no Corefile among the files of coredns');
  const found = blocksIn(live.text);
  if (!Array.isArray(found)) return unreadable(expected, `${live.name}: ${found.problem}`, HINT);
  return compareBlocks({ own, found, where: live.name, expected });
};

const HINT = 'give a Corefile, or what "kubectl -n kube-system get configmap coredns -o yaml" prints';

type Blocks = ServerBlock[] | { readonly problem: string };

function blocksIn(text: string): Blocks {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  if (
    !/^\s*\{|^(?:apiVersion|kind|data|metadata):/m.test(text) ||
    /^[^\s{}:#]+(?::\d+)? +\{/m.test(text.trimStart().split('\n', 1)[0] ?? '')
  ) {
    return parseCorefile(text);
  }
  const { value: document, diagnostics } = parseDocument({ name: 'live', text });
  if (!document) return { problem: `it is neither a Corefile nor whole YAML or JSON (${diagnostics[0]?.message})` };
  const corefile = corefileIn(document.value);
  return typeof corefile === 'string' ? parseCorefile(corefile) : corefile;
}

function corefileIn(value: unknown): string | { readonly problem: string } {
  const { kind, data, message } = record(value);
  if (kind === 'Status') return { problem: `Kubernetes answered: ${String(message)}` };
  if (kind === 'List') return { problem: 'it is a list; ask for one ConfigMap by its name' };
  if (kind !== 'ConfigMap')
    return {
      problem: `it is ${kind === undefined ? 'no Kubernetes object' : `of kind ${String(kind)}`}, not a ConfigMap`,
    };
  const entries = Object.entries(record(data));
  const text =
    entries.find(([name]) => name === 'Corefile')?.[1] ?? (entries.length === 1 ? entries[0]?.[1] : undefined);
  return typeof text === 'string' ? text : { problem: 'its data holds no Corefile' };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

interface Comparison {
  readonly own: readonly ServerBlock[];
  readonly found: readonly ServerBlock[];
  readonly where: string;
  readonly expected: Expected;
}

function compareBlocks({
  own,
  found,
  where,
  expected,
}: Comparison): Result<{ drift: Diagnostic[]; foreign: Diagnostic[] }> {
  const originOf = originFinder(expected.policy);
  const at = (rule: RewriteRule): SpecPath => originOf(rule.words.slice(2)) ?? optionsPath(expected);
  const drift: Diagnostic[] = [];
  const foreign: Diagnostic[] = [];
  for (const block of own) {
    const rules = rulesOf(block);
    const live = found.find(({ keys }) => block.keys.every((key) => keys.map(zoneOf).includes(zoneOf(key))));
    if (!live) {
      drift.push(...rules.map((rule) => driftCodes.report('missing', at(rule), { what: ruleWords(rule), where })));
      continue;
    }
    const present = rulesOf(live);
    for (const rule of rules) drift.push(...ruleDrift(rule, { rules, present, live, found, where, at: at(rule) }));
    for (const rule of present.filter((one) => !rules.some((ours) => sameRule(ours, one) || ours.from === one.from))) {
      foreign.push(driftCodes.report('foreign', optionsPath(expected), { what: ruleWords(rule), where }));
    }
  }
  const zones = own.flatMap(({ keys }) => keys.map(zoneOf));
  for (const { keys } of found.filter((block) => !block.keys.some((key) => zones.includes(zoneOf(key))))) {
    foreign.push(driftCodes.report('foreign', optionsPath(expected), { what: `the block "${keys.join(' ')}"`, where }));
  }
  return ok({ drift, foreign });
}

interface Surroundings {
  readonly rules: readonly RewriteRule[];
  readonly present: readonly RewriteRule[];
  readonly live: ServerBlock;
  readonly found: readonly ServerBlock[];
  readonly where: string;
  readonly at: SpecPath;
}

/** Whether a rule is there, and whether a query that it is for ever comes to it. */
function ruleDrift(rule: RewriteRule, { rules, present, live, found, where, at }: Surroundings): Diagnostic[] {
  const index = present.findIndex((one) => sameRule(one, rule));
  const what = ruleWords(rule);
  if (index < 0) {
    const other = present.find((one) => one.from === rule.from && one.match === rule.match);
    return [
      other
        ? driftCodes.report('changed', at, { where, expected: what, live: ruleWords(other) })
        : driftCodes.report('missing', at, { what, where }),
    ];
  }
  const name = sampleName(rule);
  const before = rules.slice(0, rules.indexOf(rule));
  const thief = present.slice(0, index).find((one) => takes(one, name) && !before.some((ours) => sameRule(ours, one)));
  if (thief) return [driftCodes.report('shadowed', at, { what, by: ruleWords(thief) })];
  const depth = Math.max(...live.keys.filter((key) => owns(key, name)).map((key) => zoneOf(key).length));
  const closer = found.find(
    (block) => block !== live && block.keys.some((key) => owns(key, name) && zoneOf(key).length > depth),
  );
  return closer ? [driftCodes.report('shadowed', at, { what, by: `the block "${closer.keys.join(' ')}"` })] : [];
}

/** `dns://Example.com:53` → `example.com.`; a port other than 53 is a server of its own. */
function zoneOf(key: string): string {
  const [, zone = '', port = '53'] = /^(?:dns:\/\/)?(.*?)(?::(\d+))?$/.exec(key.toLowerCase()) ?? [];
  const name = zone.endsWith('.') ? zone : `${zone}.`;
  return port === '53' ? name : `${name}:${port}`;
}

function owns(key: string, name: string): boolean {
  const zone = zoneOf(key);
  return zone === '.' || name === zone || name.endsWith(`.${zone}`);
}
