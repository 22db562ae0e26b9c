import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { withAncestors } from '../policy/domains.ts';
import { resolveName } from '../policy/names.ts';
import type { Policy } from '../policy/types.ts';
import { CannotTell } from './explore.ts';
import { TooLarge } from './language.ts';
import type { FilePlace } from './model.ts';
import { Cells } from './nameCells.ts';
import type { NameBlock, NameModel, NameSocket, NameTaker } from './nameModel.ts';
import { RulesByName } from './nameRules.ts';

/** A name that the files lead elsewhere than the spec. Names have no dot of the root here. */
export interface NameDifference {
  readonly name: string;
  /** Of the question. */
  readonly type: string;
  /** The name whose records the spec wants, and the one that is looked up; absent where none is. */
  readonly expected: string;
  readonly found?: string;
  /** Number of the socket in the model; absent where no block answers. */
  readonly listener?: number;
  /** That it is asked at. */
  readonly socket?: NameSocket;
  readonly what: string;
  readonly place: FilePlace;
  /** Place in the spec. */
  readonly at: SpecPath;
}

export type NameComparison =
  /** Numbers of names that were looked at one by one, and of kinds of all others. */
  | { readonly kind: 'proved'; readonly names: number; readonly kinds: number }
  | { readonly kind: 'differs'; readonly difference: NameDifference }
  | { readonly kind: 'unknown'; readonly problem: string };

/** Decides whether the files of a name server lead every name to where the spec says. */
export function compareNames(policy: Policy, read: () => NameModel): NameComparison {
  try {
    const comparison = new Names(policy, read());
    const kinds = new Cells(policy, comparison).compare();
    const { best, listed, doubt } = comparison;
    if (best) return { kind: 'differs', difference: best };
    return doubt === undefined ? { kind: 'proved', names: listed.size, kinds } : { kind: 'unknown', problem: doubt };
  } catch (error) {
    if (error instanceof CannotTell || error instanceof TooLarge) return { kind: 'unknown', problem: error.message };
    throw error;
  }
}

/** What a block makes of one name. */
interface Led {
  readonly name: string;
  readonly changes: number;
  readonly restores: boolean;
  /** Whether rules of others alone have changed it. */
  readonly isForeign: boolean;
  readonly taker: NameTaker | undefined;
  readonly place: FilePlace;
}

/** Names are at most this long, with the dot of the root. */
const LONGEST = 254;

/** Compares names one by one. */
export class Names {
  /** Names that have been compared, with the dot of the root. */
  readonly listed = new Set<string>();
  /** The difference with the shortest name. */
  best: NameDifference | undefined;
  /** Why not all is known. */
  doubt: string | undefined;
  /** Types of questions that something depends on, and one other. */
  readonly types: readonly string[];
  readonly model: NameModel;
  private readonly policy: Policy;
  private readonly first: NameBlock | undefined;

  constructor(policy: Policy, model: NameModel) {
    this.policy = policy;
    this.model = model;
    const blocks = model.listeners.flatMap(({ zones }) => [...zones.values()]);
    this.first = blocks[0];
    const typed = blocks.flatMap(({ rules, takers }) => [...rules, ...takers]).flatMap(({ type }) => type ?? []);
    this.types = [...new Set(['A', ...typed])];
    this.check('.');
    for (const { from, to } of policy.rewrites) for (const name of [from, to]) this.check(`${name}.`);
    for (const zone of model.listeners.flatMap(({ zones }) => [...zones.keys()]))
      if (zone !== '') this.check(`${zone}.`);
    for (const { rules, takers } of new Set(blocks))
      for (const { on } of [...rules, ...takers]) for (const word of on.words ?? []) this.check(word);
  }

  /** Compares one name, and returns whether it is one that can be asked and that leads elsewhere. */
  check(name: string): boolean {
    this.listed.add(name);
    if (!isName(name)) return false;
    const found = this.differenceOf(name);
    const isShorter = found && (!this.best || rank(found.name) < rank(this.best.name));
    if (isShorter) this.best = found;
    return found !== undefined;
  }

  doubts(problem: string): void {
    this.doubt ??= problem;
  }

