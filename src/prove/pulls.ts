import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { mirrorFor, type NodeSettings } from '../policy/mirrors.ts';
import { CannotTell } from './explore.ts';
import type { FilePlace } from './model.ts';

/** Where a node asks for the images of a registry, in this order. */
export interface PullChain {
  /** URLs up to the name of the image, such as `https://mirror.example.com/v2`, or `ITSELF`. */
  readonly sources: readonly string[];
  readonly place: FilePlace;
}

/** The registry under its own name. */
export const ITSELF = 'the registry itself';

/** Nodes that pull in one way, as their files tell them to. */
export interface NodeModel {
  /** Name of the version of the product; absent where all of them do the same. */
  readonly kind?: string;
  /** Registries that the files name. All others are treated alike. */
  readonly registries: readonly string[];
  readonly chain: (registry: string) => PullChain;
}

/** Nodes as the spec tells them to pull. */
export type WantedNodes = NodeSettings & { readonly name: string };

export interface PullDifference {
  readonly registry: string;
  readonly what: string;
  readonly place: FilePlace;
  /** Place in the spec. */
  readonly at: SpecPath;
}

export type PullComparison =
  | { readonly kind: 'proved'; readonly registries: number }
  | { readonly kind: 'differs'; readonly difference: PullDifference }
  | { readonly kind: 'unknown'; readonly problem: string };

/** Stands for all registries that neither the spec nor a file names. */
const UNNAMED = 'any-other.example';

/** Decides whether nodes ask, for the images of every registry, those whom the spec says, in its order. */
export function comparePulls(wanted: readonly WantedNodes[], read: () => readonly NodeModel[]): PullComparison {
  try {
    return comparison(wanted, read());
  } catch (error) {
    if (error instanceof CannotTell) return { kind: 'unknown', problem: error.message };
    throw error;
  }
}

function comparison(wanted: readonly WantedNodes[], models: readonly NodeModel[]): PullComparison {
  const named = new Set([
    ...wanted.flatMap(({ mirrors, bypassed = [], others = {} }) => [
      ...mirrors.map(({ registry }) => registry),
      ...bypassed,
      ...Object.keys(others),
    ]),
    ...models.flatMap(({ registries }) => registries),
  ]);
  const registries = [...named, 'docker.io', UNNAMED].filter((name) => name !== '*').sort();
  for (const nodes of wanted) {
    const model = models.find(({ kind }) => kind === undefined || nodes.name.endsWith(`(${kind})`));
    if (!model) throw new Error(`no model of ${nodes.name}`);
    for (const registry of registries) {
      const found = difference(registry, nodes, model);
      if (found) return { kind: 'differs', difference: found };
    }
  }
  return { kind: 'proved', registries: new Set(registries).size };
}

function difference(registry: string, nodes: WantedNodes, { kind, chain }: NodeModel): PullDifference | undefined {
  const { sources, place } = chain(registry);
  const mirror = mirrorFor(nodes, registry);
  const wanted = mirror ? [...mirror.endpoints.map(wholeUrl), ...(nodes.fallsBack ? [ITSELF] : [])] : [ITSELF];
  if (wanted.join() === sources.join()) return undefined;
  const who = kind === undefined ? '' : ` (${kind})`;
  const of = registry === UNNAMED ? 'of a registry that nothing names' : `of ${registry}`;
  const what = `images ${of} come from ${listed(sources)} instead of from ${listed(wanted)}${who}`;
  return { registry, what, place, at: mirror?.origin ?? ['targets'] };
}

function listed(sources: readonly string[]): string {
  return sources.length === 0 ? 'nowhere' : sources.join(', then ');
}

/** Returns an endpoint of the spec with the path where registries stand if it has none of its own. */
function wholeUrl(endpoint: string): string {
  return /^https?:\/\/[^/]+$/.test(endpoint) ? `${endpoint}/v2` : endpoint;
}
