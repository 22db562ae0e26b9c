import { join } from 'node:path';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { obstructions, placed } from '../output/disk.ts';
import { writeAll } from '../output/write.ts';
import type { Policy } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from '../targets/index.ts';
import type { RenderedFile, SecretsInput } from '../targets/target.ts';
import { exposedToGit } from './gitIgnored.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './report.ts';
import { secretCodes } from './secretCodes.ts';
import { secretValues } from './secretValues.ts';
import { compileArgument, outputFolder } from './spec.ts';
import { count } from './validate.ts';

export interface SecretsArguments {
  readonly action: 'render' | 'check';
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly format: Format;
}

/** Follows the references of a spec: `check` only looks, `render` writes the files that engines read. */
export function secrets({ action, spec: argument, out, format }: SecretsArguments, io: Io): Status {
  const { source, document, spec, policy, diagnostics } = compileArgument(argument, io, { targets: [] });
  const report = { command: `secrets ${action}`, document };
  if (!source || !policy || !spec || hasError(diagnostics)) {
    return print({ ...report, status: 2, diagnostics, asked: 'changes' }, format, io);
  }
  const { values, diagnostics: found } = secretValues(policy, { env: io.env, folder: source.folder });
  const rendered = hasError(found) ? { files: [], diagnostics: [] } : renderSecrets(spec, { policy, values });
  const all = [...diagnostics, ...found, ...rendered.diagnostics];
  if (action === 'check') {
    const summary = `${count(values.size, 'secret')} found`;
    return print(
      { ...report, status: hasError(all) ? 1 : 0, diagnostics: all, asked: 'diagnostics', summary },
      format,
      io,
    );
  }
  const folder = outputFolder(out, source);
  const failures = hasError(all) ? [] : writeSecrets(rendered.files, folder);
  const failed = hasError(all) || failures.length > 0;
  const files = rendered.files.map(({ path }) => join(folder, path));
  const summary = failed ? 'nothing was written' : `written: ${files.join(', ') || 'nothing'}`;
  return print(
    { ...report, status: failed ? 2 : 0, diagnostics: [...all, ...failures], asked: 'changes', summary },
    format,
    io,
  );
}

function renderSecrets(spec: Spec, input: SecretsInput & { readonly policy: Policy }) {
  const files: RenderedFile[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const target of targets.filter(({ name }) => spec.targets?.[name] !== undefined)) {
    const { value, diagnostics: problems } = target.secrets?.(input) ?? { value: [], diagnostics: [] };
    files.push(...(value ?? []));
    diagnostics.push(...problems);
  }
  if (files.length === 0 && !hasError(diagnostics))
    diagnostics.push(secretCodes.report('nothing-to-do', ['targets'], {}));
  return { files, diagnostics };
}

/** Nobody but the owner may read them, and version control must not take them in. */
function writeSecrets(files: readonly RenderedFile[], folder: string): Diagnostic[] {
  const paths = files.map(({ path }) => path);
  const obstacles = obstructions(folder, paths);
  if (obstacles.length > 0) return obstacles;
  const exposed = files.flatMap(({ path }) => {
    const problem = exposedToGit(join(folder, path));
    return problem === undefined
      ? []
      : [secretCodes.report('not-ignored', [], { problem }, placed(join(folder, path)))];
  });
  return exposed.length > 0 ? exposed : writeAll(files, { folder, modes: { file: 0o600, folder: 0o700 } });
}
