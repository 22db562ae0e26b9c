import { diffAccess } from '../accessDiff/diff.ts';
import { compile } from '../compile.ts';
import { openBeside } from '../compose/beside.ts';
import type { Composition } from '../compose/compose.ts';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { placedIn } from '../diagnostics/resolve.ts';
import { type Claim, claimsOf, type SameClaim } from '../guarantees/claims.ts';
import { guaranteeCodes } from '../guarantees/codes.ts';
import { type Looked, type Proof, prove, type Witness } from '../guarantees/prove.ts';
import { MAX_OVERLAPS } from '../policy/automaton.ts';
import { policyCodes } from '../policy/codes.ts';
import { resolvePolicy } from '../policy/resolve.ts';
import type { Policy } from '../policy/types.ts';
import type { TestOutcome } from './report.ts';
import type { OpenSpec } from './spec.ts';

/** A valid spec with guarantees, and the files around it. */
export interface Promised {
  readonly source: Pick<OpenSpec, 'read' | 'project'>;
  readonly composition: Composition;
  readonly policy: Policy;
}

export interface GuaranteeRun {
  readonly outcomes: readonly TestOutcome[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Proves the `guarantees:` of a spec, or reports a request that breaks them. */
export function runGuarantees(promised: Promised): GuaranteeRun {
  const { source, composition, policy } = promised;
  const problems: Diagnostic[] = [];
  const claims = claimsOf(composition.spec, policy, source.read, problems);
  const proofs = provenAll(
    claims.filter((claim) => claim.kind !== 'same'),
    policy,
    problems,
  );
  const told = proofs.map(({ claim, witness, vacuous, looked }) => {
    if (vacuous !== undefined) problems.push(vacuousClaim(claim, vacuous));
    if (witness) problems.push(brokenClaim(claim, witness));
    return outcomeOf(claim, witness && wordsFor(witness), argumentFor(looked, vacuous));
  });
  const same = claims.flatMap((claim) => {
    if (claim.kind !== 'same') return [];
    const found = differences(claim, promised);
    problems.push(...found);
    const how = 'all paths, methods, keys and addresses of both were compared';
    return outcomeOf(claim, found[0]?.message.replace(`${claim.subject}: `, ''), how);
  });
  return { outcomes: [...told, ...same], diagnostics: problems };
}

function provenAll(claims: readonly Claim[], policy: Policy, problems: Diagnostic[]): readonly Proof[] {
  const proofs = prove(claims, policy);
  if (!proofs)
    problems.push(policyCodes.report('too-many-overlaps', ['guarantees'], { states: MAX_OVERLAPS }, { part: 'key' }));
  return proofs ?? [];
}

function outcomeOf({ subject }: Pick<Claim, 'subject'>, broken: string | undefined, how: string): TestOutcome {
  const passed = broken === undefined;
  return { subject, passed, expected: 'holds', actual: broken ?? 'holds', ...(passed && { how }) };
}

function argumentFor({ kinds, of }: Looked, vacuous: string | undefined): string {
  if (vacuous !== undefined) return `says nothing: ${vacuous}`;
  const about = `each path is of one of ${of} kinds, and this is about ${kinds} of them`;
  return `shown for all requests: ${about}, whose methods, callers and addresses were looked at`;
}

/** Returns `DELETE /a/42 with key "bot" from 192.0.2.1 (proxy "api")`. */
export function wordsFor({ method, path, key, from, proxy }: Witness): string {
  return `${method} ${path} ${key === undefined ? 'without a key' : `with key "${key}"`} from ${from} (proxy "${proxy}")`;
}

function brokenClaim({ kind, subject, reason, at }: Claim, witness: Witness): Diagnostic {
  const { decision, line } = witness;
  const refused = decision.kind === 'deny' ? `, with ${decision.status}` : '';
  const how = `as ${wordsFor(witness)}${refused}`;
  const related = [{ at: line, message: kind === 'always' ? 'refused here' : 'granted here' }];
  return guaranteeCodes.report(kind, at, { subject, how, reason }, { related });
}

function vacuousClaim({ subject, at }: Claim, why: string): Diagnostic {
  return guaranteeCodes.report('vacuous', at, { subject, why });
}

/**
 * Returns a diagnostic for the first difference of access between this spec and the one that it must be the same as.
 */
function differences(claim: SameClaim, { source, composition, policy }: Promised): Diagnostic[] {
  const { as, except, subject, at } = claim;
  const place: Diagnostic['at'] = [...at, 'same', 'as'];
  const no = (problem: string) => [guaranteeCodes.report('no-other', place, { as, problem })];
  const { read } = source;
  const opened = openBeside(as, source);
  if ('problem' in opened) return opened.diagnostics.length > 0 ? [...opened.diagnostics] : no(opened.problem);
  const { file, project, read: beside } = opened;
  const other = compile(file.text, { file: file.name, read: beside, project, targets: [] });
  if (!other.composition || !other.policy)
    return [...no('it is no valid spec'), ...placedIn(other.diagnostics.filter(isError), other.document)];
  const excepted = except.map((section) => [section, composition.spec[section]] as const);
  const spec = { ...other.composition.spec, ...Object.fromEntries(excepted) };
  const resolved = resolvePolicy(spec, except.includes('ipRanges') ? read : beside);
  if (!resolved.value)
    return no(`with ${except.join(' and ')} of this spec it is none: ${resolved.diagnostics[0]?.message ?? ''}`);
  const { value: changes, diagnostics } = diffAccess(resolved.value, policy);
  if (!changes) return [...diagnostics];
  const [first, ...rest] = changes.filter(({ effect }) => effect !== 'neutral');
  if (!first) return [];
  const written = first.at.version === 'after' ? composition.document : other.document;
  const found = written?.locate(first.at.path);
  const related = found ? [{ at: [], message: 'the difference', place: found }] : [];
  return [guaranteeCodes.report('same', at, { subject, what: first.message, more: rest.length }, { related })];
}

function isError(one: Diagnostic): boolean {
  return hasError([one]);
}
