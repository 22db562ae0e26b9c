import { type Diagnostic, ok } from '../../diagnostics/diagnostic.ts';
import { rewriteFinder } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { driftCodes, unreadable } from '../live.ts';
import type { CompareLive, Expected } from '../target.ts';
import { customKey } from './custom.ts';
import { type ExistingRule, existingRules, isSameRule, takesName } from './existing.ts';
import type { Directive, ServerBlock } from './grammar.ts';
import { corefileIn, type LiveCorefile, namespaceIn } from './liveCorefile.ts';
import { isRootResolver, touches } from './livePlugins.ts';
import { couldTake, type RewriteOf, UNLIKELY } from './liveRules.ts';
import type { CorednsForm, CorednsOptions } from './options.ts';
import { comparedName, wordsOf } from './rules.ts';
import { answerer, unknownKeys, type Zone, zonesOf, zonesWithin } from './zones.ts';

const HINT = 'give a Corefile, or what "kubectl -n kube-system get configmap coredns -o yaml" prints';

/**
 * Compares a live Corefile by what CoreDNS would do: which block gets a name, and which rule of it matches first. The
 * form and the file of the rules do not matter. All other content has to be ours as well or proven to leave our names
 * alone; otherwise it is drift.
 */
export const compareCoredns: CompareLive<CorednsOptions> = (live, expected) => {
  const corefile = corefileIn(live.text);
  if ('problem' in corefile) return unreadable(expected, `${live.name}: ${corefile.problem}`, HINT);
  const elsewhere = otherNamespace(live.text, expected);
  if (elsewhere !== undefined) return unreadable(expected, `${live.name}: ${elsewhere}`, HINT);
  const { rewrites } = expected.policy;
  const own = ownCorefile(expected);
  const zones = zonesOf(corefile).filter(
    (zone) => !isWhole(expected) || own.blocks.some((block) => meets(block, zone)),
  );
  const found: Live = {
    where: live.name,
    expected,
    corefile,
    own,
    zones,
    rules: new Map(corefile.blocks.map((block) => [block, indexed(rulesOf(block))])),
    blocksFor: answerer(zones),
    rewriteOf: rewriteFinder(rewrites),
  };
  const unseen = [...corefile.imports.map(importOf), ...unknownKeys(corefile).map(({ text }) => `the names "${text}"`)];
  const known = new Set([...own.imports.map(importOf), ...unknownKeys(own).map(({ text }) => `the names "${text}"`)]);
  const unknown = [...new Set(unseen)].filter((what) => !known.has(what));
  const rules = rewrites.flatMap((rewrite) => ruleDrift(rewrite, found));
  const rest = { ...found, isTold: (what: string) => rules.some(({ message }) => message.includes(what)) };
  const others = isWhole(expected) ? wholeDrift(rest) : partDrift(rest);
  const beside = [...foreignRules(found), ...foreignBlocks(found)].filter((what) => !rest.isTold(what));
  return ok({
    drift: [...rules, ...unknown.map((what) => added(what, found)), ...others],
    foreign: beside.map((what) => driftCodes.report('foreign', expected.at, { what, where: live.name })),
  });
};

/** Returns why a ConfigMap is not the one that ours becomes. A chart, or the file of a server, may be anywhere. */
function otherNamespace(text: string, { files }: Expected): string | undefined {
  const wanted = files.map((file) => namespaceIn(file.text)).find((found) => found !== undefined);
  const found = namespaceIn(text);
  if (wanted === undefined || found === undefined || found === wanted) return undefined;
  return `it is of the namespace "${found}", and ours is of "${wanted}"`;
}

interface Live {
  readonly where: string;
  readonly expected: Expected<CorednsOptions>;
  readonly corefile: LiveCorefile;
  readonly own: LiveCorefile;
  readonly zones: readonly Zone[];
  readonly rules: ReadonlyMap<ServerBlock, BlockRules>;
  readonly blocksFor: (name: string) => readonly ServerBlock[];
  readonly rewriteOf: RewriteOf;
}

/** The rules of a block, indexed so that not all have to be tried: there may be thousands for whole names. */
interface BlockRules {
  readonly all: readonly ExistingRule[];
  /** Index of the first rule with these words. */
  readonly indexByWords: ReadonlyMap<string, number>;
  /** The first rule for a whole name. */
  readonly exact: ReadonlyMap<string, Placed>;
  readonly others: readonly Placed[];
}

interface Placed {
  readonly place: number;
  readonly rule: ExistingRule;
}

