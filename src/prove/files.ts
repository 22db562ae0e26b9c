import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { type Comparison, compare } from './compare.ts';
import { CannotTell } from './explore.ts';
import type { FileModel } from './model.ts';
import type { NameModel } from './nameModel.ts';
import { compareNames } from './names.ts';
import { shownRequest } from './witness.ts';

/** Whether the files of a proxy decide all requests as the spec does. */
export type ProxyProof =
  | {
      readonly kind: 'proved';
      readonly proxy: string;
      /** Number of kinds of target that were told apart, and of ways through the files. */
      readonly targets: number;
      readonly ways: number;
    }
  | {
      readonly kind: 'differs';
      readonly proxy: string;
      /** The difference in words, and where the files decide it. */
      readonly what: string;
      readonly place: string;
      /** A request that shows it, as a `curl` line without secrets. */
      readonly request: string;
      /** Place in the spec that the other decision comes from. */
      readonly at: SpecPath;
    }
  /** A part of the files is not understood, so that nothing is known. */
  | { readonly kind: 'unknown'; readonly proxy: string; readonly problem: string; readonly at: SpecPath };

/** Compares the files of one target with the spec, for all requests of each proxy. `read` is that of the target. */
export function proveFiles<File>(
  policy: Policy,
  files: readonly File[],
  read: (files: readonly File[], proxy: Proxy, all: readonly Proxy[]) => FileModel,
): ProxyProof[] {
  return policy.proxies.map((proxy): ProxyProof => {
    const { id, origin } = proxy;
    const result = compareFiles(policy, proxy, { files, read });
    if (result.kind === 'unknown') return { ...result, proxy: id, at: origin };
    if (result.kind === 'proved') return { ...result, proxy: id };
    const { request, decision, place, what } = result.difference;
    const shown = shownRequest(request, proxy);
    return { kind: 'differs', proxy: id, what, place: place.what, request: shown, at: decision.at };
  });
}

interface Read<File> {
  readonly files: readonly File[];
  readonly read: (files: readonly File[], proxy: Proxy, all: readonly Proxy[]) => FileModel;
}

/** Compares the files of one proxy with the spec. What is not understood makes it unknown. */
export function compareFiles<File>(policy: Policy, proxy: Proxy, { files, read }: Read<File>): Comparison {
  try {
    return compare(policy, proxy, read(files, proxy, policy.proxies));
  } catch (error) {
    if (error instanceof CannotTell) return { kind: 'unknown', problem: error.message };
    throw error;
  }
}

/** Whether the files of a name server lead all names to where the spec says. */
export type NameProof =
  | {
      readonly kind: 'proved';
      /** Number of names that were compared one by one, and of kinds of all others. */
      readonly names: number;
      readonly kinds: number;
    }
  | {
      readonly kind: 'differs';
      readonly name: string;
      /** Of the question. */
      readonly type: string;
      /** The difference in words, and where the files decide it. */
      readonly what: string;
      readonly place: string;
      /** Place in the spec that the other name comes from. */
      readonly at: SpecPath;
    }
  /** A part of the files is not understood, so that nothing is known. */
  | { readonly kind: 'unknown'; readonly problem: string };

/** Compares the files of a name server with the spec, for all names. `read` is that of the target. */
export function proveNames(policy: Policy, read: () => NameModel): NameProof {
  const result = compareNames(policy, read);
  if (result.kind !== 'differs') return result;
  const { name, type, what, place, at } = result.difference;
  return { kind: 'differs', name, type, what, place: place.what, at };
}
