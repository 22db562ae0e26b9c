import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Why a file would end up in version control; `undefined` where it would not. */
export function exposedToGit(path: string): string | undefined {
  const file = resolve(path);
  const tree = workTreeAbove(dirname(file));
  if (tree === undefined) return undefined;
  // Variables of an outer git, as in a hook, would make it look at another work tree.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const { status, error } = spawnSync('git', ['check-ignore', '-q', '--', file], { cwd: tree, env, stdio: 'ignore' });
  if (status === 0) return undefined;
  if (status === 1) return 'git does not ignore it';
  return error
    ? 'it is in a git work tree, and git cannot be started to ask whether it is ignored'
    : 'git cannot tell whether it is ignored';
}

function workTreeAbove(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : workTreeAbove(parent);
}
