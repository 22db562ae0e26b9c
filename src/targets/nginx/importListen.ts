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
  const [, address = '', port = USUAL] = /^(unix:.*|\[.*\]|\d*[^:\d][^:]*)?(?:^|:)?(\d+)?$/.exec(written) ?? [
    '',
    written,
  ];
  return /^(?:|\*|0\.0\.0\.0)$/.test(address) ? port : `${address.replace(/^localhost$/, '127.0.0.1')}:${port}`;
}

/** Servers by where they listen, in their order. It is made once, because there may be thousands. */
export class Listeners {
  readonly #at = new Map<string, Written[]>();
  readonly #defaults = new Map<string, Written>();
  readonly #sockets = new Map<Written, readonly Socket[]>();

  constructor(servers: readonly Written[]) {
    for (const server of servers) {
      const sockets = socketsOf(server);
      this.#sockets.set(server, sockets);
      for (const { socket, isDefault } of sockets) {
        const there = this.#at.get(socket) ?? [];
        this.#at.set(socket, there);
        there.push(server);
        if (isDefault && !this.#defaults.has(socket)) this.#defaults.set(socket, server);
      }
    }
  }

  /** All sockets that a server listens on. */
  get sockets(): Iterable<string> {
    return this.#at.keys();
  }

  of(server: Written): readonly Socket[] {
    return this.#sockets.get(server) ?? socketsOf(server);
  }

  at(socket: string): readonly Written[] {
    return this.#at.get(socket) ?? [];
  }

  /** Returns the server that answers where no name decides. */
  defaultOf(socket: string): Written | undefined {
    return this.#defaults.get(socket) ?? this.at(socket)[0];
  }
}
