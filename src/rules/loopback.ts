import type { HostPort } from '../policy/types.ts';

/** Whether what is sent there stays on the machine. */
export function isLoopback({ host }: HostPort): boolean {
  return /^(?:127\.|::1$|localhost$)/.test(host);
}
