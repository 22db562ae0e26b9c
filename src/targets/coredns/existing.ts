import { rewriteApplies } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import type { Directive } from './grammar.ts';
import type { Word } from './lexer.ts';

/** A `rewrite` of a name that somebody else wrote. */
export interface ExistingRule {
  readonly at: Word;
  readonly kind: string;
  /** Lower case with the root's dot; a regular expression as it is. */
  readonly from: string;
}

/** `undefined` for what rewrites no names: types, classes, options, times to live. */
export function nameRule({ name, words }: Directive): ExistingRule | undefined {
  if (name.text !== 'rewrite') return undefined;
  const [first = '', ...more] = words.map(({ text }) => text).filter((text) => text !== '{' && text !== '}');
  const args = /^(?:continue|stop)$/i.test(first) ? more : [first, ...more];
  if (args[0]?.toLowerCase() !== 'name') return undefined;
  const explicit = /^(?:exact|prefix|suffix|substring|regex)$/i.test(args[1] ?? '') && args.length > 3;
  const kind = explicit ? (args[1] ?? '').toLowerCase() : 'exact';
  const from = args[explicit ? 2 : 1] ?? '';
  return { at: name, kind, from: kind === 'regex' ? from : `${from.toLowerCase().replace(/\.$/, '')}.` };
}

/** Whether a rule changes a name that the rewrite is for. Of a wildcard's names, one stands for all where it must. */
export function meets(rule: ExistingRule, rewrite: DomainRewrite): boolean {
  const sample = `${rewrite.wildcard ? 'x.' : ''}${rewrite.from}.`;
  switch (rule.kind) {
    case 'exact':
      return rewriteApplies(rewrite, rule.from.slice(0, -1));
    case 'suffix':
      return sample.endsWith(rule.from) || (rewrite.wildcard && `.${rule.from}`.endsWith(`.${rewrite.from}.`));
    case 'prefix':
      return sample.startsWith(rule.from);
    case 'substring':
      return sample.includes(rule.from);
    default:
      return matches(rule.from, sample);
  }
}

function matches(expression: string, sample: string): boolean {
  try {
    return new RegExp(expression).test(sample);
  } catch {
    // What only Go can read might match.
    return true;
  }
}
