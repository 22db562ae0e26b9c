import { withAncestors } from '../policy/domains.ts';
import type { DomainRewrite, Policy } from '../policy/types.ts';
import { CannotTell } from './explore.ts';
import { both, isEmptyLanguage, type Language, shortest, without } from './language.ts';
import type { NameBlock, NameModel, NameRule, NameSet } from './nameModel.ts';
import { RulesByName } from './nameRules.ts';
import { allNames, beforeEnd, endingIn, withEnd } from './nameSets.ts';

/** What compares names one by one. */
interface OneByOne {
  readonly model: NameModel;
  readonly types: readonly string[];
  /** Names that have been compared, with the dot of the root. */
  readonly listed: ReadonlySet<string>;
  /** Compares a name, and returns whether it differs. */
  check(name: string): boolean;
  /** Takes down what cannot be told. It counts unless some name is found that differs. */
  doubts(problem: string): void;
}

/**
 * All names that are not listed, below the same domains: neither zones nor wildcards, nor rules about endings, tell them
 * apart.
 */
interface Cell {
  /** Without the dot of the root, "" for the root. */
  readonly domain: string;
  /** Domains below that have cells of their own. */
  readonly inner: readonly string[];
  readonly rewrite: DomainRewrite | undefined;
}

/** Some names of a cell that the rules so far have treated alike. */
interface Branch {
  /** `undefined`: all of the cell. */
  readonly names: Language | undefined;
  readonly form: Form;
  readonly changes: number;
  readonly restores: boolean;
  /** Whether rules of others alone have changed them. */
  readonly isForeign: boolean;
}

/** What such a name has become: something, instead of `from` at its end, behind the same beginning; or one text. */
type Form =
  | { readonly kind: 'ending'; readonly from: string; readonly to: string }
  | { readonly kind: 'constant'; readonly to: string }
  | { readonly kind: 'other'; readonly by: NameRule };

/** Most inner domains of a cell whose names have to be told apart by an automaton. */
const MOST_INNER = 2_000;
/** Most names of a kind that are tried in order to find one that differs. */
const MOST_TRIED = 300;
const MOST_BRANCHES = 5_000;

/** Compares all names that are not listed, by kinds. */
export class Cells {
  private readonly cells: readonly Cell[];
  private readonly points: ReadonlySet<string>;
  private readonly languages = new Map<Cell, Language>();
  readonly names: OneByOne;

  constructor({ rewrites }: Policy, names: OneByOne) {
    this.names = names;
    const wildcards = new Map(rewrites.filter(({ wildcard }) => wildcard).map((rewrite) => [rewrite.from, rewrite]));
    const zones = names.model.listeners.flatMap((each) => [...each.zones.keys()]);
    const blocks = new Set(names.model.listeners.flatMap((each) => [...each.zones.values()]));
    const endings = [...blocks].flatMap(({ rules }) => rules.flatMap(({ on }) => on.ending ?? []));
    const inner = endings.filter((text) => /^\.(?:[^.]+\.)*$/.test(text)).map(domainOf);
    this.points = new Set(['', ...wildcards.keys(), ...zones, ...inner]);
    const below = new Map<string, string[]>([...this.points].map((domain) => [domain, []]));
    for (const domain of this.points) if (domain !== '') below.get(this.nearest(domain))?.push(domain);
    this.cells = [...below].map(([domain, own]) => ({
      domain,
      inner: own,
      rewrite: withAncestors(domain).flatMap((name) => wildcards.get(name) ?? [])[0],
    }));
  }

  /** Returns the number of kinds of names. */
  compare(): number {
    let kinds = 0;
    for (const { zones } of this.names.model.listeners) {
      for (const cell of this.cells) {
        const zone = [...withAncestors(cell.domain), ''].find((each) => zones.has(each));
        const block = zone === undefined ? undefined : zones.get(zone);
        if (!block) {
          if (cell.rewrite) this.find(cell, undefined);
          continue;
        }
        for (const type of this.names.types) kinds += new Walk(this, cell, block, type).branches();
      }
    }
    return kinds;
  }

  private nearest(domain: string): string {
    return (
      withAncestors(domain)
        .slice(1)
        .find((each) => this.points.has(each)) ?? ''
    );
  }

