import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { existingRule } from '../targets/coredns/existing.ts';
import type { Directive, ServerBlock } from '../targets/coredns/grammar.ts';
import { driftCodes } from './codes.ts';

interface Sides {
  readonly own: readonly ServerBlock[];
  readonly found: readonly ServerBlock[];
  readonly where: string;
  readonly at: SpecPath;
}

/** What differs in a Corefile that is ours as a whole, beside the rules: plugins run in an order that no file decides. */
export function restDrift({ own, found, where, at }: Sides): Diagnostic[] {
  return own.flatMap((block): Diagnostic[] => {
    const live = found.find((other) => nameOf(other) === nameOf(block));
    if (!live) return missingBlock(block, where, at);
    const place = `${where} (${nameOf(block)})`;
    const rest = new Map(live.directives.filter(isOther).map((directive) => [wordsOf(directive), directive]));
    const missing = block.directives.filter(isOther).filter((directive) => !rest.delete(wordsOf(directive)));
    const extra = [...rest.values()];
    return [
      ...missing.map((directive) => {
        const index = extra.findIndex((other) => other.name.text === directive.name.text);
        const [partner] = index < 0 ? [] : extra.splice(index, 1);
        if (!partner) return driftCodes.report('missing', at, { what: shown(directive), where: place });
        return driftCodes.report('changed', at, { where: place, expected: shown(directive), live: shown(partner) });
      }),
      ...extra.map((directive) => driftCodes.report('added', at, { what: shown(directive), where: place })),
    ];
  });
}

/** Of a block with rules, the rules have told already. */
function missingBlock(block: ServerBlock, where: string, at: SpecPath): Diagnostic[] {
  if (!block.directives.every(isOther)) return [];
  return [driftCodes.report('missing', at, { what: `the block "${nameOf(block)}"`, where })];
}

/** The names that a block answers for, in one order. */
export function nameOf({ keys }: ServerBlock): string {
  return keys
    .map(({ text }) => text.replace(/,$/, '').toLowerCase().replace(/:53$/, ''))
    .sort()
    .join(' ');
}

function isOther(directive: Directive): boolean {
  return existingRule(directive)?.changes !== 'name';
}

function wordsOf({ name, words }: Directive): string {
  return [name, ...words].map(({ text }) => text).join(' ');
}

function shown(directive: Directive): string {
  return `"${wordsOf(directive)}"`;
}
