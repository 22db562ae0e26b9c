import type { NotCarried } from '../../import/draft.ts';
import type { Listeners } from './importListen.ts';
import type { Written } from './importTree.ts';

/** The names of a proxy in place of a server: none if it answers where no name decides. */
export type Names = { readonly notCarriedOver: readonly NotCarried[] } & (
  | { readonly names: readonly string[] }
  /** Why a proxy in place of the server would answer more than it. */
  | { readonly unreachable: string }
);

const WHOLE = /^[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z0-9-]+$/;

/** Names of servers by socket. */
export class ServerNames {
  readonly #listeners: Listeners;
  readonly #owners = new Map<string, ReadonlyMap<string, Written>>();

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
  }

  /** By name, the first server of a socket that has it; nginx ignores the name at all others. */
  #ownersAt(socket: string): ReadonlyMap<string, Written> {
    const known = this.#owners.get(socket);
    if (known) return known;
    const owners = new Map<string, Written>();
    for (const server of this.#listeners.at(socket))
      for (const name of writtenNames(server)) if (!owners.has(name)) owners.set(name, server);
    this.#owners.set(socket, owners);
    return owners;
  }

  /** Returns the names that lead to a server, and what other names are lost. */
  of(server: Written): Names {
    const listeners = this.#listeners;
    const socket = listeners.of(server).find((at) => !at.socket.startsWith('unix:'))?.socket;
    if (socket === undefined) return { unreachable: 'a proxy listens on TCP', notCarriedOver: [] };
    const isApart = (other: string) => other !== socket && other.endsWith(`:${socket}`) && !other.startsWith('[');
    if ([...listeners.sockets].some(isApart))
      return {
        unreachable: 'another server has an address of its port to itself, which a proxy on all addresses would take',
        notCarriedOver: [],
      };
    const owners = this.#ownersAt(socket);
    const isEarlier = (name: string) => owners.get(name) !== server;
    const lost: NotCarried[] = [];
    const names = new Set<string>();
    for (const { file, line, name, args } of server.block ?? []) {
      if (name !== 'server_name') continue;
      const own = args.flatMap(namesIn);
      if (own.some((one) => WHOLE.test(one) && isEarlier(one)))
        lost.push({ file, line, what: name, reason: 'an earlier server of the port has the name' });
      // These are usual words for no name at all.
      if (own.some((one) => !WHOLE.test(one) && one !== '_' && one !== ''))
        lost.push({ file, line, what: name, reason: 'names of a proxy are whole names' });
      for (const one of own) if (WHOLE.test(one) && !isEarlier(one)) names.add(one);
    }
    const isDefault = listeners.defaultOf(socket) === server;
    if (names.size > 0) {
      const told = { file: server.file, line: server.line, what: 'server' };
      const reason = 'it also answered to every name that no server of its port has, and now only to its own';
      return { names: [...names], notCarriedOver: isDefault ? [...lost, { ...told, reason }] : lost };
    }
    if (!isDefault)
      return {
        unreachable: 'no whole name leads to it, and another server is the default of its port',
        notCarriedOver: lost,
      };
    if ([...owners.values()].some((owner) => owner !== server))
      return {
        unreachable:
          'it answers to every name that no server of its port has, and a proxy would answer to names that others there refuse: give it names',
        notCarriedOver: lost,
      };
    return { names: [], notCarriedOver: lost };
  }
}

/** `.example.com` is a name and all names below it. */
function namesIn(arg: string): string[] {
  const text = arg.toLowerCase();
  return text.startsWith('.') ? [text.slice(1), `*${text}`] : [text];
}

function writtenNames({ block = [] }: Written): string[] {
  return block.flatMap(({ name, args }) => (name === 'server_name' ? args.flatMap(namesIn) : []));
}
