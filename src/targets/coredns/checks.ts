import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { corednsCodes } from './codes.ts';
import { existingRule, meets } from './existing.ts';
import { type Corefile, type Directive, type Effective, effectiveDirectives, type ServerBlock } from './grammar.ts';
import type { Region } from './markers.ts';
import type { MergeInput } from './merge.ts';

export interface BlockCheck {
  readonly input: MergeInput;
  readonly corefile: Corefile;
  readonly block: ServerBlock;
  readonly region: Region | undefined;
  readonly own: readonly DomainRewrite[];
  /** Rules that ours take the place of. */
  readonly adopted: readonly Directive[];
}

/** What else in a server block has a say in the names that are to be rewritten there. */
export function checkBlock(check: BlockCheck, problems: Diagnostic[]): void {
  const { input, region, adopted } = check;
  const inRegion = ({ line }: Effective) => region !== undefined && line >= region.start && line < region.end;
  for (const effective of effectiveDirectives(check.block, check.corefile)) {
    if (inRegion(effective) || adopted.includes(effective.directive)) continue;
    const { name } = effective.directive;
    const place = input.placeOf(name);
    if (name.text === 'autopath') {
      const related = check.own
        .slice(0, 1)
        .map(({ origin }) => ({ at: [...origin, 'from'], message: 'rewritten here' }));
      problems.push(corednsCodes.report('autopath', input.at, {}, { place, related }));
    }
    if (name.text === 'import') {
      const pattern = effective.directive.words[0]?.text ?? '';
      problems.push(corednsCodes.report('unseen-import', input.at, { pattern }, { place }));
    }
    checkRule(check, effective, problems);
  }
}

function checkRule({ input, region, own }: BlockCheck, { directive, line }: Effective, problems: Diagnostic[]): void {
  const rule = existingRule(directive);
  const met = rule && own.find((rewrite) => meets(rule, rewrite));
  // Ours come first where they are new, so only rules above old ones can come before them.
  const comesFirst = region !== undefined && line < region.start;
  if (!rule || !met || (rule.changes !== 'name' && !comesFirst)) return;
  const name = (met.wildcard ? '*.' : '') + met.from;
  const params = { name, rule: `rewrite ${directive.words.map(({ text }) => text).join(' ')}` };
  const related = [{ at: [...met.origin, 'from'], message: 'rewritten here' }];
  const code = comesFirst ? 'shadowed-rule' : 'second-rule';
  problems.push(corednsCodes.report(code, input.at, params, { place: input.placeOf(rule.at), related }));
}