function indexed(all: readonly ExistingRule[]): BlockRules {
  const placed = all.map((rule, place) => ({ place, rule }));
  const backwards = placed.toReversed();
  const isExact = ({ rule }: Placed) => rule.match === 'exact';
  return {
    all,
    indexByWords: new Map(backwards.map(({ place, rule }) => [rule.words.join(' '), place])),
    exact: new Map(backwards.filter(isExact).map((one) => [one.rule.from, one])),
    others: placed.filter((one) => !isExact(one)),
  };
}

/**
 * Returns the first rule before index `end` that matches a name; `takes` tells this for rules that are not for whole
 * names.
 */
function firstRule(
  { exact, others }: BlockRules,
  name: string,
  takes: (rule: ExistingRule) => boolean,
  end = Number.POSITIVE_INFINITY,
): ExistingRule | undefined {
  const found = [exact.get(`${name}.`), others.find(({ place, rule }) => place >= end || takes(rule))];
  const [first] = found.filter((one) => one !== undefined).toSorted((a, b) => a.place - b.place);
  return first && first.place < end ? first.rule : undefined;
}

/** A comparison whose rules have been compared. */
interface Rest extends Live {
  /** Returns whether the drift of rules has reported this already. */
  readonly isTold: (what: string) => boolean;
}

const WHOLE: readonly CorednsForm[] = ['corefile', 'configMap', 'eks', 'helm', 'nodeLocal'];

/** Returns whether the whole Corefile is ours. */
function isWhole({ options: { form = 'corefile', merge } }: Expected<CorednsOptions>): boolean {
  return WHOLE.includes(form) && merge === undefined;
}

function ownCorefile({ files, policy }: Expected): LiveCorefile {
  const corefile = corefileIn(files.map(({ text }) => text).join('\n'));
  if (!('problem' in corefile)) return corefile;
  if (policy.rewrites.length > 0) throw new Error(`our own Corefile: ${corefile.problem}`);
  return { blocks: [], imports: [], parts: new Map(), bare: false };
}

const importOf = (pattern: string) => `"import ${pattern}"`;

function added(what: string, { where, expected: { at } }: Live): Diagnostic {
  return driftCodes.report('added', at, { what, where });
}

/** Reports a missing rule, or one that a query for its name does not reach, wherever the name is asked. */
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

/** Reports what keeps a query in a block from reaching its rule. */
function nameDrift({ rewrite, name, block }: Asked, live: Live): Diagnostic[] {
  const words = wordsOf(rewrite);
  // autopath looks up the names that it makes without any rewrite.
  if (block.directives.some((directive) => directive.name.text === 'autopath'))
    return absent(rewrite, 'autopath', live);
  const rules = live.rules.get(block) ?? indexed([]);
  const place = rules.indexByWords.get(words.join(' '));
  const takes = (rule: ExistingRule) => couldTake(rule, rewrite, live.rewriteOf);
  // Names below a wildcard may have rules of their own.
  const before = rewrite.wildcard
    ? rules.all.slice(0, place ?? 0).find(takes)
    : firstRule(rules, rewrite.from, takes, place ?? 0);
  if (place !== undefined && !before) return [];
  const first = before ?? firstRule(rules, name, (rule) => takesName(rule, `${name}.`));
  // The same names are matched in the same way, but become another name.
  if (first && isSameRule(first.words.slice(1, 4), words.slice(1, 4))) {
    const params = { where: live.where, expected: shown(words), live: shown(first.words) };
    return [driftCodes.report('changed', rewrite.origin, params)];
  }
  return absent(rewrite, first ? shown(first.words) : blockWords(block), live);
}

/** Reports a rule that is missing, or that no query reaches. */
function absent(rewrite: DomainRewrite, by: string, { rules, where }: Live): Diagnostic[] {
  const what = shown(wordsOf(rewrite));
  const known = [...rules.values()].some(({ indexByWords }) => indexByWords.has(wordsOf(rewrite).join(' ')));
  if (!known) return [driftCodes.report('missing', rewrite.origin, { what, where })];
  return [driftCodes.report('shadowed', rewrite.origin, { what, by })];
}

/** Compares the blocks of a Corefile that is ours as a whole. */
function wholeDrift(live: Rest): Diagnostic[] {
  const { own, corefile } = live;
  const left = new Set(corefile.blocks);
  const drift = own.blocks.flatMap((block): Diagnostic[] => {
    const same = [...left].find((other) => nameOf(other) === nameOf(block));
    if (!same) return missingBlock(block, live);
    left.delete(same);
    return blockDrift(block, same, live);
  });
  const near = [...left].filter((block) => answersOurs(block, live)).map(blockWords);
  return [...drift, ...near.filter((what) => !live.isTold(what)).map((what) => added(what, live))];
}

