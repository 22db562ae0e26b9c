import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { ReadFile } from '../policy/ranges.ts';
import type { Policy } from '../policy/types.ts';
import { wideRoles } from '../policy/vault.ts';
import { setReferences } from '../spec/references.ts';
import type { Spec, SpecFile } from '../spec/schema.ts';
import { credentials, decodedTwice, redundant, requests, unused, wide } from './access.ts';
import type { Clients } from './clients.ts';
import { ruleCodes } from './codes.ts';
import { addresses } from './ranges.ts';
import { unreachable } from './reachable.ts';
import { certificates, dependencyProxy, fallback, loops, reach, tokenRealm } from './rewrites.ts';

function untested(spec: Spec): Diagnostic[] {
  const decides = spec.proxies !== undefined || spec.domainRewrites !== undefined;
  return decides && (spec.tests ?? []).length === 0 ? [ruleCodes.report('untested-policy', ['name'], {})] : [];
}

function namedSets(spec: Spec, { opened }: Clients, files: readonly SpecFile[]): ReadonlySet<string> {
  const references = setReferences([spec, ...files.map(({ include }) => include)]);
  return new Set([...opened, ...references.map(({ name }) => name)]);
}

/** What rules read beside the spec and its policy. */
export interface Surroundings {
  readonly clients: Clients;
  /** Reads the files that the spec names, relative to it. */
  readonly read: ReadFile;
  /** The files that the spec is made of: their envelopes name address sets too. */
  readonly files?: readonly SpecFile[] | undefined;
}

/** Reports what is legal but unwise, as warnings. */
export function lint(policy: Policy, spec: Spec, { clients, read, files = [] }: Surroundings): Diagnostic[] {
  return [
    ...wide(policy),
    ...decodedTwice(policy),
    ...redundant(policy),
    ...requests(policy),
    ...credentials(policy, spec),
    ...unused(policy, spec, namedSets(spec, clients, files)),
    ...addresses(policy, spec),
    ...unreachable(policy),
    ...tokenRealm(policy, clients),
    ...reach(policy, clients),
    ...fallback(policy, clients),
    ...dependencyProxy(policy, clients),
    ...certificates(policy, clients, read),
    ...loops(policy, clients),
    ...wideRoles(spec, policy).map(({ at, ...params }) => ruleCodes.report('wide-token', at, params)),
    ...untested(spec),
  ];
}
