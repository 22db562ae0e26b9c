import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

/**
 * Names files from the top of the repository around the working directory: platforms know no other names, and a
 * finding under another is shown nowhere. What is outside, or no file, keeps its name.
 */
export function namesInRepository(): (file: string) => string {
  const top = topOf(process.cwd());
  return (file) => {
    // `<stdin>`, and the name of a file at a revision.
    if (top === undefined || /^<|:/.test(file)) return file;
    const inside = relative(top, resolve(file));
    return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) ? file : inside.split(sep).join('/');
  };
}

/** `.git` is a folder in a clone, and a file in a worktree or a submodule. */
function topOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : topOf(parent);
}
