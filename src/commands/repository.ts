import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { FindingPlace } from '../report/sheet.ts';

/**
 * Names files from the top of the repository around the working directory: platforms know no other names, and a
 * finding under another is shown nowhere. What is outside, or no file, keeps its name.
 */
export function placesInRepository(): (place: FindingPlace) => FindingPlace {
  const top = topOf(process.cwd());
  return (place) => {
    const { file } = place;
    if (top === undefined || file.startsWith('<')) return place;
    if (file.includes(':')) return withoutRevision(place, top);
    const inside = relative(top, resolve(file));
    const outside = inside === '' || inside === '..' || inside.startsWith(`..${sep}`);
    return outside ? place : { ...place, file: inside.split(sep).join('/') };
  };
}

/** What was taken away stands in no line any more, so that the file as it is now has to do. */
function withoutRevision(place: FindingPlace, top: string): FindingPlace {
  const path = place.file.slice(place.file.indexOf(':') + 1);
  return path !== '' && existsSync(join(top, path)) ? { file: path } : place;
}

/** `.git` is a folder in a clone, and a file in a worktree or a submodule. */
function topOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : topOf(parent);
}
