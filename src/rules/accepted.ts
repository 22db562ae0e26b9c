import { catalog } from '../diagnostics/codes.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { dateOf, epochSeconds } from '../policy/dates.ts';
import type { Spec } from '../spec/schema.ts';
import { suggest } from '../spec/suggest.ts';
import { ruleCodes } from './codes.ts';

type Acceptance = NonNullable<Spec['accepted']>[number];

/** The findings of a spec: those that are left, and those that it accepts, each with the reason. */
export interface Judged {
  readonly left: readonly Diagnostic[];
  readonly accepted: readonly Diagnostic[];
}

/** Returns the codes that a spec may accept: those of warnings and notes. */
export function acceptable(): readonly string[] {
  return catalog([ruleCodes]).flatMap(({ code, severity }) => (severity === 'error' ? [] : [code]));
}

/** Returns a code with its area, which the spec may leave out. */
export function wholeCode(code: string): string {
  return code.includes('/') ? code : `${ruleCodes.area}/${code}`;
}

/**
 * Sorts findings by what the spec accepts. An expired acceptance accepts nothing. An acceptance without a finding is a
 * finding itself, because it would accept the next one of its kind unseen.
 * @param now seconds since 1970
 */
export function judge(found: readonly Diagnostic[], { accepted = [] }: Spec, now: number): Judged {
  const codes = acceptable();
  const valid = accepted.filter(({ expires }) => (epochSeconds(expires) ?? 0) > now);
  const by = (one: Diagnostic) =>
    codes.includes(one.code) ? valid.find((acceptance) => isAbout(acceptance, one)) : undefined;
  const kept = found.flatMap((one) => {
    const acceptance = by(one);
    return acceptance ? [{ ...one, hint: `accepted until ${acceptance.expires}: ${acceptance.reason}` }] : [];
  });
  const useless = accepted.flatMap((acceptance, index): Diagnostic[] => {
    const at = ['accepted', index];
    const code = wholeCode(acceptance.finding);
    const end = epochSeconds(acceptance.expires);
    if (end !== undefined && end <= now)
      return [ruleCodes.report('expired-acceptance', [...at, 'expires'], { code, ended: dateOf(end) })];
    if (found.some((one) => codes.includes(one.code) && isAbout(acceptance, one))) return [];
    const meant = codes.includes(code) ? undefined : suggest(code, codes);
    return [ruleCodes.report('unused-acceptance', [...at, 'finding'], { code, meant })];
  });
  return { left: [...found.filter((one) => !by(one)), ...useless], accepted: kept };
}

/**
 * Returns whether an acceptance is about a finding. Its `at` names a section, an entry or a value, and covers all below
 * it.
 */
function isAbout({ finding, at }: Acceptance, one: Diagnostic): boolean {
  const place = `${one.at.join('.')}.`;
  return wholeCode(finding) === one.code && (at === undefined || place.startsWith(`${at}.`));
}
