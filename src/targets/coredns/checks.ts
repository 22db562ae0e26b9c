import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { corednsCodes } from './codes.ts';
import { meets, nameRule } from './existing.ts';
import type { Corefile, Directive, ServerBlock } from './grammar.ts';
import type { Region } from './markers.ts';
import type { MergeInput } from './merge.ts';

export interface BlockCheck {
  readonly input: MergeInput;
  readonly corefile: Corefile;
  readonly block: ServerBlock;
  readonly region: Region | undefined;
  readonly own: readonly DomainRewrite[];
}

/** A directive, at the line of the block where it takes effect. */
interface Effective {
  readonly directive: Directive;
  readonly line: number;
}

/** What else in a server block has a say in the names that are to be rewritten there. */
export function checkBlock(check: BlockCheck, problems: Diagnostic[]): void {
  const { input, region } = check;
  const inRegion = ({ line }: Effective) => region !== undefined && line >= region.start && line < region.end;
  for (const effective of effectiveDirectives(check)) {
    if (inRegion(effective)) continue;
    const { name } = effective.directive;
    const place = input.placeOf(name);
    if (name.text === 'autopath') problems.push(corednsCodes.report('autopath', input.at, {}, { place }));
    if (name.text === 'import') {
      const pattern = effective.directive.words[0]?.text ?? '';
      problems.push(corednsCodes.report('unseen-import', input.at, { pattern }, { place }));
    }
    checkRule(check, effective, problems);
  }
}

function checkRule({ input, region, own }: BlockCheck, { directive, line }: Effective, problems: Diagnostic[]): void {
  const rule = nameRule(directive);
  const met = rule && own.find((rewrite) => meets(rule, rewrite));
  if (!rule || !met) return;
  const name = (met.wildcard ? '*.' : '') + met.from;
  const params = { name, rule: `rewrite ${directive.words.map(({ text }) => text).join(' ')}` };
  const related = [{ at: [...met.origin, 'from'], message: 'rewritten here' }];
  // Ours come first where they are new, so only rules above old ones can come before them.
  const code = region !== undefined && line < region.start ? 'shadowed-rule' : 'second-rule';
  problems.push(corednsCodes.report(code, input.at, params, { place: input.placeOf(rule.at), related }));
}

/** The directives of a block with its snippets put in; imports of files stay. */
function effectiveDirectives({ block, corefile }: BlockCheck): Effective[] {
  const expand = (directive: Directive, line: number, seen: readonly string[]): Effective[] => {
    const pattern = directive.words[0]?.text ?? '';
    const snippet =
      directive.name.text === 'import' && !seen.includes(pattern) ? corefile.snippets.get(pattern) : undefined;
    if (!snippet) return [{ directive, line }];
    return snippet.flatMap((inner) => expand(inner, line, [...seen, pattern]));
  };
  return block.directives.flatMap((directive) => expand(directive, directive.name.line, []));
}
