import { mkdir, mkdtemp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Gives a lock back. Safe to call twice. */
export type Release = () => Promise<void>;

/**
 * A lock is a directory holding one file named after its owner. `rename` replaces an empty directory but not one that
 * holds something, so taking the lock is one atomic step, and a dead owner is evicted by removing exactly its own file:
 * a process that comes late to evict it finds nothing to remove.
 */
export async function tryLock(path: string): Promise<Release | undefined> {
  await mkdir(dirname(path), { recursive: true });
  const owner = `${process.pid}.${await startOf(process.pid)}`;
  const mine = await mkdtemp(`${path}.`);
  await writeFile(join(mine, owner), '');
  if (!(await take(mine, path)) && !((await evictDead(path)) && (await take(mine, path)))) {
    await rm(mine, { recursive: true, force: true });
    return undefined;
  }
  return () => unlink(join(path, owner)).catch(() => {});
}

/** Waits until the lock is free, that is until its owner gives it back or ends. */
export async function lock(path: string): Promise<Release> {
  for (;;) {
    const release = await tryLock(path);
    if (release) return release;
    await pause(100);
  }
}

async function take(mine: string, path: string): Promise<boolean> {
  try {
    await rename(mine, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

async function evictDead(path: string): Promise<boolean> {
  const [owner] = await readdir(path).catch(() => []);
  if (owner === undefined) return true;
  const [pid, start] = owner.split('.');
  if ((await startOf(Number(pid))) === start) return false;
  await unlink(join(path, owner)).catch(() => {});
  return true;
}

/** When a process started, so that a number that was given out again is not taken for the old owner. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  // The second field is the program's name in parentheses and may hold spaces: count from its end.
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return alive(pid) ? 'alive' : 'gone';
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
