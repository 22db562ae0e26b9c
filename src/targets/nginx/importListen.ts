import type { Written } from './importTree.ts';

/** What a server without `listen` listens on. */
const USUAL = '80';

export interface Socket {
  /** Address and port as written; the port alone where every IPv4 address is meant. */
  readonly socket: string;
  readonly isDefault: boolean;
}

/** Returns where a server listens, each socket once. */
export function socketsOf({ block = [] }: Written): readonly Socket[] {
  const found = new Map<string, Socket>();
  for (const { args } of block.filter(({ name }) => name === 'listen')) {
    const [written = USUAL, ...flags] = args;
    const socket = socketAt(written);
    found.set(socket, { socket, isDefault: flags.includes('default_server') || flags.includes('default') });
  }
  return found.size === 0 ? [{ socket: USUAL, isDefault: false }] : [...found.values()];
}

/** Returns an address of `listen` in the form that is equal for equal sockets. */
export function socketAt(written: string): string {
  const [, address = '', port = USUAL] = /^(unix:.*|\[.*\]|[^:]*[^:\d][^:]*)?(?:^|:)?(\d+)?$/.exec(written) ?? [
    '',
    written,
  ];
  return /^(?:|\*|0\.0\.0\.0)$/.test(address) ? port : `${address.replace(/^localhost$/, '127.0.0.1')}:${port}`;
}

/** Returns the server that answers where no name decides. */
export function defaultOf(socket: string, servers: readonly Written[]): Written | undefined {
  const there = servers.filter((one) => socketsOf(one).some((at) => at.socket === socket));
  return there.find((one) => socketsOf(one).some((at) => at.socket === socket && at.isDefault)) ?? there[0];
}
