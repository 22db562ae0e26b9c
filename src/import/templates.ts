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
  /** Child nodes by segment, for segments that are words of the API. */
  readonly children: Map<string, Node>;
  /** Child node of all other segments: values, and words where there are too many. */
  value: { readonly node: Node; type: ParameterType } | undefined;
  readonly methods: Map<string, number>;
  sample: string;
  count: number;
}

const fresh = (): Node => ({ children: new Map(), value: undefined, methods: new Map(), sample: '', count: 0 });

/** Longest path, and most segments. No server of an API takes more, and a log may hold what somebody only tried. */
const LONGEST = 4096;
const MOST_SEGMENTS = 200;

/** Most words in one place; if there are more, they are values of a parameter. */
const MANY = 24;

/**
 * Returns the smallest patterns that match all paths. Segments that look like an identifier become a parameter of the
 * narrowest type that accepts every value seen, and so does a place with more than `MANY` different words.
 */
export function templatesOf(requests: Iterable<Counted>): {
  readonly templates: Template[];
  readonly unreadable: string[];
} {
  const root = fresh();
  const unreadable: string[] = [];
  const kindOf = kinds();
  for (const { path, methods } of requests) {
    const segments = path.length > LONGEST ? [] : path.split('/').slice(1);
    const kind = path.startsWith('/') && segments.length <= MOST_SEGMENTS ? segments.map(kindOf) : [];
    const isReadable =
      kind.length > 0 &&
      kind.every(({ type }, index) => type !== undefined || (segments[index] === '' && index === segments.length - 1));
    if (isReadable) insert(root, { segments, kinds: kind, path, methods });
    else unreadable.push(path);
  }
  return { templates: merge(collected(merged(root), [])), unreadable };
}

interface Kind {
  /** Narrowest type that accepts the segment; absent if none does. */
  readonly type: ParameterType | undefined;
  readonly isValue: boolean;
}

/** Returns a cached classifier of segments. It caches words only, because values rarely occur twice. */
function kinds(): (segment: string) => Kind {
  const known = new Map<string, Kind>();
  return (segment) => {
    const old = known.get(segment);
    if (old) return old;
    const type = classify(segment);
    const kind = { type, isValue: type !== undefined && looksLikeValue(segment, type) };
    if (!kind.isValue && known.size < 10_000) known.set(segment, kind);
    return kind;
  };
}

interface Request extends Counted {
  readonly segments: readonly string[];
  readonly kinds: readonly Kind[];
}

function insert(root: Node, { segments, kinds, path, methods }: Request): void {
  let node = root;
  for (const [index, segment] of segments.entries()) {
    const { type, isValue } = kinds[index] ?? { type: undefined, isValue: false };
    if (isValue && type !== undefined) node = valueOf(node, type);
    else {
      const next = node.children.get(segment) ?? fresh();
      node.children.set(segment, next);
      node = next;
    }
  }
  node.sample ||= path;
  for (const [method, count] of methods) {
    node.methods.set(method, (node.methods.get(method) ?? 0) + count);
    node.count += count;
  }
}

/** Returns the child node of values, and widens its type to accept `type`. */
function valueOf(node: Node, type: ParameterType): Node {
  node.value ??= { node: fresh(), type };
  if (node.value.type !== type) node.value.type = common(node.value.type, type);
  return node.value.node;
}

/** Turns words into values wherever there are more than `MANY`, at every level below a node. */
function merged(node: Node): Node {
  const words = [...node.children].filter(([key]) => key !== '');
  if (words.length > MANY)
    for (const [key, child] of words) {
      node.children.delete(key);
      joined(valueOf(node, classify(key) ?? 'encodedText'), child);
    }
  for (const [key, child] of node.children) node.children.set(key, merged(child));
  if (node.value) node.value = { ...node.value, node: merged(node.value.node) };
  return node;
}

function joined(a: Node, b: Node): Node {
  for (const [key, child] of b.children) a.children.set(key, joined(a.children.get(key) ?? fresh(), child));
  if (b.value) joined(valueOf(a, b.value.type), b.value.node);
  for (const [method, count] of b.methods) a.methods.set(method, (a.methods.get(method) ?? 0) + count);
  a.sample ||= b.sample;
  a.count += b.count;
  return a;
}

/** Returns the narrowest type that accepts all values of two types. */
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
  const { value } = node;
  return [
    ...own,
    ...[...node.children].flatMap(([key, child]) => collected(child, [...segments, key])),
    ...(value ? collected(value.node, [...segments, `{:${value.type}}`]) : []),
  ];
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
