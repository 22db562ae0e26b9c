import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { type EngineRun, startEngineRun, type Verified, type VerifyOptions } from '../../src/verify/engineRun.ts';
import { randomOf } from '../../src/verify/random.ts';
import { openScope, type Scope } from '../../src/verify/scope.ts';
import { verifyRequests, verifyTarget } from '../../src/verify/verify.ts';
import { broadSpec } from '../support/broad.ts';
import { policyOf } from '../support/policy.ts';
import { referenceProgram } from './reference.ts';
import { referenceTarget } from './referenceTarget.ts';

export interface Subject extends Partial<Omit<VerifyOptions, 'policy'>> {
  readonly spec?: object;
  /** Decided beside it. */
  readonly shadow?: object;
}

/** Verifies an engine, the reference engine where none is given, on a spec with something of everything. */
export async function verified({ spec = broadSpec, shadow, ...given }: Subject): Promise<Verified> {
  const scope = openScope();
  try {
    const program = given.program ?? (await referenceProgram());
    const defaults = {
      target: referenceTarget,
      options: {},
      read: () => undefined,
      requests: 1_000,
      seed: '1',
      tests: [],
      progress: () => {},
    };
    const policy = { ...policyOf(spec), ...(shadow && { shadow: policyOf(shadow) }) };
    return await verifyRequests({ ...defaults, ...given, program, policy }, scope);
  } finally {
    await scope.close();
  }
}

/** The same for the sites of domain rewrites alone, on a target whose options render them. */
export async function verifiedSites(
  subject: Pick<VerifyOptions, 'target' | 'program' | 'options' | 'tamper'> & { readonly spec: object },
): Promise<Verified> {
  const scope = openScope();
  const { spec, ...given } = subject;
  const none = { read: () => undefined, requests: 0, seed: '1', tests: [], progress: () => {} };
  try {
    return await verifyTarget({ ...none, ...given, policy: policyOf(spec) }, scope);
  } finally {
    await scope.close();
  }
}

/** An engine that runs on a spec with something of everything until the scope ends. */
export async function broadRun(
  given: Pick<VerifyOptions, 'target' | 'program' | 'seed'>,
  scope: Scope,
): Promise<EngineRun> {
  const { seed, ...rest } = given;
  const policy = policyOf(broadSpec);
  const options = { ...rest, options: {}, policy, read: () => undefined, random: randomOf(seed) };
  const started = await startEngineRun(options, scope);
  if (!('run' in started)) throw new Error(JSON.stringify(started.diagnostics));
  return started.run;
}

/** What was found, as one would read it. */
export function findings({ diagnostics }: Verified): string {
  return textOf(diagnostics.filter((each) => !isLimit(each)));
}

/** What the engine of this machine cannot do whatever it is told, in words; no disagreement. */
export function limits({ diagnostics }: Verified): string {
  return textOf(diagnostics.filter(isLimit));
}

function isLimit({ code }: Diagnostic): boolean {
  return code === 'verify/engine-limit';
}

function textOf(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(({ message, hint = '' }) => `${message}\n        ${hint}\n`).join('');
}
