import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { DraftItem, Imported, ImportFile, ImportProblem, NotCarried } from '../../import/draft.ts';
import { Chains, resolveRewrites } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { type Corefile, type Directive, effectiveDirectives, parseCorefile, type ServerBlock } from './grammar.ts';
import { unknownKeys } from './zones.ts';

const NAME = /^(?=.{3,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

interface Rewrite {
  readonly from: string;
  readonly to: string;
}

/** Returns the rewrites of names in Corefiles as domain rewrites, with a list of all else that a server does. */
export function importCorefile(files: readonly ImportFile[]): Imported | ImportProblem {
  const found: Found = { rewrites: new Map(), notCarriedOver: [] };
  for (const { name: file, text } of files) {
    const parsed = parseCorefile(text);
    if ('problem' in parsed) return { file, line: parsed.at.line + 1, problem: parsed.problem };
    readCorefile(parsed, file, found);
  }
  const { rewrites, notCarriedOver } = found;
  dropChains(found);
  if (rewrites.size === 0)
    return {
      file: files[0]?.name ?? '',
      line: 1,
      problem: 'it rewrites no name that a spec can rewrite',
      reasons: notCarriedOver,
    };
  const draft = {
    name: 'imported',
    head: ['Imported from a Corefile: names that stand for other names.'],
    domainRewrites: [...rewrites.values()].map(({ item }) => item),
    targets: [{ id: 'coredns', value: { form: 'import' } }],
  };
  return { draft, notCarriedOver };
}

interface Carried {
  readonly item: DraftItem;
  readonly rewrite: Rewrite;
  readonly at: NotCarried;
}

interface Found {
  readonly rewrites: Map<string, Carried>;
  readonly notCarriedOver: NotCarried[];
}

function readCorefile(parsed: Corefile, file: string, { rewrites, notCarriedOver }: Found): void {
  const placed = ({ name }: Directive, reason: string) => ({ file, line: name.line + 1, what: name.text, reason });
  for (const word of parsed.imports)
    notCarriedOver.push({ file, line: word.line + 1, what: 'import', reason: 'name the file beside this one' });
  const used = new Set<Directive>();
  const zones = zonesOfAll(parsed, unknownKeys(parsed).length === 0);
  for (const block of parsed.blocks) {
    const above = new RulesAbove();
    for (const { directive } of effectiveDirectives(block, parsed)) {
      used.add(directive);
      const rule = ruleOf(directive);
      const reason =
        typeof rule.rewrite === 'string' ? rule.rewrite : lossOf(rule.rewrite, { block, zones, above, rewrites });
      const at = placed(directive, reason ?? '');
      if (reason !== undefined) notCarriedOver.push(at);
      else if (typeof rule.rewrite !== 'string') {
        const { from } = rule.rewrite;
        const item = { id: from, notes: [`${file}:${at.line}`], value: rule.rewrite };
        if (!rewrites.has(from)) rewrites.set(from, { item, rewrite: rule.rewrite, at });
      }
      above.add({ ...rule, isCarried: reason === undefined });
    }
  }
  for (const directive of [...parsed.snippets.values()].flat())
    if (!used.has(directive) && directive.name.text !== 'import')
      notCarriedOver.push(placed(directive, 'no server imports it'));
}

/**
 * Leaves out rewrites that a spec refuses: of names that it does not take, and those that lead to a name which another
 * one is for, because a server rewrites a name once.
 */
function dropChains({ rewrites, notCarriedOver }: Found): void {
  const drop = ({ rewrite, at }: Carried, reason: string) => {
    rewrites.delete(rewrite.from);
    notCarriedOver.push({ ...at, reason });
  };
  const left: { readonly carried: Carried; readonly resolved: DomainRewrite }[] = [];
  for (const carried of rewrites.values()) {
    const problems: Diagnostic[] = [];
    const alone = { version: 1 as const, name: 'imported', domainRewrites: [carried.rewrite] };
    const [resolved] = resolveRewrites(alone, problems);
    // One that leads to itself is still in the way of those before it.
    const isTaken = problems.length === 0 || (resolved && new Chains([resolved]).after(resolved));
    if (resolved && isTaken) left.push({ carried, resolved });
    else drop(carried, LEADS_ON);
  }
  const chains = new Chains(left.map(({ resolved }) => resolved));
  for (const { carried, resolved } of left) {
    if (!chains.after(resolved)) continue;
    chains.remove(resolved);
    drop(carried, LEADS_ON);
  }
}

const LEADS_ON = 'it leads to a name that is rewritten itself, which a spec refuses';

interface Rule {
  readonly rewrite: Rewrite | string;
  /** Returns whether it may take some of the names that a rewrite is for. */
  readonly mayTake: (from: string) => boolean;
  /** The one name that it takes, where it takes no others. */
  readonly only?: string;
  readonly isCarried?: boolean;
}

/** Rules of a server that may take a name before those below them. */
class RulesAbove {
  readonly #all: Rule[] = [];
  readonly #others: Rule[] = [];
  readonly #byName = new Map<string, Rule[]>();

  add(rule: Rule): void {
    if (rule.mayTake === NOTHING) return;
    this.#all.push(rule);
    if (rule.only === undefined) this.#others.push(rule);
    else {
      const same = this.#byName.get(rule.only);
      if (same) same.push(rule);
      else this.#byName.set(rule.only, [rule]);
    }
  }

  /** Returns whether one of them may take some of the names that a rewrite is for, and a spec would not prefer it too. */
  take(from: string): boolean {
    const candidates = from.startsWith('*.') ? this.#all : [...this.#others, ...(this.#byName.get(from) ?? [])];
    return candidates.some((one) => one.mayTake(from) && !isNarrower(one, from));
  }
}

interface Around {
  readonly block: ServerBlock;
  /** `undefined` where the names of the servers cannot be told from the file. */
  readonly zones: Zones | undefined;
  readonly above: RulesAbove;
  readonly rewrites: Found['rewrites'];
}

/** Returns why a rewrite of a server cannot be carried over; `undefined` where it can. */
function lossOf(rewrite: Rewrite, { block, zones, above, rewrites }: Around): string | undefined {
  if (block.directives.some(({ name }) => name.text === 'view')) return 'its server answers some clients only';
  if (!zones) return 'which server answers for the name depends on the environment';
  return (
    unasked(rewrite, block, zones) ??
    (above.take(rewrite.from) ? 'a rule before it takes this name already, or some of these' : taken(rewrite, rewrites))
  );
}

/** Whether a rule that was carried over is for one of the names of a wildcard, or for some of them: a spec prefers it too. */
function isNarrower({ rewrite, isCarried }: Rule, from: string): boolean {
  if (typeof rewrite === 'string' || isCarried !== true || !from.startsWith('*.')) return false;
  return rewrite.from !== from && rewrite.from.endsWith(from.slice(1));
}

/** Which servers answer for which zones; "" is that of all names. */
interface Zones {
  readonly own: ReadonlyMap<string, ReadonlySet<ServerBlock>>;
  /** By name, the servers that answer for a zone below it. */
  readonly below: ReadonlyMap<string, ReadonlySet<ServerBlock>>;
}

/** No name is longer, so nothing is asked about the zones below a longer one. */
const LONGEST_NAME = 253;

function zonesOfAll({ blocks }: Corefile, isKnown: boolean): Zones | undefined {
  if (!isKnown) return undefined;
  const [own, below] = [new Map<string, Set<ServerBlock>>(), new Map<string, Set<ServerBlock>>()];
  const add = (to: Map<string, Set<ServerBlock>>, zone: string, block: ServerBlock) =>
    to.set(zone, (to.get(zone) ?? new Set()).add(block));
  for (const block of blocks)
    for (const zone of zonesIn(block)) {
      add(own, zone, block);
      for (const parent of parentsOf(zone.slice(-LONGEST_NAME - 1))) add(below, parent, block);
    }
  return { own, below };
}

/** Returns the names above a name, longest first. */
function parentsOf(name: string): string[] {
  const found: string[] = [];
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) found.push(name.slice(dot + 1));
  return found;
}

/** Returns why a server is not asked for the name of a rule: the one with the longest zone above a name answers for it. */
function unasked({ from }: Rewrite, block: ServerBlock, { own, below }: Zones): string | undefined {
  const name = plain(from).replace(/^\*\./, '');
  const longest = [name, ...parentsOf(name), ''].find((zone) => own.has(zone));
  const answers = (zone: string) => own.get(zone)?.has(block) ?? false;
  if (longest === undefined || ![name, ...parentsOf(name), ''].some(answers))
    return 'its server does not answer for the name';
  if (!answers(longest)) return 'another server answers for the name';
  const isSplit = from.startsWith('*') && [...(below.get(name) ?? [])].some((one) => one !== block);
  return isSplit ? 'another server answers for some names below it' : undefined;
}

function zonesIn({ keys }: ServerBlock): string[] {
  return keys
    .flatMap(({ text }) => text.split(','))
    .filter((text) => text !== '')
    .map((text) => plain(text.replace(/^[a-z]+:\/\//, '').replace(/:\d+$/, '')));
}

function taken(rewrite: Rewrite, rewrites: Found['rewrites']): string | undefined {
  if (rewrite.from === rewrite.to) return 'a name stands for itself';
  const known = rewrites.get(rewrite.from)?.rewrite;
  return known && known.to !== rewrite.to ? 'a rule before it takes this name already' : undefined;
}

const plain = (text: string) => text.toLowerCase().replace(/\.$/, '');

const EVERYTHING = () => true;
const NOTHING = () => false;

/** Returns what a directive does with names. */
function ruleOf({ name, words }: Directive): Rule {
  // The file may hold rules.
  if (name.text === 'import') return { rewrite: 'name the file beside this one', mayTake: EVERYTHING };
  if (name.text !== 'rewrite') return { rewrite: 'the server itself is no part of a spec', mayTake: NOTHING };
  const all = words.map(({ text }) => text).filter((word) => word !== '{' && word !== '}');
  const mode = all[0] === 'stop' || all[0] === 'continue' ? all.shift() : undefined;
  if (all[0] !== 'name') {
    const mayTake = mode === 'continue' ? NOTHING : EVERYTHING;
    return { rewrite: 'only names are rewritten by a spec', mayTake };
  }
  const kind = ['exact', 'prefix', 'suffix', 'substring', 'regex'].find((one) => one === all[1]) ?? 'exact';
  const rest = all.slice(all[1] === kind ? 2 : 1);
  const [written = ''] = rest;
  const mayTake = takerOf(kind, written);
  const only = kind === 'exact' && mayTake !== EVERYTHING ? { only: plain(written) } : {};
  if (mode === 'continue') return { rewrite: 'rules after it may rewrite the name once more', mayTake, ...only };
  return { rewrite: rewriteOf(kind, rest.map(plain)), mayTake, ...only };
}

function takerOf(kind: string, written: string): Rule['mayTake'] {
  if (/\{[$%]/.test(written)) return EVERYTHING;
  const text = plain(written);
  return (from) => {
    const isMany = from.startsWith('*.');
    if (kind === 'exact') return from === text || (isMany && text.endsWith(from.slice(1)));
    if (kind === 'suffix') {
      const [own, other] = [from.replace(/^\*/, ''), text];
      return own.endsWith(other) || (isMany && other.endsWith(own)) || (!text.startsWith('.') && own === text);
    }
    if (isMany) return true;
    if (kind === 'prefix') return from.startsWith(text);
    if (kind === 'substring') return from.includes(text);
    try {
      const regex = new RegExp(written, 'i');
      return regex.test(`${from}.`) || regex.test(from);
    } catch {
      return true;
    }
  };
}

/** Returns the rewrite that a rule for names stands for, or why it is none. */
function rewriteOf(kind: string, [from = '', to = '', ...more]: readonly string[]): Rewrite | string {
  if (more.length > 0 && more.join(' ') !== 'answer auto') return 'answers are mapped back in the way of a spec alone';
  if (kind === 'exact') return NAME.test(from) && NAME.test(to) ? { from, to } : 'one of the two is no whole name';
  if (kind !== 'suffix') return 'a part of a name is no name: write whole ones, or *.name';
  const [below, target] = [from.replace(/^\./, ''), to.replace(/^\./, '')];
  if (!from.startsWith('.') || !to.startsWith('.')) return 'without a dot it also takes names that only end so';
  return NAME.test(below) && NAME.test(target)
    ? { from: `*.${below}`, to: `*.${target}` }
    : 'one of the two is no whole name';
}