  isPoint(ending: string): boolean {
    return this.points.has(domainOf(ending));
  }

  languageOf(cell: Cell): Language {
    const known = this.languages.get(cell);
    if (known) return known;
    if (cell.inner.length > MOST_INNER) throw new CannotTell('a rule concerns too many domains at once');
    const all = both(allNames(), endingIn(endOf(cell.domain)).language());
    const made = cell.inner.reduce((rest, domain) => without(rest, endingIn(endOf(domain)).language()), all);
    this.languages.set(cell, made);
    return made;
  }

  /**
   * Compares names of a kind until one differs, and returns whether all of them were tried; `undefined` where one
   * differs.
   */
  find(cell: Cell, names: Language | undefined): 'all' | 'some' | undefined {
    let tried = 0;
    for (const name of names ? shortest(names) : madeNames(cell.domain)) {
      if (name.length > 254) return 'all';
      if (this.names.listed.has(name)) continue;
      if (this.names.check(name)) return undefined;
      if (++tried > MOST_TRIED) return 'some';
    }
    return 'all';
  }

  /** Compares one name of a kind. */
  sample(cell: Cell, names: Language | undefined): void {
    for (const name of names ? shortest(names) : madeNames(cell.domain)) {
      if (name.length > 254) return;
      if (this.names.listed.has(name)) continue;
      this.names.check(name);
      return;
    }
  }

  check(name: string): void {
    if (!this.names.listed.has(name)) this.names.check(name);
  }
}

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
const LABELS = [...LETTERS, ...LETTERS.flatMap((one) => LETTERS.map((other) => one + other))];

/** Names in a domain, some of which are not listed. */
function* madeNames(domain: string): Generator<string> {
  for (const label of LABELS) yield `${label}${endOf(domain)}`;
  for (let number = 0; ; number++) yield `other-${number}${endOf(domain)}`;
}

/** `.example.com.`, or "." for the root. */
function endOf(domain: string): string {
  return domain === '' ? '.' : `.${domain}.`;
}

function domainOf(ending: string): string {
  return ending.slice(1, -1);
}

/** One pass of a kind of names through the rules of a block, for one type of question. */
class Walk {
  private readonly all: Cells;
  private readonly cell: Cell;
  private readonly block: NameBlock;
  private readonly rules: RulesByName;
  private readonly type: string;
  private count = 0;

  constructor(all: Cells, cell: Cell, block: NameBlock, type: string) {
    this.all = all;
    this.cell = cell;
    this.block = block;
    this.rules = RulesByName.of(block);
    this.type = type;
  }

  branches(): number {
    const end = endOf(this.cell.domain);
    this.pass(0, {
      names: undefined,
      form: { kind: 'ending', from: end, to: end },
      changes: 0,
      restores: true,
      isForeign: true,
    });
    return this.count;
  }

  private pass(first: number, start: Branch): void {
    let branch = start;
    for (let found = this.next(branch, first); found; found = this.next(branch, found.at + 1)) {
      const { rule, at } = found;
      if (rule.type !== undefined && rule.type !== this.type) continue;
      const { matched, rest } = this.split(rule.on, branch);
      if (matched === undefined) continue;
      if (rest !== undefined) this.pass(at + 1, rest);
      branch = applied(rule, matched);
      if (rule.stops || branch.form.kind === 'other') break;
    }
    this.end(branch);
  }

  /** Returns the first rule from a place in the order on that may concern the names of a branch, and its place. */
  private next({ form, changes }: Branch, from: number): ReturnType<RulesByName['next']> {
    if (form.kind === 'constant') return this.rules.next(form.to, this.type, from);
    // Longer endings have cells of their own, and names are compared one by one, until a rule has changed them.
    return this.rules.nextBelow(form.kind === 'ending' ? form.to : '', from, changes > 0);
  }

