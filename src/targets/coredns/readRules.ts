import { CannotTell } from '../../prove/explore.ts';
import { listed } from '../../prove/listing.ts';
import type { FilePlace } from '../../prove/model.ts';
import type { Change, NameRule, NameSet } from '../../prove/nameModel.ts';
import { endingIn, everything, foundBy, holding, oneOf, startingWith } from '../../prove/nameSets.ts';
import { parseRegex, type Regex } from '../../prove/regex.ts';
import type { ReadDirective } from './readCorefile.ts';

/** Gives a `rewrite` the meaning that its documentation gives it; none for one that leaves all names as they are. */
export function readRule(directive: ReadDirective, file: string): NameRule[] {
  return rulesIn(directive, file).map((rule) => ({ ...rule, isForeign: directive.isForeign }));
}

type Rule = Omit<NameRule, 'isForeign'>;

function rulesIn({ words, inner, line }: ReadDirective, file: string): Rule[] {
  const [first = '', ...more] = words.length < 2 ? [...words, ...inner.flat()] : words;
  const hasAction = /^(?:continue|stop)$/i.test(first);
  const stops = first.toLowerCase() !== 'continue';
  const [kind = '', ...operands] = hasAction ? more : [first, ...more];
  const place = { file, line, what: `rewrite in line ${line}` };
  const cannot = (what: string) => new CannotTell(`the rewrite in line ${line} ${what}`);
  if (words.length >= 2 && inner.length > 0) throw cannot('has braces behind its words');
  switch (kind.toLowerCase()) {
    case 'name':
      return [nameRule(operands, { stops, place, cannot })];
    case 'ttl':
      return stops ? [{ ...unchanged(place), on: namesOf(operands.slice(0, -1), cannot) }] : [];
    case 'rcode':
      return stops ? [{ ...unchanged(place), on: namesOf(operands.slice(0, -2), cannot) }] : [];
    case 'edns0':
      if (stops) throw cannot('stops only queries with some options');
      return [];
    case 'class':
      if (/^in$/i.test(operands[0] ?? '')) throw cannot('changes the class of all queries');
      return [];
    case 'type': {
      const type = (operands[0] ?? '').toUpperCase();
      if (!stops && type !== 'ANY') throw cannot('changes the type of queries');
      return !stops || type === 'ANY' ? [] : [{ ...unchanged(place), on: everything, type }];
    }
    default:
      throw cannot('is of a kind that is not known here');
  }
}

function unchanged(place: FilePlace): Omit<Rule, 'on'> {
  return { change: { kind: 'none' }, stops: true, restores: true, place };
}

type Cannot = (what: string) => CannotTell;

/** Returns the names that a rule with an optional kind and a name is for. */
function namesOf(operands: readonly string[], cannot: Cannot): NameSet {
  const [kind, from] = operands.length === 2 ? operands : ['exact', operands[0]];
  if (kind === undefined || from === undefined || operands.length > 2)
    throw cannot('has other words than are known here');
  return namesMatched(kind.toLowerCase(), from, cannot);
}

interface About {
  readonly stops: boolean;
  readonly place: FilePlace;
  readonly cannot: Cannot;
}

function nameRule(operands: readonly string[], { stops, place, cannot }: About): Rule {
  const [kind = '', from, to, ...answers] = operands.length === 2 ? ['exact', ...operands] : operands;
  if (from === undefined || to === undefined) throw cannot('has too few words');
  const how = answers.join(' ');
  if (how !== '' && !/^answer auto(?: (?:answer )?auto)*$/.test(how))
    throw cannot('maps answers back in a way of its own');
  const match = kind.toLowerCase();
  const rule = { stops, place, restores: match === 'exact' || how !== '' };
  if (match === 'regex') return { ...rule, ...expressionRule(from, normal(to), cannot) };
  const [own, target] = [normal(from), normal(to)];
  return { ...rule, on: namesMatched(match, from, cannot), change: changeOf(match, own, target) };
}

function namesMatched(match: string, from: string, cannot: Cannot): NameSet {
  const own = normal(from);
  switch (match) {
    case 'exact':
      return oneOf(new Set([own]));
    case 'suffix':
      return endingIn(own);
    case 'prefix':
      return startingWith(own);
    case 'substring':
      return holding(own);
    case 'regex':
      return expressionRule(from, '', cannot).on;
    default:
      throw cannot('matches names in a way that is not known here');
  }
}

