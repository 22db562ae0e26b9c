import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { obstructions, placed, systemProblem } from '../output/disk.ts';
import { freshOf, keptOf } from '../output/journal.ts';
import { exclusively, writeAll } from '../output/write.ts';
import type { RenderedFile } from '../targets/target.ts';
import { secretCodes } from './codes.ts';

/**
 * Writes files with secrets. Only the owner may read them, and git must ignore them. Where a text depends on what is
 * there, it is made while no other run writes to the folder.
 */
export function writeSecrets(files: readonly SecretFile[], folder: string): Diagnostic[] {
  const refused = refusedSecrets(files, folder);
  if (refused.length > 0) return refused;
  const made = () => files.map(({ path, text }) => ({ path, text: typeof text === 'string' ? text : text() }));
  const written = exclusively(folder, () => writeAll(made(), { folder, modes: { file: 0o600, folder: 0o700 } }));
  return [...(written.value ?? []), ...written.diagnostics];
}

interface SecretFile {
  readonly path: string;
  readonly text: string | (() => string);
}

/** Reports places where no secret is written: what git does not ignore, and what is no plain file. */
export function refusedSecrets(files: readonly Pick<RenderedFile, 'path'>[], folder: string): Diagnostic[] {
  const paths = files.map(({ path }) => path);
  const obstacles = obstructions(folder, paths);
  if (obstacles.length > 0) return obstacles;
  return files.flatMap(({ path }) => {
    const found = exposedToGit(join(folder, path));
    return found ? [secretCodes.report(found.code, [], { problem: found.problem }, placed(join(folder, path)))] : [];
  });
}

/** Reports files that differ from those on disk: other text, no file, or one that others may read. */
export function staleSecrets(files: readonly RenderedFile[], folder: string): Diagnostic[] {
  return files.flatMap(({ path, text }) => {
    const file = join(folder, path);
    const found = onDisk(file);
    if (found === undefined || found.text !== text) return [secretCodes.report('stale', [], { file }, placed(file))];
    return found.open ? [secretCodes.report('open-file', [], { file }, placed(file))] : [];
  });
}

function onDisk(file: string): { readonly text: string; readonly open: boolean } | undefined {
  try {
    const stat = lstatSync(file);
    return stat.isFile() ? { text: readFileSync(file, 'utf8'), open: (stat.mode & 0o077) !== 0 } : undefined;
  } catch (error) {
    systemProblem(error);
    return undefined;
  }
}

interface Exposed {
  readonly code: 'not-ignored' | 'git-silent';
  readonly problem: string;
}

/** Returns why a file might be committed; `undefined` if it is outside of a work tree or ignored. */
function exposedToGit(path: string): Exposed | undefined {
  const file = withoutLinks(resolve(path));
  const tree = workTreeAbove(dirname(file));
  if (tree === undefined) return undefined;
  // Variables of an outer git, as in a hook, would direct it to another work tree.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const paths = [file, freshOf(file), keptOf(file)];
  const options = { cwd: tree, env, input: paths.join('\0'), encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync('git', ['check-ignore', '-z', '--stdin'], options);
  if (status === 0 || status === 1) {
    const ignored = stdout.split('\0');
    const open = paths.find((one) => !ignored.includes(one));
    if (open === undefined) return undefined;
    const what = open === file ? 'it' : `${basename(open)}, which it is while it is written`;
    return { code: 'not-ignored', problem: `git does not ignore ${what}` };
  }
  // A git that stops before it has read its input is an error of the pipe too, so only the status tells.
  const why =
    status === null
      ? 'git cannot be started to ask whether it is ignored'
      : `git cannot tell whether it is ignored: ${stderr.trim().split('\n', 1)[0]}`;
  return { code: 'git-silent', problem: `it is in a git work tree, and ${why}` };
}

/** Returns where a file is or would be, with the links above it followed. */
function withoutLinks(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(withoutLinks(dirname(path)), basename(path));
}

function workTreeAbove(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : workTreeAbove(parent);
}