  /** Returns the names of a branch that are in a set as they are now, and the others. */
  private split(on: NameSet, branch: Branch): { matched?: Branch; rest?: Branch } {
    const { form } = branch;
    if (form.kind === 'other')
      throw new CannotTell(`${form.by.place.what} changes names in a way that is not understood`);
    if (form.kind === 'constant') return on.has(form.to) ? { matched: branch } : { rest: branch };
    if (on.words) {
      // Names that rules are for have been compared as they are asked.
      if (form.from === form.to) return { rest: branch };
      for (const word of on.words)
        if (word.endsWith(form.to)) this.all.check(word.slice(0, -form.to.length) + form.from);
      return { rest: branch };
    }
    const { ending } = on;
    if (ending !== undefined) {
      if (form.to.endsWith(ending)) return { matched: branch };
      if (!ending.endsWith(form.to) || (branch.changes === 0 && this.all.isPoint(ending))) return { rest: branch };
    }
    const names = branch.names ?? this.all.languageOf(this.cell);
    const own = on.language();
    const originals = form.from === form.to ? own : withEnd(beforeEnd(own, form.to), form.from);
    const inside = both(names, originals);
    if (isEmptyLanguage(inside)) return { rest: branch };
    const outside = without(names, originals);
    const matched = { ...branch, names: inside };
    return isEmptyLanguage(outside) ? { matched } : { matched, rest: { ...branch, names: outside } };
  }

  private end(branch: Branch): void {
    if (++this.count > MOST_BRANCHES) throw new CannotTell('the rules tell too many kinds of names apart');
    const { form, changes, restores, isForeign } = branch;
    if (!this.cell.rewrite && changes > 0 && isForeign) return;
    if (form.kind === 'other') {
      if (this.all.find(this.cell, branch.names) === 'some')
        this.all.names.doubts(`${form.by.place.what} changes names in a way that is not understood`);
      return;
    }
    const isRight = this.isWanted(form) && (changes === 0 || (restores && changes === 1));
    const taken = this.cell.rewrite ? this.takenOf(branch) : [];
    const suspects = isRight ? taken : [branch];
    for (const { names } of suspects) {
      // One name of a kind that differs may by chance be led where it should be, and some are too long.
      if (this.all.find(this.cell, names) === 'some')
        this.all.names.doubts('some names seem to be led elsewhere, and none is found that shows it');
    }
  }

  private isWanted(form: Exclude<Form, { kind: 'other' }>): boolean {
    const { rewrite, domain } = this.cell;
    if (!rewrite) return form.kind === 'ending' && form.from === form.to;
    if (rewrite.oneTarget) return form.kind === 'constant' && form.to === `${rewrite.to}.`;
    if (form.kind === 'constant') return false;
    const kept = form.from.slice(0, -endOf(rewrite.from).length);
    return endOf(domain).endsWith(endOf(rewrite.from)) && form.to === `${kept}.${rewrite.to}.`;
  }

  /** Returns the names of a branch that something answers by itself. */
  private takenOf(branch: Branch): Branch[] {
    const end = endOf(this.cell.domain);
    return this.block.takers
      .filter(({ type }) => type === undefined || type === this.type)
      .flatMap(({ on, when, unseen }) => {
        const seen: Branch =
          when === 'after' ? branch : { ...branch, form: { kind: 'ending', from: end, to: end }, changes: 1 };
        const { matched } = this.split(on, seen);
        // A name of this kind is compared, so that the doubt is known.
        if (matched && unseen !== undefined) this.all.sample(this.cell, matched.names);
        return matched && unseen === undefined ? [matched] : [];
      });
  }
}

function applied(rule: NameRule, branch: Branch): Branch {
  const { form, changes, restores, isForeign } = branch;
  if (rule.change.kind === 'none') return branch;
  return {
    names: branch.names,
    form: formAfter(rule, form),
    changes: changes + 1,
    restores: restores && rule.restores,
    isForeign: isForeign && rule.isForeign,
  };
}

function formAfter(rule: NameRule, form: Form): Form {
  const { change } = rule;
  switch (change.kind) {
    case 'none':
      return form;
    case 'constant':
      return change;
    case 'other':
      return form.kind === 'constant'
        ? { kind: 'constant', to: change.of(form.to) ?? form.to }
        : { kind: 'other', by: rule };
    case 'ending': {
      if (form.kind === 'other') return form;
      const { from, to } = change;
      if (form.kind === 'constant') return { kind: 'constant', to: form.to.slice(0, -from.length) + to };
      if (form.to.endsWith(from)) return { ...form, to: form.to.slice(0, -from.length) + to };
      // The names of this branch all end so.
      const rest = from.slice(0, from.length - form.to.length);
      return { kind: 'ending', from: rest + form.from, to };
    }
  }
}
