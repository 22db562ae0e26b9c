import type { DomainRewrite } from '../../policy/types.ts';
import { type CorednsToken, ruleWords } from './quote.ts';

/** A name in a regular expression: a bracket instead of a backslash needs no escape inside quotes. */
export function escaped(name: string): string {
  return name.replaceAll('.', '[.]');
}

/**
 * The words of the rule that a rewrite of the spec stands for, each name with the dot of the root, without which `prefix`
 * would mean something else. The dot in front of a suffix keeps look-alikes out that only end in the same letters.
 */
export function wordsOf({ from, to, wildcard, oneTarget }: DomainRewrite): readonly string[] {
  if (oneTarget) return ['stop', 'name', 'regex', `^.+${escaped(`.${from}.`)}$`, `${to}.`, 'answer', 'auto'];
  if (wildcard) return ['stop', 'name', 'suffix', `.${from}.`, `.${to}.`, 'answer', 'auto'];
  return ['stop', 'name', 'exact', `${from}.`, `${to}.`];
}

/** What a rule compares names with that does what this rewrite says; what stands behind a dot is the end of a name. */
export function comparedName({ from, wildcard }: DomainRewrite): string {
  return `${wildcard ? '.' : ''}${from}.`;
}

/** A rewrite in CoreDNS's words, without the word `rewrite`. */
export function ruleOf(rewrite: DomainRewrite): CorednsToken {
  return ruleWords(wordsOf(rewrite));
}
