import type { Composition } from '../compose/compose.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { ReadFile } from '../policy/ranges.ts';
import type { Policy } from '../policy/types.ts';
import { wideRoles } from '../policy/vaultTokens.ts';
import { setReferences } from '../spec/references.ts';
import type { Spec } from '../spec/schema.ts';
import { credentials, decodedTwice, redundant, requests, unused, wide } from './access.ts';
import { certificates } from './certificates.ts';
import type { Clients } from './clients.ts';
import { ruleCodes } from './codes.ts';
import { envelopes } from './envelopes.ts';
import { gitlab } from './gitlab.ts';
import { keys } from './keys.ts';
import { addresses } from './ranges.ts';
import { unreachable } from './reachable.ts';
import { dependencyProxy, fallback, loops, reach, tokenRealm, withoutTarget } from './rewrites.ts';
import { traffic } from './traffic.ts';
import { wording } from './wording.ts';

function untested(spec: Spec): Diagnostic[] {
  const decides = spec.proxies !== undefined || spec.domainRewrites !== undefined;
  return decides && (spec.tests ?? []).length === 0 ? [ruleCodes.report('untested-policy', ['name'], {})] : [];
}

function namedSets(spec: Spec, { opened }: Clients, members: Composition['members'] | undefined): ReadonlySet<string> {
  const references = setReferences([spec, ...(members ?? []).map(({ value }) => value.include)]);
  return new Set([...opened, ...references.map(({ name }) => name)]);
}

/** The input of rules beside the spec and its policy. */
export interface Surroundings {
  readonly clients: Clients;
  /** Reads the files that the spec names, relative to it. */
  readonly read: ReadFile;
  /** The files that the spec is made of; absent where they do not count. */
  readonly composition?: Composition | undefined;
  /** Seconds since 1970; absent if expiry is not checked. */
  readonly now?: number | undefined;
}

/** Reports what is legal but unwise, as warnings and notes. */
export function lint(policy: Policy, spec: Spec, around: Surroundings): Diagnostic[] {
  const { clients, composition, read } = around;
  const members = composition?.members;
  return [
    ...wide(policy),
    ...decodedTwice(policy),
    ...redundant(policy),
    ...requests(policy),
    ...credentials(policy, spec),
    ...unused(policy, spec, namedSets(spec, clients, members)),
    ...addresses(policy, spec),
    ...unreachable(policy),
    ...withoutTarget(policy, spec, clients),
    ...tokenRealm(policy, clients),
    ...reach(policy, clients),
    ...fallback(policy, clients),
    ...dependencyProxy(policy, clients),
    ...certificates(policy, around),
    ...loops(policy, clients),
    ...wideRoles(policy).map(({ at, ...params }) => ruleCodes.report('wide-token', at, params)),
    ...keys(policy),
    ...gitlab(policy),
    ...traffic(policy, spec, clients),
    ...wording(policy, spec, members),
    ...(composition ? envelopes(composition, read) : []),
    ...untested(spec),
  ];
}