function changeOf(match: string, from: string, to: string): Change {
  switch (match) {
    case 'exact':
      return { kind: 'constant', to };
    case 'suffix':
      return { kind: 'ending', from, to };
    case 'prefix':
      return { kind: 'other', of: (name) => to + name.slice(from.length) };
    default:
      return { kind: 'other', of: (name) => name.replaceAll(from, () => to) };
  }
}

/** Returns a name as CoreDNS compares it: in lower case, with the dot of the root. */
function normal(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower : `${lower}.`;
}

const MOST_WORDS = 50_000;

function expressionRule(source: string, to: string, cannot: Cannot): Pick<NameRule, 'on' | 'change'> {
  const regex = parseRegex(source, 're2');
  if ('problem' in regex) throw cannot(`has an expression that ${regex.problem}`);
  const used = [...to.matchAll(/\{([0-9]+)\}/g)].map(([, group]) => Number(group));
  const words = listed(regex, MOST_WORDS);
  if (words) {
    const targets = new Map([...words].map(([word, groups]) => [word, filled(to, groups)]));
    const [only, ...others] = new Set(targets.values());
    const change: Change =
      only !== undefined && others.length === 0
        ? { kind: 'constant', to: only }
        : { kind: 'other', of: (name) => targets.get(name) };
    return { on: oneOf(targets), change };
  }
  return { on: expressionNames(source, regex, cannot), change: expressionChange(source, { regex, to, used }, cannot) };
}

function expressionNames(source: string, regex: Regex, cannot: Cannot): NameSet {
  const ending = endingOf(regex);
  if (ending?.first === 'some' && ending.text.startsWith('.')) return endingIn(ending.text);
  const found = foundBy(source);
  if ('problem' in found) throw cannot(`has an expression that ${found.problem}`);
  return found;
}

interface Replacing {
  readonly regex: Regex;
  readonly to: string;
  /** Numbers of the groups that it uses. */
  readonly used: readonly number[];
}

function expressionChange(source: string, { regex, to, used }: Replacing, cannot: Cannot): Change {
  if (used.length === 0) return { kind: 'constant', to };
  const ending = endingOf(regex);
  // `^(.*)[.]example[.]com[.]$` to `{1}.example.net.`
  const hasOne = source.match(/\((?!\?)/g)?.length === 1;
  if (ending?.isGroup && hasOne && used.length === 1 && to.startsWith('{1}'))
    return { kind: 'ending', from: ending.text, to: to.slice('{1}'.length) };
  // In these JavaScript, which finds what groups take, does not do what RE2 does.
  if (/\(\?(?!:)|\\[A-Za-z0-9]|\)[*+{]|\[\^?\]/.test(source)) throw cannot('has groups that are not understood');
  const own = new RegExp(source, 's');
  return {
    kind: 'other',
    of: (name) => {
      const found = own.exec(name);
      return found
        ? filled(
            to,
            found.map((group) => group ?? ''),
          )
        : undefined;
    },
  };
}

/** Puts the texts of groups into a target, one group after the other, as CoreDNS does. */
function filled(to: string, groups: readonly string[]): string {
  return groups.reduce((text, group, index) => text.replaceAll(`{${index}}`, () => group), to);
}

interface Ending {
  readonly text: string;
  /** Whether something has to stand before it, whatever it is. */
  readonly first: 'some' | 'other';
  /** Whether all before it is the first group. */
  readonly isGroup: boolean;
}

/** Returns the fixed ending of an expression with anchors on both sides and one other part before. */
function endingOf(regex: Regex): Ending | undefined {
  const items = regex.kind === 'sequence' ? regex.items : [];
  const [begin, head, ...rest] = items;
  if (begin?.kind !== 'begin' || !head || rest.at(-1)?.kind !== 'end') return undefined;
  let text = '';
  for (const item of rest.slice(0, -1)) {
    const byte = item.kind === 'bytes' ? item.bytes.indexOf(1) : -1;
    if (item.kind !== 'bytes' || byte < 0 || item.bytes.indexOf(1, byte + 1) >= 0) return undefined;
    text += String.fromCharCode(byte);
  }
  const body =
    head.kind === 'group' && head.item.kind === 'sequence' && head.item.items.length === 1 ? head.item.items[0] : head;
  const isAny =
    body?.kind === 'repeat' &&
    body.item.kind === 'bytes' &&
    body.most === Number.POSITIVE_INFINITY &&
    isWide(body.item.bytes);
  return { text, first: isAny && body.least <= 1 ? 'some' : 'other', isGroup: head.kind === 'group' };
}

/** Returns whether all characters of names are in a set. */
function isWide(bytes: Uint8Array): boolean {
  for (let byte = 0x21; byte < 0x7f; byte++) if (bytes[byte] !== 1) return false;
  return true;
}
