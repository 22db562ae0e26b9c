import type * as z from 'zod';
import type { Diagnostic, Result, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';

/** One file of a target's output, whole. */
export interface RenderedFile {
  /** Below the output folder, with "/" between parts. */
  readonly path: string;
  /** Ends with a line feed; no trailing blanks. */
  readonly text: string;
  /** How a comment starts in this file's language; `undefined` where it has none and so gets no header. */
  readonly comment?: '#' | '//' | undefined;
}

/** Reads a file that the spec names, relative to the spec. `undefined` where it cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/** What a target gets: the policy, its own options, and where these options stand in the spec. */
export interface TargetInput<Options> {
  readonly policy: Policy;
  readonly options: Options;
  /** The path of the options, `['targets', name]`. */
  readonly at: SpecPath;
  readonly read: ReadFile;
}

/** What `secrets render` hands to a target: each reference of the spec with the value that was read for it. */
export interface SecretsInput {
  readonly policy: Policy;
  /** By reference text, such as `env:POSTERN_KEY`. Keys are key-shaped, tokens RFC 6750 token characters, none is empty. */
  readonly values: ReadonlyMap<string, string>;
}

/** The whole contract of a target. */
export interface Target {
  readonly name: string;
  /** One line for the README's table. */
  readonly summary: string;
  /** Schema of `targets.<name>`. */
  readonly options: z.ZodType;
  emit(input: TargetInput<unknown>): Result<readonly RenderedFile[]>;
  /** Files with keys and tokens in them, below the output folder; absent where the target needs no secret. */
  readonly secrets?: ((input: SecretsInput) => Result<readonly RenderedFile[]>) | undefined;
}

export interface TargetDefinition<Schema extends z.ZodType, Model> {
  readonly name: string;
  readonly summary: string;
  readonly options: Schema;
  /** Policy → the target's own words, every string already a token of this target. */
  readonly plan: (input: TargetInput<z.infer<Schema>>) => Result<Model>;
  /** Model → files. */
  readonly files: (model: Model) => readonly RenderedFile[];
  readonly secrets?: (input: SecretsInput) => Result<readonly RenderedFile[]>;
}

/** Closes over the option and model types, so that all targets fit in one plain list. */
export function defineTarget<Schema extends z.ZodType, Model>(definition: TargetDefinition<Schema, Model>): Target {
  const { name, summary, options, plan, files, secrets } = definition;
  return {
    name,
    summary,
    options,
    secrets,
    emit({ policy, options: raw, at, read }) {
      const parsed = options.safeParse(raw);
      if (!parsed.success)
        throw new Error(`options of ${name} were not validated with the spec`, { cause: parsed.error });
      const planned = plan({ policy, options: parsed.data, at, read });
      const diagnostics: readonly Diagnostic[] = planned.diagnostics;
      return planned.value === undefined ? { diagnostics } : { value: files(planned.value), diagnostics };
    },
  };
}
