import { execFileSync } from 'node:child_process';

/** Runs git as somebody, whatever the machine says who that is. */
export function git(path: string, ...args: string[]): void {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
  execFileSync('git', [...identity, ...args], { cwd: path, stdio: 'ignore' });
}

/** A repository with all that is there in its first commit. */
export function commit(path: string): void {
  git(path, 'init', '-q');
  git(path, 'add', '-A');
  git(path, 'commit', '-qm', 'one');
}
