import { withSetsRenamed } from '../spec/references.ts';
import type { Guarantee, SpecFile } from '../spec/schema.ts';

/** How the names of a fragment change in the spec that includes it. */
export interface Renaming {
  /** Put before the names of the fragment's own entries: with `web`, `hooks` becomes `web-hooks`. */
  readonly prefix?: string;
  /** The new names of what the fragment refers to and does not define. */
  readonly names: Readonly<Record<string, string>>;
}

type Rename = (name: string) => string;
type Claim = Extract<Guarantee, { only: unknown }>['only'];

/** The names that a fragment refers to and does not define, sorted. */
export function holesOf(value: SpecFile): string[] {
  const own = ownNames(value);
  const holes = new Set<string>();
  renamed(value, (name) => {
    if (!own.has(name)) holes.add(name);
    return name;
  });
  return [...holes].sort();
}

/** The fragment with its entries and references renamed, and nothing else. */
export function withNames(value: SpecFile, { prefix, names }: Renaming): SpecFile {
  const own = ownNames(value);
  return renamed(value, (name) => {
    if (!own.has(name)) return (Object.hasOwn(names, name) ? names[name] : undefined) ?? name;
    return prefix === undefined ? name : `${prefix}-${name}`;
  });
}

function ownNames({ ipRanges = {}, upstreams = {}, routes = {}, apiKeys = {} }: SpecFile): ReadonlySet<string> {
  return new Set([ipRanges, upstreams, routes, apiKeys].flatMap(Object.keys));
}

function renamed(file: SpecFile, rename: Rename): SpecFile {
  const value = withSetsRenamed(file, rename);
  const { ipRanges, upstreams, routes, apiKeys, domainRewrites, guarantees, tests } = value;
  return {
    ...value,
    ...(ipRanges && { ipRanges: each(ipRanges, rename, (set) => set) }),
    ...(upstreams && { upstreams: each(upstreams, rename, (upstream) => upstream) }),
    ...(routes && { routes: each(routes, rename, (group) => ({ ...group, upstream: rename(group.upstream) })) }),
    ...(apiKeys && {
      apiKeys: each(apiKeys, rename, (key) => ({
        ...key,
        ...(key.routes && { routes: key.routes.map(rename) }),
      })),
    }),
    ...(domainRewrites && {
      domainRewrites: domainRewrites.map((entry) => ({
        ...entry,
        ...(entry.upstream !== undefined && { upstream: rename(entry.upstream) }),
      })),
    }),
    ...(guarantees && { guarantees: guarantees.map((one) => renamedGuarantee(one, rename)) }),
    ...(tests && {
      tests: tests.map((test) => ({
        ...test,
        ...('apiKey' in test && test.apiKey !== undefined && { apiKey: rename(test.apiKey) }),
        ...('proxy' in test && test.proxy !== undefined && { proxy: rename(test.proxy) }),
      })),
    }),
  };
}

function renamedGuarantee(guarantee: Guarantee, rename: Rename): Guarantee {
  const claim = (one: Claim): Claim => ({
    ...one,
    ...(one.keys && { keys: one.keys.map(rename) }),
    ...(one.proxy !== undefined && { proxy: rename(one.proxy) }),
  });
  if ('only' in guarantee) return { only: claim(guarantee.only) };
  if ('never' in guarantee && typeof guarantee.never === 'object') return { never: claim(guarantee.never) };
  if ('always' in guarantee && typeof guarantee.always === 'object') return { always: claim(guarantee.always) };
  return guarantee;
}

function each<T>(entries: Readonly<Record<string, T>>, rename: Rename, change: (entry: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [rename(name), change(entry)]));
}