const blockWords = (block: ServerBlock) => `the block "${nameOf(block)}"`;

/** Returns whether a block may answer a name that is rewritten. */
function answersOurs(block: ServerBlock, { zones, expected }: Live): boolean {
  const own = zones.filter((zone) => zone.block === block);
  return own.some(({ name }) =>
    expected.policy.rewrites.some(({ from, wildcard }) => isBelow(from, name) || (wildcard && isBelow(name, from))),
  );
}

/** Returns blocks beside ours that answer none of our names. */
function foreignBlocks(live: Live): string[] {
  if (!isWhole(live.expected)) return [];
  const ours = new Set(live.own.blocks.map(nameOf));
  return live.corefile.blocks.filter((block) => !ours.has(nameOf(block)) && !answersOurs(block, live)).map(blockWords);
}

/** Returns rules for names that are not ours. A rule that matches one of ours is reported with it. */
function foreignRules({ rules, expected }: Live): string[] {
  const own = new Set(expected.policy.rewrites.map(comparedName));
  const others = [...rules.values()]
    .flatMap(({ all }) => all)
    .filter(({ changes, from }) => changes === 'name' && !own.has(from));
  return [...new Set(others.map(({ words }) => shown(words)))];
}

/** Reports a missing block, unless it has rules, whose drift has been reported. */
function missingBlock(block: ServerBlock, { where, expected: { at } }: Rest): Diagnostic[] {
  if (block.directives.some(isRule)) return [];
  return [driftCodes.report('missing', at, { what: blockWords(block), where })];
}

/** Compares a block of ours. Missing rules are reported by the names that they affect. */
function blockDrift(block: ServerBlock, found: ServerBlock, live: Rest): Diagnostic[] {
  const { missing, extra } = difference(block.directives, found.directives);
  return [
    ...unlike(
      { missing: missing.filter((one) => !isRule(one)), extra: extra.filter((one) => !isRule(one)), block },
      live,
    ),
    ...(missing.length + extra.length > 0 ? [] : reordered(block, found, live)),
  ];
}

/** Reports directives of one plugin in another order. The order of different plugins has no effect. */
function reordered(block: ServerBlock, found: ServerBlock, { where, expected: { at } }: Live): Diagnostic[] {
  const place = `${where} (${nameOf(block)})`;
  const inOrder = ({ directives }: ServerBlock, plugin: string) =>
    directives.filter(({ name }) => name.text === plugin).map(textOf);
  const plugins = new Set(block.directives.filter((directive) => !isRule(directive)).map(({ name }) => name.text));
  return [...plugins].flatMap((plugin) => {
    const [left, right] = [inOrder(block, plugin), inOrder(found, plugin)];
    const first = left.find((text, index) => text !== right[index]);
    if (plugin === 'rewrite' || first === undefined) return [];
    return [driftCodes.report('reordered', at, { what: `"${first.replaceAll('\n', ' ')}"`, where: place })];
  });
}

/**
 * Compares a Corefile of somebody else around our rules. Whatever may affect our names is drift, and so is a change of
 * our own file.
 */
function partDrift(live: Rest): Diagnostic[] {
  const { corefile, own, expected } = live;
  const { rewrites } = expected.policy;
  const merged = expected.options.merge !== undefined;
  const around = corefile.parts.has('Corefile') && !corefile.bare;
  const near = corefile.blocks.filter((block) => answersOurs(block, live) && !live.isTold(blockWords(block)));
  const beside = near.flatMap((block): Diagnostic[] => {
    const same = merged ? own.blocks.find((other) => nameOf(other) === nameOf(block)) : undefined;
    const wanted = same?.directives ?? own.blocks.flatMap(({ directives }) => directives);
    // If we do not know what the Corefile around our rules should be, some server has to be asked in it.
    const isFree = (directive: Directive) =>
      !same && around && (isRootResolver(directive) || directive.name.text === 'bind');
    const counts = (directive: Directive) => touches(directive, rewrites) && !isFree(directive);
    const { missing, extra } = difference(wanted, block.directives);
    return unlike({ missing: same ? missing.filter(counts) : [], extra: extra.filter(counts), block }, live);
  });
  // The block has other names then, so that its rules concern more names or fewer.
  const renamed = merged
    ? own.blocks.filter(
        (block) => block.directives.some(isRule) && !corefile.blocks.some((other) => nameOf(other) === nameOf(block)),
      )
    : [];
  return unique([
    ...ownPartDrift(live),
    ...beside,
    ...renamed.map((block) =>
      driftCodes.report('missing', expected.at, { what: blockWords(block), where: live.where }),
    ),
  ]);
}

