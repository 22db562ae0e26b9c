import { type Diagnostic, ok } from '../diagnostics/diagnostic.ts';
import type { DomainRewrite } from '../policy/types.ts';
import type { ServerBlock } from '../targets/coredns/grammar.ts';
import { type CorednsForm, corednsOptions } from '../targets/coredns/options.ts';
import { driftCodes } from './codes.ts';
import { restDrift } from './corednsRest.ts';
import { blocksIn } from './corefiles.ts';
import { type CompareLive, type Expected, optionsPath, unreadable } from './live.ts';
import { expectedRule, type RewriteRule, ruleOf, ruleWords, sameRule, takes } from './rules.ts';

/**
 * Asks of the live Corefile what CoreDNS would ask: which block a name comes to, and which rule of it takes the
 * name first. So it does not matter in what form, order or file the rules arrived, only what they do.
 */
export const compareCoredns: CompareLive = (live, expected) => {
  const blocks = blocksIn(live.text);
  if ('problem' in blocks) return unreadable(expected, `${live.name}: ${blocks.problem}`, HINT);
  const server = serverOf(blocks);
  const { rewrites } = expected.policy;
  const ours = rewrites.map(expectedRule);
  const drift = rewrites.flatMap((rewrite) => ruleDrift(rewrite, server, live.name));
  const told = new Set(ours.map((rule) => rule.from));
  const others = new Set(server.all.filter((rule) => !told.has(rule.from)).map(ruleWords));
  const at = optionsPath(expected);
  // In the forms that are a whole Corefile of ours, what stands beside the rules is ours too.
  const own = isWhole(expected) ? expected.files.flatMap(({ text }) => blocksOf(text)) : [];
  const rest = restDrift({ own, found: blocks, where: live.name, at });
  const foreign = [...others].map((what) => driftCodes.report('foreign', at, { what, where: live.name }));
  return ok({ drift: [...drift, ...rest], foreign });
};

const WHOLE: readonly CorednsForm[] = ['corefile', 'configMap', 'eks', 'nodeLocal'];

function isWhole({ options }: Expected): boolean {
  const { form = 'corefile', ...others } = corednsOptions.parse(options);
  return WHOLE.includes(form) && !('merge' in others);
}

function blocksOf(text: string): readonly ServerBlock[] {
  const blocks = blocksIn(text);
  if ('problem' in blocks) throw new Error(`our own Corefile: ${blocks.problem}`);
  return blocks;
}

const HINT = 'give a Corefile, or what "kubectl -n kube-system get configmap coredns -o yaml" prints';

interface LiveBlock {
  readonly key: string;
  readonly zone: string;
  readonly rules: readonly RewriteRule[];
}

interface Server {
  readonly all: readonly RewriteRule[];
  /** The block that answers for a name: the one with the longest zone. */
  blockFor(name: string): LiveBlock | undefined;
}

/** Blocks of one zone count as one: they are parts that are imported, or stand on ports that are not told apart here. */
function serverOf(blocks: readonly ServerBlock[]): Server {
  const byZone = new Map<string, LiveBlock>();
  const all: RewriteRule[] = [];
  for (const { keys, directives } of blocks) {
    const rules = directives.flatMap((directive) => ruleOf(directive) ?? []);
    all.push(...rules);
    for (const { text } of keys) {
      const key = text.replace(/,$/, '');
      const zone = zoneOf(key);
      const known = byZone.get(zone);
      byZone.set(zone, known ? { ...known, rules: [...known.rules, ...rules] } : { key, zone, rules });
    }
  }
  const blockFor = (name: string): LiveBlock | undefined => {
    const labels = name.split('.');
    for (let index = 0; index < labels.length; index++) {
      const block = byZone.get(labels.slice(index).join('.') || '.');
      if (block) return block;
    }
    return byZone.get('.');
  };
  return { all, blockFor };
}

/** `dns://Example.com:53` → `example.com.` */
function zoneOf(key: string): string {
  const zone = key
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/:\d+$/, '');
  return zone.endsWith('.') ? zone : `${zone}.`;
}

/** Whether the rule of a rewrite is there, and whether a query that it is for comes to it. */
function ruleDrift(rewrite: DomainRewrite, server: Server, where: string): Diagnostic[] {
  const rule = expectedRule(rewrite);
  const what = ruleWords(rule);
  const at = rewrite.origin;
  const name = rewrite.wildcard ? `${UNLIKELY}${rule.from}` : rule.from;
  const block = server.blockFor(name);
  const first = block?.rules.find((one) => takes(one, name));
  if (first && sameRule(first, rule)) return [];
  const alike = first && first.match === rule.match && first.from === rule.from;
  if (alike) return [driftCodes.report('changed', at, { where, expected: what, live: ruleWords(first) })];
  if (!server.all.some((one) => sameRule(one, rule))) return [driftCodes.report('missing', at, { what, where })];
  const by = first ? ruleWords(first) : `the block "${block?.key ?? 'of another zone'}"`;
  return [driftCodes.report('shadowed', at, { what, by })];
}

/** A label that no rule names, to stand for all names below a wildcard. */
const UNLIKELY = 'some-name-below';
