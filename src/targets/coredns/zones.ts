import { withAncestors } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import type { Corefile, ServerBlock } from './grammar.ts';
import type { Word } from './lexer.ts';

/** One name that a server block answers for. */
export interface Zone {
  readonly key: Word;
  readonly block: ServerBlock;
  /** The name in lower case without the dot of the root; "" for the root. */
  readonly name: string;
  /** Blocks compete for a name only where they share protocol, port and addresses. */
  readonly listener: string;
}

/** Ports of keys without one. */
const defaultPorts: Readonly<Record<string, string>> = {
  dns: '53',
  tls: '853',
  quic: '853',
  https: '443',
  https3: '443',
  grpc: '443',
};

/** Returns keys with names that depend on the environment of CoreDNS. */
export function unknownKeys({ blocks }: Pick<Corefile, 'blocks'>): Word[] {
  return blocks.flatMap(({ keys }) => keys.filter(({ text }) => /\{[$%]/.test(text.replace(/:[^:]*$/, ''))));
}

export function zonesOf({ blocks }: Pick<Corefile, 'blocks'>): Zone[] {
  return blocks.flatMap((block) => {
    const bind = block.directives.filter(({ name }) => name.text === 'bind').flatMap(({ words }) => words);
    const addresses = bind.map(({ text }) => text).join(' ');
    return block.keys.flatMap((key) => {
      const [, scheme = 'dns', name = '', port = defaultPorts[scheme] ?? ''] =
        /^(?:([a-z0-9]+):\/\/)?(.*?)(?::([^:]*))?$/.exec(key.text.replace(/,$/, '').toLowerCase()) ?? [];
      // An address range stands for names of reverse look-ups, which no spec rewrites.
      if (name.includes('/')) return [];
      return [{ key, block, name: name.replace(/\.$/, ''), listener: `${scheme} ${port} ${addresses}` }];
    });
  });
}

/**
 * Returns a function that finds the blocks that answer for a name: on each listener, those with the longest matching
 * zone. CoreDNS chooses the block before it rewrites.
 */
export function answerer(zones: readonly Zone[]): (name: string) => ServerBlock[] {
  const listeners = new Map<string, Map<string, ServerBlock[]>>();
  for (const { listener, name, block } of zones) {
    const byName = listeners.get(listener) ?? new Map<string, ServerBlock[]>();
    listeners.set(listener, byName);
    // Several blocks can have one zone, where `view` chooses among them.
    byName.set(name, [...(byName.get(name) ?? []), block]);
  }
  return (name) => {
    const candidates = [...withAncestors(name), ''];
    const found = [...listeners.values()].flatMap(
      (byName) => candidates.map((zone) => byName.get(zone)).find((blocks) => blocks !== undefined) ?? [],
    );
    return [...new Set(found)];
  };
}

/** Returns a name that stands for all names of a rewrite: no server block is for the star alone. */
export function sampleName({ from, wildcard }: DomainRewrite): string {
  return wildcard ? `*.${from}` : from;
}

/** Returns the zones with a server block of their own for the name of a rewrite, or for names below a wildcard. */
export function zonesWithin(zones: readonly Zone[], { from, wildcard }: DomainRewrite): Zone[] {
  return zones.filter(({ name }) => (wildcard ? name.endsWith(`.${from}`) : name === from));
}
