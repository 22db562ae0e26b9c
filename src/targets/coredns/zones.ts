import type { DomainRewrite } from '../../policy/types.ts';
import type { Corefile, ServerBlock } from './grammar.ts';
import type { Word } from './lexer.ts';

/** One name that a server block answers for. */
interface Zone {
  readonly key: Word;
  readonly block: ServerBlock;
  /** Lower case without the root's dot, which leaves nothing of the root itself. */
  readonly name: string;
  /** Blocks compete for a name only where they share protocol, port and addresses. */
  readonly listener: string;
}

/** What a key without a port means. */
const defaultPorts: Readonly<Record<string, string>> = {
  dns: '53',
  tls: '853',
  quic: '853',
  https: '443',
  https3: '443',
  grpc: '443',
};

/** Names that only the environment of CoreDNS knows. */
export function unknownKeys({ blocks }: Corefile): Word[] {
  return blocks.flatMap(({ keys }) => keys.filter(({ text }) => /\{[$%]/.test(text.replace(/:[^:]*$/, ''))));
}

export function zonesOf({ blocks }: Corefile): Zone[] {
  return blocks.flatMap((block) => {
    const bind = block.directives.filter(({ name }) => name.text === 'bind').flatMap(({ words }) => words);
    const addresses = bind.map(({ text }) => text).join(' ');
    return block.keys.flatMap((key) => {
      const [, scheme = 'dns', name = '', port = defaultPorts[scheme] ?? ''] =
        /^(?:([a-z0-9]+):\/\/)?(.*?)(?::([^:]*))?$/.exec(key.text.replace(/,$/, '').toLowerCase()) ?? [];
      // An address range stands for names of reverse look-up, which nobody rewrites.
      if (name.includes('/')) return [];
      return [{ key, block, name: name.replace(/\.$/, ''), listener: `${scheme} ${port} ${addresses}` }];
    });
  });
}

function covers(zone: Zone, name: string): boolean {
  return zone.name === '' || name === zone.name || name.endsWith(`.${zone.name}`);
}

/**
 * The blocks that answer what a rewrite applies to: on each listener those with the longest matching zone, for CoreDNS
 * chooses the block before it rewrites.
 */
export function answeringBlocks(zones: readonly Zone[], rewrite: DomainRewrite): ServerBlock[] {
  const name = rewrite.wildcard ? `x.${rewrite.from}` : rewrite.from;
  const found: ServerBlock[] = [];
  for (const listener of new Set(zones.map((zone) => zone.listener))) {
    const covering = zones.filter((zone) => zone.listener === listener && covers(zone, name));
    const longest = Math.max(...covering.map((zone) => zone.name.length));
    // Several blocks share a zone where `view` tells them apart.
    found.push(...covering.filter((zone) => zone.name.length === longest).map(({ block }) => block));
  }
  return [...new Set(found)];
}

/** A server block that somebody wrote for this very name, or for one below a wildcard. */
export function ownerOf(zones: readonly Zone[], rewrite: DomainRewrite): Word | undefined {
  const { from, wildcard } = rewrite;
  return zones.find(({ name }) => (wildcard ? name.endsWith(`.${from}`) : name === from))?.key;
}
