import { decider, type Problem } from './commands/request.ts';
import { type CompileOptions, compile as compileAll } from './compile.ts';
import type { Diagnostic } from './diagnostics/diagnostic.ts';
import type { Locator } from './diagnostics/resolve.ts';
import type { OutputFile } from './output/files.ts';
import type { Decision } from './policy/decide.ts';
import type { HeaderFields } from './policy/request.ts';
import type { Policy } from './policy/types.ts';
import { type NameProof, type ProxyProof, proveFiles, proveNames } from './prove/files.ts';
import { asBytes } from './source/decode.ts';
import { targets } from './targets/index.ts';
import type { RenderedFile } from './targets/target.ts';

/** What became of a spec. Whatever an error has prevented is absent. */
export interface Compiled {
  readonly policy?: Policy;
  readonly files?: readonly OutputFile[];
  readonly diagnostics: readonly Diagnostic[];
  /** Finds the lines that diagnostics are about, for `formatDiagnostics`. */
  readonly document?: Locator;
}

/**
 * Compiles the text of a spec, YAML or JSON. Reads no file but through `options.read` and `options.project`, and no
 * clock: without `options.now` no key has expired.
 */
export const compile: (text: string, options: CompileOptions) => Compiled = compileAll;

/** A request to a proxy. */
export interface Question {
  readonly method: string;
  /** Path and query as on the request line. */
  readonly target: string;
  /** Id of the key that is sent; absent for none, or for one that stands in `headers`, which no spec knows. */
  readonly apiKey?: string;
  /** IPv4 or IPv6 address of the client; absent for one that is admitted. */
  readonly from?: string;
  readonly headers?: HeaderFields;
  /** Id of the proxy; may be absent where there is one. */
  readonly proxy?: string;
  /** Moment of the request, in seconds since 1970. */
  readonly at: number;
}

/** The question makes no sense, for example because no key has this id. */
export interface Undecided extends Problem {
  readonly kind: 'undecided';
}

const deciders = new WeakMap<Policy, ReturnType<typeof decider>>();

/** Decides a request as the engines do. A policy is prepared at its first question; each further one takes microseconds. */
export function evaluate(policy: Policy, question: Question): Decision | Undecided {
  const decide = deciders.get(policy) ?? decider(policy);
  deciders.set(policy, decide);
  const decided = decide(question);
  return 'problem' in decided ? { kind: 'undecided', ...decided } : decided.decision;
}

/** The worst of all proofs. `unknown` if there is none. */
export interface Proof {
  readonly kind: ProxyProof['kind'];
  /** For a target with proxies. */
  readonly proxies: readonly ProxyProof[];
  /** For a target that leads names. */
  readonly names?: NameProof;
}

/**
 * Shows for all requests, or all names, that the files of a target decide as the policy does, or one that they decide
 * otherwise. Files of other targets are ignored.
 * @param target `nginx`, `caddy` or `coredns`; others are `unknown`
 */
export function prove(policy: Policy, target: string, files: readonly Pick<RenderedFile, 'path' | 'text'>[]): Proof {
  const readBack = targets.find(({ name }) => name === target)?.readBack;
  const bytes = files
    .filter(({ path }) => path.startsWith(`${target}/`))
    .map(({ path, text }) => ({ path, text: asBytes(text) }));
  switch (readBack?.decides) {
    case 'requests': {
      const proxies = proveFiles(policy, bytes, readBack.read);
      const kinds = new Set(proxies.map(({ kind }) => kind));
      const kind = kinds.has('differs') ? 'differs' : kinds.has('unknown') || kinds.size === 0 ? 'unknown' : 'proved';
      return { kind, proxies };
    }
    case 'names': {
      const names = proveNames(policy, () => readBack.read(bytes, policy));
      return { kind: names.kind, proxies: [], names };
    }
    default:
      return { kind: 'unknown', proxies: [] };
  }
}
