import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Release, tryLock } from '../output/lock.ts';

/** Waits until the lock is free, that is until its owner gives it back or ends. */
export async function lock(path: string): Promise<Release> {
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    const release = tryLock(path);
    if (release) return release;
    await pause(100);
  }
}
