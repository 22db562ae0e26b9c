import { classify, PARAMETER_TYPES, type ParameterType, WIDER } from '../policy/segment.ts';
import { looksLikeValue, parameter, parameterName } from '../policy/template.ts';

/** Requests that were seen, by path and method. */
export interface Counted {
  readonly path: string;
  readonly methods: ReadonlyMap<string, number>;
}

/** A pattern made from the paths of requests. */
export interface Template {
  readonly pattern: string;
  readonly methods: readonly string[];
  readonly count: number;
  /** A path that was seen. */
  readonly sample: string;
}

interface Node {
  /** By segment. `merged` makes one child of all segments that are values, under the key `{:type}`. */
  readonly children: Map<string, Node>;
  readonly methods: Map<string, number>;
  sample: string;
  count: number;
}

const fresh = (): Node => ({ children: new Map(), methods: new Map(), sample: '', count: 0 });

/** More words than these in one place are values of a parameter. */
const MANY = 24;

/**
 * The smallest patterns that match all paths. Segments that look like an identifier become a parameter of the narrowest
 * type that accepts every value seen, and so does a place with more than `MANY` different words.
 */
export function templatesOf(requests: Iterable<Counted>): {
  readonly templates: Template[];
  readonly unreadable: string[];
} {
  const root = fresh();
  const unreadable: string[] = [];
  for (const { path, methods } of requests) {
    const segments = path.split('/').slice(1);
    const isReadable =
      path.startsWith('/') &&
      segments.every(
        (segment, index) => classify(segment) !== undefined || (segment === '' && index === segments.length - 1),
      );
    if (isReadable) insert(root, segments, path, methods);
    else unreadable.push(path);
  }
  return { templates: merge(collected(merged(root), [])), unreadable };
}

function insert(root: Node, segments: readonly string[], path: string, methods: ReadonlyMap<string, number>): void {
  let node = root;
  for (const segment of segments) {
    const next = node.children.get(segment) ?? fresh();
    node.children.set(segment, next);
    node = next;
  }
  node.sample ||= path;
  for (const [method, count] of methods) {
    node.methods.set(method, (node.methods.get(method) ?? 0) + count);
    node.count += count;
  }
}

/** A node with one child in place of all children that are values, at every level. */
function merged(node: Node): Node {
  const keys = [...node.children.keys()];
  const values = keys.filter(looksLikeValue);
  const words = keys.length - values.length - (node.children.has('') ? 1 : 0);
  const all = words > MANY ? keys.filter((key) => key !== '') : values;
  const gone = new Set(all);
  const children = new Map<string, Node>();
  for (const [key, child] of node.children) if (!gone.has(key)) children.set(key, merged(child));
  if (all.length > 0) {
    const type = all.map((key) => classify(key) ?? 'encodedText').reduce(common);
    const one = all.map((key) => node.children.get(key) ?? fresh()).reduce(joined, fresh());
    children.set(`{:${type}}`, merged(one));
  }
  return { ...node, children };
}

function joined(a: Node, b: Node): Node {
  for (const [key, child] of b.children) a.children.set(key, joined(a.children.get(key) ?? fresh(), child));
  for (const [method, count] of b.methods) a.methods.set(method, (a.methods.get(method) ?? 0) + count);
  a.sample ||= b.sample;
  a.count += b.count;
  return a;
}

/** The narrowest type that accepts all that the two types accept. */
function common(a: ParameterType, b: ParameterType): ParameterType {
  const wider = (type: ParameterType | undefined): ParameterType[] =>
    type === undefined ? [] : [type, ...wider(WIDER[type])];
  const [left, right] = [wider(a), wider(b)];
  return left.find((type) => right.includes(type)) ?? 'encodedText';
}

interface Found {
  readonly segments: readonly string[];
  readonly node: Node;
}

function collected(node: Node, segments: readonly string[]): Found[] {
  const own = node.methods.size > 0 ? [{ segments, node }] : [];
  return [...own, ...[...node.children].flatMap(([key, child]) => collected(child, [...segments, key]))];
}

function merge(found: readonly Found[]): Template[] {
  return found
    .map(({ segments, node }) => ({
      pattern: named(segments),
      methods: [...node.methods.keys()].filter((method) => method !== 'HEAD' || !node.methods.has('GET')).sort(),
      count: node.count,
      sample: node.sample,
    }))
    .sort((a, b) => (a.pattern < b.pattern ? -1 : 1));
}

/** Names the parameters of a pattern after the words before them: `projects` → `{project:int}`. */
function named(segments: readonly string[]): string {
  const names = new Set<string>();
  const parts = segments.map((segment, index) => {
    const type = PARAMETER_TYPES.find((each) => segment === `{:${each}}`);
    return type === undefined ? segment : parameter(parameterName(segments[index - 1] ?? '', names), type);
  });
  return `/${parts.join('/')}`;
}
