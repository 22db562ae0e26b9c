import { parse, TomlError } from 'smol-toml';
import { type Diagnostic, ok } from '../diagnostics/diagnostic.ts';
import { bottlerocketOptions } from '../targets/bottlerocket/options.ts';
import { type Mirror, mirrorsOf } from '../targets/mirrors.ts';
import { driftCodes } from './codes.ts';
import { type CompareLive, optionsPath, unreadable } from './live.ts';

/** What `apiclient get settings.container-registry` prints, or user data. Mirrors by registry, endpoints in their order. */
export const compareBottlerocket: CompareLive = (live, expected) => {
  const found = mirrorsIn(live.text);
  if ('problem' in found) return unreadable(expected, `${live.name}: ${found.problem}`, HINT);
  const at = optionsPath(expected);
  const { mirrors = {} } = bottlerocketOptions.parse(expected.options);
  const wanted = mirrorsOf(expected.policy, mirrors, [...at, 'mirrors']);
  const drift = wanted.flatMap((mirror) => mirrorDrift(mirror, found.mirrors, live.name));
  const foreign = [...found.mirrors.keys()]
    .filter((registry) => !wanted.some((mirror) => mirror.registry === registry))
    .map((registry) => driftCodes.report('foreign', at, { what: `a mirror of ${registry}`, where: live.name }));
  return ok({ drift, foreign });
};

const HINT = 'give what "apiclient get settings.container-registry" prints on a node, or its user data';

function mirrorDrift({ registry, endpoints, origin }: Mirror, found: Mirrors, where: string): Diagnostic[] {
  const live = found.get(registry);
  const expected = `${registry} from ${endpoints.join(', ')}`;
  if (!live) return [driftCodes.report('missing', origin, { what: `the mirror of ${expected}`, where })];
  if (live.join(' ') === endpoints.join(' ')) return [];
  return [driftCodes.report('changed', origin, { where, expected, live: live.join(', ') || 'no endpoint' })];
}

type Mirrors = ReadonlyMap<string, readonly string[]>;

function mirrorsIn(text: string): { readonly mirrors: Mirrors } | { readonly problem: string } {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const value = valueOf(text);
  if (value === undefined) return { problem: 'it is neither whole JSON nor whole TOML' };
  const settings = field(value, 'settings') ?? value;
  const registry = field(settings, 'container-registry');
  if (registry === undefined) return { problem: 'it holds no settings.container-registry' };
  const list = field(registry, 'mirrors') ?? [];
  const mirrors = Array.isArray(list) ? list.map(entryOf) : [undefined];
  const read = mirrors.filter((entry) => entry !== undefined);
  if (read.length < mirrors.length) return { problem: 'its mirrors are not a list of registries with endpoints' };
  return { mirrors: new Map(read) };
}

function valueOf(text: string): unknown {
  try {
    return /^\s*\{/.test(text) ? JSON.parse(text) : parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TomlError) return undefined;
    throw error;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function entryOf(value: unknown): readonly [string, readonly string[]] | undefined {
  const [registry, endpoints] = [field(value, 'registry'), field(value, 'endpoint')];
  const known =
    typeof registry === 'string' && Array.isArray(endpoints) && endpoints.every((one) => typeof one === 'string');
  return known ? [registry, endpoints] : undefined;
}
