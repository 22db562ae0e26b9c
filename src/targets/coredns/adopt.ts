import type { DomainRewrite } from '../../policy/types.ts';
import { existingRule, isSameRule, wordsOf } from './existing.ts';
import type { Directive, ServerBlock } from './grammar.ts';
import { insideMarkers } from './markers.ts';

/**
 * Rules of a block that say what ours say, without markers around them: kubeadm drops comments when it upgrades CoreDNS,
 * and to leave such rules would double them with every upgrade. Only those with a line to themselves are taken over.
 */
export function adoptedRules(
  block: ServerBlock,
  own: readonly DomainRewrite[],
  lines: readonly string[],
): readonly Directive[] {
  const expected = new Map(own.map((rewrite) => [wordsOf(rewrite)[3], wordsOf(rewrite)]));
  const marked = insideMarkers(lines);
  return block.directives.filter((directive) => {
    const rule = existingRule(directive);
    const words = rule && expected.get(rule.from);
    if (!rule || !words || !isSameRule(rule.words, words)) return false;
    const { line } = directive.name;
    const alone = [directive.name, ...directive.words].map(({ text }) => text).join(' ');
    return !marked.has(line) && lines[line]?.trim().replace(/[ \t]+/g, ' ') === alone;
  });
}
