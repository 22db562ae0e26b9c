import { printable } from '../diagnostics/printable.ts';
import { type PullHop, pullHops, registryOf } from '../policy/pulls.ts';
import { nodesOf } from '../targets/clients.ts';
import type { Understood } from './explain.ts';
import { type Hop, hopLines, jsonHops } from './hops.ts';
import type { Io, Status } from './io.ts';
import type { Format } from './report.ts';
import { type Problem, problemText } from './request.ts';

export interface PullQuestion {
  readonly image: string;
  /** One kind of node; all that the spec has a target for where absent. */
  readonly node?: string | undefined;
  readonly format: Format;
}

const WORDS: Readonly<Record<PullHop['kind'], string>> = {
  node: 'the node contacts',
  site: 'the proxy site there is',
  upstream: 'its upstream gets Host',
  realm: 'it may name as token realm',
  token: 'the node asks for its token at',
  fallback: 'where that fails, the node contacts',
};

/** Kinds of nodes that pull an image the same way. */
interface Way {
  readonly nodes: readonly string[];
  readonly hops: readonly Hop[];
}

/** Each station of an image pull, for each kind of node. */
export function explainPull(question: PullQuestion, understood: Understood, io: Io): Status {
  const { image, format } = question;
  const ways = waysOf(question, understood);
  if ('problem' in ways) {
    io.err(`postern: ${problemText(ways)}\n`);
    return 2;
  }
  const { document } = understood;
  if (format === 'json') {
    const value = ways.map(({ nodes, hops }) => ({ nodes, hops: jsonHops(hops, document) }));
    io.out(`${JSON.stringify({ image, ways: value })}\n`);
  } else io.out(ways.map((way) => textOf(image, way, understood)).join(''));
  return 0;
}

function waysOf({ image, node }: PullQuestion, { policy, spec }: Understood): Way[] | Problem {
  if (image === '' || /\s|^[a-z]+:\/\//.test(image))
    return {
      problem: `"${image}" is no image`,
      hint: 'write one as nodes do, such as registry.example.com/group/app:v1',
    };
  const known = nodesOf(policy, spec);
  const asked = node === undefined ? known : known.filter(({ target }) => target === node);
  if (node !== undefined && asked.length === 0) {
    const names = known.map(({ target }) => target).join(', ');
    return {
      problem: `the spec has no target for nodes named "${node}"`,
      hint: names === '' ? 'add one under targets, such as containerd: {}' : `it has ${names}`,
    };
  }
  if (asked.length === 0) return [{ nodes: [], hops: pullHops(policy, image).map(worded) }];
  const ways = new Map<string, Way>();
  for (const settings of asked) {
    const hops = pullHops(policy, image, settings).map(worded);
    const key = JSON.stringify(hops);
    ways.set(key, { nodes: [...(ways.get(key)?.nodes ?? []), settings.target], hops });
  }
  return [...ways.values()];
}

function worded(hop: PullHop): Hop {
  return { ...hop, words: WORDS[hop.kind] };
}

function textOf(image: string, { nodes, hops }: Way, { policy, document }: Understood): string {
  const on = nodes.length > 0 ? ` on ${nodes.join(', ')}` : '';
  const isMirrored = hops[0]?.at !== undefined;
  const what = isMirrored ? 'is pulled through a mirror' : 'is left alone: no mirror is for its registry';
  const untold =
    nodes.length === 0 && isMirrored ? '  no target of the spec tells nodes so, which containerd would\n' : '';
  return `${printable(image)} ${what}${on}\n${hopLines(hops, document)}${untold}${isMirrored ? '' : nearMiss(image, policy.rewrites)}`;
}

/** Nodes compare registries letter by letter, which nobody expects. */
function nearMiss(image: string, rewrites: Understood['policy']['rewrites']): string {
  const registry = registryOf(image);
  const bare = registry.toLowerCase().replace(/:\d+$/, '');
  const near = rewrites.find(({ from, wildcard }) => !wildcard && from === bare);
  if (!near) return '';
  if (near.from !== registry)
    return `  nodes compare names letter by letter, so "${printable(registry)}" needs an entry in mirrors beside "${near.from}"\n`;
  return `  "${near.from}" is rewritten for pods only; containerRegistry: true would make it a mirror too\n`;
}
