import type { Related, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import { type Expected, optionsPath } from './live.ts';
import type { Difference } from './nginxCompare.ts';
import type { NginxDirective } from './nginxConfig.ts';
import { ruleFinder } from './nginxRoutes.ts';
import { originFinder } from './origin.ts';

/** What in the spec a piece of nginx configuration comes from. */
export interface NginxOrigin {
  readonly at: SpecPath;
  readonly related: readonly Related[];
  /** Of a row of a routing table, which says nothing to a reader: a path that comes to it. */
  readonly path: string | undefined;
}

/** So many further lines of the spec are shown. */
const RELATED = 2;

export function nginxOrigins(expected: Expected): (difference: Difference, file: string) => NginxOrigin {
  const { policy } = expected;
  const originOf = originFinder(policy);
  const rulesOf = ruleFinder(policy.proxies);
  return ({ wanted, found, inside }, file) => {
    const block = inside.at(-1);
    const row = wanted ?? found;
    const { rules = [], path } = (row && rulesOf(row, block)) ?? {};
    const [rule, ...others] = rules;
    const related = others
      .slice(0, RELATED)
      .map(({ origin }) => ({ at: origin, message: 'the row concerns this too' }));
    if (rule) return { at: rule.origin, related, path };
    const words = [wanted, found].flatMap((one) => (one ? allWords(one) : []));
    const candidates = [
      words,
      isOfUpstream(row) ? (block?.block ?? []).filter(isOfUpstream).flatMap(allWords) : [],
      !wanted && found && block ? neighbours(found, block) : [],
      // Upstreams are numbered, because one may be met under several names.
      inside.flatMap(({ name, args }) => [name, ...args].map((word) => word.replace(/^u\d+-/, ''))),
      [file.replace(/^.*\/|\.conf$/g, '')],
    ];
    const origin = candidates.map(originOf).find((one) => one !== undefined);
    return { at: origin ?? sectionOf(block, file, policy) ?? optionsPath(expected), related, path };
  };
}

/** The part of the spec that a table or a file of ours is made from as a whole. */
function sectionOf(block: NginxDirective | undefined, file: string, policy: Policy): SpecPath | undefined {
  const [source = '', result = source] = block?.args ?? [];
  if (policy.apiKeys.length > 0 && /^\$k\d+_/.test(result)) return ['apiKeys'];
  if (policy.proxies.length > 0 && block?.name === 'geo' && result === '$area') return ['proxies'];
  return policy.rewrites.length > 0 && file.endsWith('/sites.conf') ? ['domainRewrites'] : undefined;
}

function isOfUpstream(directive: NginxDirective | undefined): boolean {
  return /^proxy_(?:pass|ssl_\w+)$/.test(directive?.name ?? '');
}

/** Rows that have what a foreign row has: they are about the same clients, or the same keys. */
function neighbours({ args }: NginxDirective, table: NginxDirective): string[] {
  if (table.name !== 'map' && table.name !== 'geo') return [];
  const same = table.block?.filter((one) => one.name !== 'default' && one.args[0] === args[0]) ?? [];
  return same.slice(0, 5).map(({ name }) => name);
}

function allWords({ name, args, block = [] }: NginxDirective): string[] {
  return [name, ...args, ...block.slice(0, 5).flatMap(allWords)];
}
