import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { Opened, Project } from '../compose/project.ts';
import { systemProblem } from '../output/disk.ts';
import { decodeSource } from '../source/decode.ts';
import { readBytes } from '../source/read.ts';
import type { Io } from './io.ts';

/**
 * Returns access to the files on disk that a spec in this folder may include.
 * @param top the folder that they all lie below; where absent, that of the repository
 */
export function projectAround(folder: string, spec: string, { opened }: Pick<Io, 'opened'>, top?: string): Project {
  let known: { readonly home: string; readonly root: string } | undefined;
  // Looked up late, because most specs include nothing.
  const places = () => {
    const home = realpathSync(resolve(folder));
    known ??= { home, root: top === undefined ? rootOf(home) : realpathSync(top) };
    return known;
  };
  return {
    entry: () => below(places().root, join(places().home, basename(spec))),
    open: (path) => openBelow(path, { folder, opened, ...places() }),
    wayOut: (path) => wayOut(path, places().root),
  };
}

/** How a path leads out of the project, before "out of the project". */
export const LEADS = 'leads';
export const LINK_LEADS = 'is a symbolic link, or below one, that leads';

interface Places extends Pick<Io, 'opened'> {
  /** The folder as the user gave it. */
  readonly folder: string;
  /** The folder with links resolved. */
  readonly home: string;
  readonly root: string;
}

function openBelow(path: string, { folder, home, root, opened }: Places): Opened {
  try {
    if (leadsOut(path)) return { outside: LEADS };
    opened?.(join(root, path));
    const real = realpathSync(join(root, path));
    const inside = below(root, real);
    if (leadsOut(inside)) return { outside: LINK_LEADS };
    const found = readBytes(real);
    if ('problem' in found) return found;
    const { value, diagnostics } = decodeSource(join(folder, relative(home, real)), found.bytes);
    return value ? { path: inside, file: value } : { diagnostics };
  } catch (error) {
    return { problem: systemProblem(error) };
  }
}

function wayOut(path: string, root: string): string | undefined {
  if (leadsOut(path)) return LEADS;
  try {
    return leadsOut(below(root, realpathSync(join(root, path)))) ? LINK_LEADS : undefined;
  } catch (error) {
    // What is not there is reported by whoever reads it.
    systemProblem(error);
    return undefined;
  }
}

/** Returns the top of the repository around a folder, or the folder itself if there is none. */
function rootOf(home: string): string {
  for (let at = home; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return home;
  }
}

function below(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}

/** Also into `.git`, which is no part of what a project holds: its configuration often has a token in it. */
export function leadsOut(path: string): boolean {
  return path === '..' || path.startsWith('../') || /(?:^|\/)\.git(?:\/|$)/i.test(path);
}
