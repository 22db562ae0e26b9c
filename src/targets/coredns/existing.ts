import { rewriteApplies } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import type { Directive } from './grammar.ts';
import type { Word } from './lexer.ts';
import { escaped } from './rules.ts';

/** A `rewrite` as CoreDNS reads it, whatever its spelling. */
export interface ExistingRule {
  readonly at: Word;
  /** What it changes: `name`, or something else (`type`, `ttl`), which leaves the name alone but may stop later rules. */
  readonly changes: string;
  /** How it matches names; `all` where names do not matter. */
  readonly match: string;
  /**
   * The name in lower case with the dot of the root. An expression stays as it is, unless it is of a kind that we
   * write.
   */
  readonly from: string;
  /** The whole rule in one spelling: rules with the same words do the same. */
  readonly words: readonly string[];
}

const MATCHES = ['exact', 'prefix', 'suffix', 'substring', 'regex'];
/** Number of words after the name, for rules that match names and change something else. */
const OPERANDS: Readonly<Record<string, number>> = { name: 1, ttl: 1, rcode: 2 };

/**
 * Returns the rules in a directive: none for a directive that neither changes names nor stops later rules, and one per
 * name for an expression that lists names.
 */
export function existingRules({ name, words }: Directive): readonly ExistingRule[] {
  if (name.text !== 'rewrite') return [];
  const [first = '', ...more] = words.map(({ text }) => text).filter((text) => text !== '{' && text !== '}');
  const action = /^(?:continue|stop)$/i.test(first) ? first.toLowerCase() : 'stop';
  const [kind = '', ...operands] = first.toLowerCase() === action ? more : [first, ...more];
  const changes = kind.toLowerCase();
  if (changes !== 'name' && (action !== 'stop' || isRare(changes, operands[0]))) return [];
  const others = OPERANDS[changes];
  if (others === undefined)
    return [{ at: name, changes, match: 'all', from: '', words: [action, changes, ...operands] }];
  const written = MATCHES.find((match) => match === operands[0]?.toLowerCase() && operands.length > others + 1);
  const match = written ?? 'exact';
  const [from = '', to = '', ...answers] = operands.slice(written === undefined ? 0 : 1);
  const compared = match === 'regex' ? from : fullName(from);
  // An exact rule maps answers back, with or without these words.
  const rest = match === 'exact' && answers.join(' ') === 'answer auto' ? [] : answers;
  const target = changes === 'name' ? fullName(to) : to;
  const rule = { at: name, changes, match, from: compared, words: [action, changes, match, compared, target, ...rest] };
  return match === 'regex' && changes === 'name' ? readExpression(rule) : [rule];
}

/** Returns the rules in a regular expression of a kind that we write, in any spelling; any other stays one rule. */
function readExpression(rule: ExistingRule): readonly ExistingRule[] {
  const [action = '', changes = '', , expression = '', target = '', ...answers] = rule.words;
  const [, first = '', inner, plain, shared = ''] = LISTING.exec(expression) ?? [];
  const listed = inner ?? plain;
  // An exact rule maps answers back, so an expression that does not is no list of exact rules.
  if (listed !== undefined && /^(?:\{1\})?[a-z0-9.-]+$/.test(target) && answers.join(' ') === 'answer auto')
    return listed.split('|').map((name) => {
      const [from, to] = [plainName(first + name + shared), target.replace('{1}', plainName(first + name))];
      return { ...rule, match: 'exact', from, words: [action, changes, 'exact', from, to] };
    });
  const below = BELOW.exec(expression)?.[1];
  if (below === undefined) return [rule];
  const from = plainName(below);
  const words = [action, changes, 'regex', `^.+${escaped(from)}$`, target, ...answers];
  return [{ ...rule, match: 'suffix', from, words }];
}

const DOT = String.raw`(?:\\\.|\[\.\])`;
const LABEL = '[a-z0-9-]+';
const PART = `(?:[a-z0-9-]|${DOT})+`;
const NAMES = String.raw`${PART}(?:\|${PART})*`;
/** `^(a|b[.]c)[.]example[.]com[.]$` or `^(api-(?:a|b))[.]example[.]com[.]$` */
const LISTING = new RegExp(String.raw`^\^\((?:(${PART})\(\?:(${NAMES})\)|(${NAMES}))\)((?:${DOT}${LABEL})*${DOT})\$$`);
/** `^.+[.]example[.]com[.]$` */
const BELOW = new RegExp(String.raw`^\^\.\+((?:${DOT}${LABEL})+${DOT})\$$`);

function plainName(expression: string): string {
  return expression.replace(/\\\.|\[\.\]/g, '.');
}

export function isSameRule(a: readonly string[], b: readonly string[]): boolean {
  return a.join(' ') === b.join(' ');
}

/** Returns whether a rule stops only queries that no client makes to reach a host. */
function isRare(changes: string, from = ''): boolean {
  return (changes === 'type' && /^any$/i.test(from)) || (changes === 'class' && !/^in$/i.test(from));
}

function fullName(text: string): string {
  return `${text.toLowerCase().replace(/\.$/, '')}.`;
}

/** Returns whether a rule matches a name, which is lower case with the dot of the root. */
export function takesName({ match, from }: ExistingRule, name: string): boolean {
  switch (match) {
    case 'all':
      return true;
    case 'exact':
      return from === name;
    case 'prefix':
      return name.startsWith(from);
    case 'suffix':
      return name.endsWith(from);
    case 'substring':
      return name.includes(from);
    default:
      return matches(from, name);
  }
}

/**
 * Returns whether a rule matches a name of a rewrite. Where the names of a wildcard cannot all be tried, one of them
 * stands for all.
 */
export function meets(rule: ExistingRule, rewrite: DomainRewrite): boolean {
  const { match, from } = rule;
  if (match === 'exact') return rewriteApplies(rewrite, from.slice(0, -1));
  if (match === 'suffix' && rewrite.wildcard && `.${from}`.endsWith(`.${rewrite.from}.`)) return true;
  return takesName(rule, `${rewrite.wildcard ? 'x.' : ''}${rewrite.from}.`);
}

function matches(expression: string, name: string): boolean {
  const folds = expression.startsWith('(?i)');
  try {
    return new RegExp(folds ? expression.slice(4) : expression, folds ? 'i' : '').test(name);
  } catch {
    // An expression that only Go can read might match.
    return true;
  }
}
