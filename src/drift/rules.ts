import type { DomainRewrite } from '../policy/types.ts';
import type { Directive } from '../targets/coredns/grammar.ts';

/** A rewrite of names as CoreDNS reads it, whatever way it was written. */
export interface RewriteRule {
  readonly match: string;
  /** As it is compared: lower case, exact names with the dot of the root. */
  readonly from: string;
  /** All words that count. */
  readonly words: readonly string[];
}

const MATCHES = ['exact', 'prefix', 'suffix', 'substring', 'regex'];

/** Reads a `rewrite` directive of names; `undefined` for every other directive. */
export function ruleOf({ name, words }: Directive): RewriteRule | undefined {
  if (name.text !== 'rewrite') return undefined;
  const all = words.map((word) => word.text).filter((text) => text !== '{' && text !== '}');
  const action = all[0] === 'stop' || all[0] === 'continue' ? all[0] : undefined;
  const rest = action === undefined ? all : all.slice(1);
  if (rest[0] !== 'name') return undefined;
  const match = MATCHES.find((one) => one === rest[1]) ?? 'exact';
  const operands = rest.slice(match === rest[1] ? 2 : 1);
  const compared = operands.map((text, index) => {
    const plain = match === 'regex' ? text : text.toLowerCase();
    // CoreDNS completes the names of an exact rule with the dot of the root, those of other rules it takes as they are.
    return match === 'exact' && index < 2 && !plain.endsWith('.') ? `${plain}.` : plain;
  });
  return { match, from: compared[0] ?? '', words: [action ?? 'stop', match, ...compared] };
}

/** The rule that a rewrite of the spec stands for. */
export function expectedRule({ from, to, wildcard }: DomainRewrite): RewriteRule {
  const words = wildcard
    ? ['stop', 'suffix', `.${from}.`, `.${to}.`, 'answer', 'auto']
    : ['stop', 'exact', `${from}.`, `${to}.`];
  return { match: words[1] ?? '', from: words[2] ?? '', words };
}

export function sameRule(a: RewriteRule, b: RewriteRule): boolean {
  return a.words.join(' ') === b.words.join(' ');
}

export function ruleWords({ words }: RewriteRule): string {
  return `"rewrite ${words[0]} name ${words.slice(1).join(' ')}"`;
}

/** Whether a rule takes a name; a regular expression that cannot be read might. */
export function takes(rule: RewriteRule, name: string): boolean {
  switch (rule.match) {
    case 'exact':
      return rule.from === name;
    case 'prefix':
      return name.startsWith(rule.from);
    case 'suffix':
      return name.endsWith(rule.from);
    case 'substring':
      return name.includes(rule.from);
    default:
      return mayMatch(rule.from, name);
  }
}

function mayMatch(source: string, name: string): boolean {
  try {
    return new RegExp(source.replace(/^\(\?i\)/, ''), 'i').test(name);
  } catch {
    return true;
  }
}