  private differenceOf(full: string): NameDifference | undefined {
    const name = full.slice(0, -1);
    const { name: expected, rewrite } = resolveName(this.policy, name);
    const about = { name, expected, at: rewrite?.origin ?? ['domainRewrites'] };
    const blocks = this.model.listeners.flatMap((socket, listener) => {
      const block = blockOf(socket.zones, name);
      return block ? [{ block, where: { listener, socket } }] : [];
    });
    if (blocks.length === 0 && rewrite && this.first)
      return { ...about, type: 'A', what: 'no server block answers it', place: this.first.place };
    for (const { block, where } of blocks) {
      for (const type of this.types) {
        const led = ledOf(block, full, type);
        const unseen = takersFor(block, { type, asked: full, name: led.name }).find(
          (each) => each.unseen !== undefined,
        );
        if (rewrite && unseen?.unseen !== undefined) this.doubts(unseen.unseen);
        const what = wrong(led, { expected: `${expected}.`, isOurs: rewrite !== undefined });
        if (what === undefined) continue;
        const { taker, place } = led;
        if (taker) return { ...about, ...where, type, what, place: taker.place };
        return { ...about, ...where, type, what, place, ...(isName(led.name) && { found: led.name.slice(0, -1) }) };
      }
    }
    return undefined;
  }
}

/** Sorts shorter names first. */
function rank(name: string): string {
  return `${String(name.length).padStart(4, '0')} ${name}`;
}

/** Returns whether a name can be asked: all labels are there, and neither they nor the name are too long. */
export function isName(name: string): boolean {
  return name === '.' || (name.length <= LONGEST && /^(?:[^.]{1,63}\.)+$/.test(name));
}

/** Returns the block of the longest zone that a name is in; `name` has no dot of the root. */
export function blockOf(zones: ReadonlyMap<string, NameBlock>, name: string): NameBlock | undefined {
  const zone = [...withAncestors(name), ''].find((each) => zones.has(each));
  return zone === undefined ? undefined : zones.get(zone);
}

/** Returns what a block makes of one name. */
export function ledOf(block: NameBlock, asked: string, type: string): Led {
  const { takers, place } = block;
  const rules = RulesByName.of(block);
  let led = { name: asked, changes: 0, restores: true, isForeign: true, place };
  for (let found = rules.next(asked, type, 0); found; found = rules.next(led.name, type, found.at + 1)) {
    const { rule } = found;
    const { change } = rule;
    led = {
      name: changed(led.name, change),
      changes: led.changes + (change.kind === 'none' ? 0 : 1),
      restores: led.restores && (change.kind === 'none' || rule.restores),
      isForeign: led.isForeign && (change.kind === 'none' || rule.isForeign),
      place: rule.place,
    };
    if (rule.stops || !isName(led.name)) break;
  }
  const taker = takersFor({ takers }, { type, asked, name: led.name }).find(({ unseen }) => unseen === undefined);
  return { ...led, taker };
}

function takersFor(
  { takers }: Pick<NameBlock, 'takers'>,
  { type, asked, name }: Record<'type' | 'asked' | 'name', string>,
): NameTaker[] {
  return takers.filter(
    ({ on, when, type: own }) => (own === undefined || own === type) && on.has(when === 'before' ? asked : name),
  );
}

function changed(name: string, change: NameBlock['rules'][number]['change']): string {
  switch (change.kind) {
    case 'none':
      return name;
    case 'constant':
      return change.to;
    case 'ending':
      return name.slice(0, -change.from.length) + change.to;
    case 'other':
      return change.of(name) ?? name;
  }
}

/** Returns in words what is wrong with where a name is led; `undefined` where it is right. */
function wrong(
  { name, changes, restores, isForeign, taker }: Led,
  { expected, isOurs }: { expected: string; isOurs: boolean },
): string | undefined {
  // Others may do with their own names what they like.
  if (!isOurs && changes > 0 && isForeign) return undefined;
  if (taker && isOurs) return `answered by ${taker.place.what} instead of with the records of ${shown(expected)}`;
  if (name !== expected) {
    // Neither can be asked.
    if (!isName(name) && !isName(expected)) return undefined;
    return isName(name)
      ? `looked up as ${shown(name)} instead of as ${shown(expected)}`
      : `refused instead of looked up as ${shown(expected)}`;
  }
  if (changes > 0 && !restores) return `answers keep the name ${shown(name)}`;
  if (changes > 1) throw new CannotTell('several rules change one name, and not every version maps its answers back');
  return undefined;
}

function shown(name: string): string {
  return name === '.' ? name : name.slice(0, -1);
}