/** Compares our own file, where it can be recognized: by its key in a ConfigMap, or as a file without blocks. */
function ownPartDrift(live: Rest): Diagnostic[] {
  const { own, corefile, expected } = live;
  // After a merge, only our own keys of a ConfigMap are ours as a whole.
  const ours = customKey(expected.policy.name, '');
  const isOurs = (name: string) => expected.options.merge === undefined || name.startsWith(ours);
  return [...own.parts].flatMap(([name, blocks]) => {
    if (!isOurs(name)) return [];
    const found = corefile.parts.get(name);
    if (!found || (name === 'Corefile' && !corefile.bare)) return [];
    const others = found.filter((block) => !blocks.some((one) => nameOf(one) === nameOf(block)));
    return [
      ...blocks.flatMap((block) => {
        const same = found.find((other) => nameOf(other) === nameOf(block));
        return same ? blockDrift(block, same, live) : [];
      }),
      ...others.map((block) => added(blockWords(block), live)),
    ];
  });
}

interface Unlike {
  readonly missing: readonly Directive[];
  readonly extra: readonly Directive[];
  readonly block: ServerBlock;
}

/** Reports directives that differ. A missing one and an additional one of the same plugin are one change. */
function unlike({ missing, extra, block }: Unlike, { where, expected: { at }, isTold }: Rest): Diagnostic[] {
  const place = `${where} (${nameOf(block)})`;
  // The drift of rules has reported autopath already, and that it makes our rules ineffective.
  const left = extra.filter((directive) => !(directive.name.text === 'autopath' && isTold('autopath')));
  const gone = missing.map((directive) => {
    const index = left.findIndex((other) => other.name.text === directive.name.text);
    const [partner] = index < 0 ? [] : left.splice(index, 1);
    if (!partner) return driftCodes.report('missing', at, { what: quoted(directive), where: place });
    return driftCodes.report('changed', at, { where: place, expected: quoted(directive), live: quoted(partner) });
  });
  return [
    ...gone,
    ...left.map((directive) => driftCodes.report('added', at, { what: quoted(directive), where: place })),
  ];
}

/** Returns what one list has and the other has not, or not as often. */
function difference(wanted: readonly Directive[], found: readonly Directive[]): Omit<Unlike, 'block'> {
  const rest = new Map<string, Directive[]>();
  for (const directive of found) rest.set(textOf(directive), [...(rest.get(textOf(directive)) ?? []), directive]);
  const missing = wanted.filter((directive) => rest.get(textOf(directive))?.shift() === undefined);
  return { missing, extra: [...rest.values()].flat() };
}

function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((one) => [one.message, one])).values()];
}

/** Returns whether queries for a zone may reach a block: they share a port, and their addresses do not separate them. */
function meets(block: ServerBlock, zone: Zone): boolean {
  return zonesOf({ blocks: [block] }).some((own) => {
    const [, port, addresses] = own.listener.split(' ', 3);
    const [, otherPort, others] = zone.listener.split(' ', 3);
    const isKnown = /^\d+$/.test(port ?? '') && /^\d+$/.test(otherPort ?? '');
    return !(isKnown && port !== otherPort) && (addresses === '' || others === '' || addresses === others);
  });
}

function isBelow(name: string, zone: string): boolean {
  return zone === '' || `.${name}`.endsWith(`.${zone}`);
}

/** Returns the names of a block, sorted. */
function nameOf({ keys }: ServerBlock): string {
  return keys
    .map(({ text }) => text.replace(/,$/, '').toLowerCase().replace(/:53$/, ''))
    .sort()
    .join(' ');
}

function rulesOf({ directives }: ServerBlock): ExistingRule[] {
  return directives.flatMap(existingRules);
}

/**
 * Returns a text by which directives are compared: a rule that changes names in one spelling, any other directive with
 * its words and, within braces, its lines.
 */
function textOf(directive: Directive): string {
  if (isRule(directive))
    return existingRules(directive)
      .map(({ words }) => shown(words))
      .join();
  const { name, words } = directive;
  let { line } = name;
  return words.reduce((text, word) => {
    const gap = word.line === line ? ' ' : '\n';
    line = word.line;
    return text + gap + word.text;
  }, name.text);
}

function isRule(directive: Directive): boolean {
  return existingRules(directive)[0]?.changes === 'name';
}

function shown(words: readonly string[]): string {
  return `"rewrite ${words.join(' ')}"`;
}

function quoted({ name, words }: Directive): string {
  return `"${[name, ...words].map(({ text }) => text).join(' ')}"`;
}
