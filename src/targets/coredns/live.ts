import { type Diagnostic, ok, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { rewriteFinder } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { driftCodes, unreadable } from '../live.ts';
import type { CompareLive, Expected } from '../target.ts';
import { type ExistingRule, existingRule, isSameRule, takesName, wordsOf } from './existing.ts';
import type { Directive, ServerBlock } from './grammar.ts';
import { blocksIn } from './liveCorefile.ts';
import type { CorednsForm, CorednsOptions } from './options.ts';
import { answerer, type Zone, zonesOf, zonesWithin } from './zones.ts';

/**
 * Asks of the live Corefile what CoreDNS would ask: which block a name comes to, and which rule of it takes the
 * name first. So it does not matter in what form, order or file the rules arrived, only what they do.
 */
export const compareCoredns: CompareLive<CorednsOptions> = (live, expected) => {
  const blocks = blocksIn(live.text);
  if ('problem' in blocks) return unreadable(expected, `${live.name}: ${blocks.problem}`, HINT);
  const { rewrites } = expected.policy;
  const zones = zonesOf({ blocks });
  const found: Live = {
    where: live.name,
    zones,
    rules: new Map(blocks.map((block) => [block, rulesOf(block)])),
    blocksFor: answerer(zones),
    rewriteOf: rewriteFinder(rewrites),
  };
  const drift = rewrites.flatMap((rewrite) => ruleDrift(rewrite, found));
  const told = new Set(rewrites.map((rewrite) => wordsOf(rewrite)[3]));
  const others = [...found.rules.values()].flat().filter(({ changes, from }) => changes === 'name' && !told.has(from));
  const { at } = expected;
  // In the forms that are a whole Corefile of ours, what stands beside the rules is ours too.
  const own = isWhole(expected) ? expected.files.flatMap(({ text }) => blocksOf(text)) : [];
  const rest = restDrift({ own, found: blocks, where: live.name, at });
  const ownBlocks = new Set(own.map(nameOf));
  const added = own.length === 0 ? [] : blocks.map(nameOf).filter((name) => !ownBlocks.has(name));
  const unseen = own.length === 0 ? blocks.flatMap(importsOf) : [];
  const beside = [...others.map(({ words }) => shown(words)), ...added.map((name) => `the block "${name}"`), ...unseen];
  const foreign = [...new Set(beside)].map((what) => driftCodes.report('foreign', at, { what, where: live.name }));
  return ok({ drift: [...drift, ...rest], foreign });
};

const WHOLE: readonly CorednsForm[] = ['corefile', 'configMap', 'eks', 'helm', 'nodeLocal'];

function isWhole({ options: { form = 'corefile', merge } }: Expected<CorednsOptions>): boolean {
  return WHOLE.includes(form) && merge === undefined;
}

function blocksOf(text: string): readonly ServerBlock[] {
  const blocks = blocksIn(text);
  if ('problem' in blocks) throw new Error(`our own Corefile: ${blocks.problem}`);
  return blocks;
}

interface Live {
  readonly where: string;
  readonly zones: readonly Zone[];
  readonly rules: ReadonlyMap<ServerBlock, readonly ExistingRule[]>;
  readonly blocksFor: (name: string) => readonly ServerBlock[];
  readonly rewriteOf: (name: string) => DomainRewrite | undefined;
}

const HINT = 'give a Corefile, or what "kubectl -n kube-system get configmap coredns -o yaml" prints';

/** Whether the rule of a rewrite is there, and whether a query that it is for comes to it, wherever it is asked. */
function ruleDrift(rewrite: DomainRewrite, live: Live): Diagnostic[] {
  const within = zonesWithin(live.zones, rewrite).flatMap(({ name }) => [name, `${UNLIKELY}.${name}`]);
  const names = [rewrite.wildcard ? `${UNLIKELY}.${rewrite.from}` : rewrite.from, ...within];
  const asked = names.filter((name) => live.rewriteOf(name) === rewrite);
  const [first] = asked.flatMap((name) => {
    const blocks = live.blocksFor(name);
    return blocks.length > 0
      ? blocks.flatMap((block) => nameDrift({ rewrite, name, block }, live))
      : absent(rewrite, 'the block of another zone', live);
  });
  return first ? [first] : [];
}

interface Asked {
  readonly rewrite: DomainRewrite;
  readonly name: string;
  readonly block: ServerBlock;
}

/** What becomes of a query that comes to a block. */
function nameDrift({ rewrite, name, block }: Asked, live: Live): Diagnostic[] {
  const words = wordsOf(rewrite);
  // It asks for the names that it makes behind the back of every rule.
  if (block.directives.some((directive) => directive.name.text === 'autopath'))
    return absent(rewrite, 'autopath', live);
  const first = live.rules.get(block)?.find((rule) => takesName(rule, `${name}.`));
  if (first && isSameRule(first.words, words)) return [];
  // The same names in the same way, but not to the same place.
  if (first && isSameRule(first.words.slice(1, 4), words.slice(1, 4))) {
    const params = { where: live.where, expected: shown(words), live: shown(first.words) };
    return [driftCodes.report('changed', rewrite.origin, params)];
  }
  return absent(
    rewrite,
    first ? shown(first.words) : `the block "${block.keys.map(({ text }) => text).join(' ')}"`,
    live,
  );
}

/** The rule is nowhere, or it is where no query comes to it. */
function absent(rewrite: DomainRewrite, by: string, { rules, where }: Live): Diagnostic[] {
  const what = shown(wordsOf(rewrite));
  const known = [...rules.values()].some((all) => all.some((rule) => isSameRule(rule.words, wordsOf(rewrite))));
  if (!known) return [driftCodes.report('missing', rewrite.origin, { what, where })];
  return [driftCodes.report('shadowed', rewrite.origin, { what, by })];
}

/** What files hold is known only where CoreDNS runs; a rule in them may come before ours. */
function importsOf({ directives }: ServerBlock): string[] {
  const imports = directives.filter(({ name }) => name.text === 'import');
  return imports.map(({ words }) => `"import ${words.map(({ text }) => text).join(' ')}"`);
}

function rulesOf({ directives }: ServerBlock): ExistingRule[] {
  return directives.flatMap((directive) => existingRule(directive) ?? []);
}

function shown(words: readonly string[]): string {
  return `"rewrite ${words.join(' ')}"`;
}

/** A label that no rule names, to stand for all names below a wildcard. */
const UNLIKELY = 'some-name-below';

interface Sides {
  readonly own: readonly ServerBlock[];
  readonly found: readonly ServerBlock[];
  readonly where: string;
  readonly at: SpecPath;
}

/** What differs in a Corefile that is ours as a whole, beside the rules: plugins run in an order that no file decides. */
function restDrift({ own, found, where, at }: Sides): Diagnostic[] {
  return own.flatMap((block): Diagnostic[] => {
    const live = found.find((other) => nameOf(other) === nameOf(block));
    if (!live) return missingBlock(block, where, at);
    const place = `${where} (${nameOf(block)})`;
    const rest = new Map(live.directives.filter(isOther).map((directive) => [textOf(directive), directive]));
    const missing = block.directives.filter(isOther).filter((directive) => !rest.delete(textOf(directive)));
    const extra = [...rest.values()];
    return [
      ...missing.map((directive) => {
        const index = extra.findIndex((other) => other.name.text === directive.name.text);
        const [partner] = index < 0 ? [] : extra.splice(index, 1);
        if (!partner) return driftCodes.report('missing', at, { what: quoted(directive), where: place });
        return driftCodes.report('changed', at, { where: place, expected: quoted(directive), live: quoted(partner) });
      }),
      ...extra.map((directive) => driftCodes.report('added', at, { what: quoted(directive), where: place })),
    ];
  });
}

/** Of a block with rules, the rules have told already. */
function missingBlock(block: ServerBlock, where: string, at: SpecPath): Diagnostic[] {
  if (!block.directives.every(isOther)) return [];
  return [driftCodes.report('missing', at, { what: `the block "${nameOf(block)}"`, where })];
}

/** The names that a block answers for, in one order. */
function nameOf({ keys }: ServerBlock): string {
  return keys
    .map(({ text }) => text.replace(/,$/, '').toLowerCase().replace(/:53$/, ''))
    .sort()
    .join(' ');
}

function isOther(directive: Directive): boolean {
  return existingRule(directive)?.changes !== 'name';
}

function textOf({ name, words }: Directive): string {
  return [name, ...words].map(({ text }) => text).join(' ');
}

function quoted(directive: Directive): string {
  return `"${textOf(directive)}"`;
}
