import { spawn } from 'node:child_process';

/** Signals every process of a group; one that is gone already is as good as signalled. */
export function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Kills the group when this process ends before `disarm`, however it ends: the guard is a shell that waits for the end
 * of its input. Exit hooks would miss a SIGKILL, and a server must not outlive whoever started it.
 */
export function guardGroup(leader: number): { disarm(): void } {
  const guard = spawn('sh', ['-c', 'read -r word || kill -KILL "-$1"', 'sh', String(leader)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell the group is still ended by its owner, only not after a crash; a guard gone early needs no word.
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  guard.unref();
  unrefStream(guard.stdin);
  return { disarm: () => guard.stdin.end('disarm\n') };
}

/** Lets this process end although the pipe is open. Pipes of children are sockets, which their type does not say. */
export function unrefStream(stream: object): void {
  if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
}
