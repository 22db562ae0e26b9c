import { parse, TomlError } from 'smol-toml';
import type { DraftItem, Imported, ImportFile, ImportProblem, NotCarried } from '../../import/draft.ts';
import { isRecord, memberOf, parseJson } from '../../source/value.ts';
import { mirrorsOption } from '../mirrors.ts';

const NAME = /^(?=.{3,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** Registry mirrors of user data, or of what apiclient prints; whatever else it sets is listed. */
export function importBottlerocket(files: readonly ImportFile[]): Imported | ImportProblem {
  const [file, ...others] = files;
  if (!file || others.length > 0)
    return { file: others[0]?.name ?? '', line: 0, problem: 'user data is one file: nodes get it as a whole' };
  const read = valueOf(file.text);
  if ('problem' in read) return { file: file.name, ...read };
  const settings = memberOf(read.value, 'settings') ?? read.value;
  const registry = memberOf(settings, 'container-registry');
  const place = { file: file.name, lineOf: lineFinder(file.text) };
  const { mirrors, lost } = mirrorsIn(memberOf(registry, 'mirrors'), place);
  const beside = settings === read.value ? {} : read.value;
  const notCarriedOver = [...lost, ...settingsLeft({ beside, settings, registry }, place)];
  if (mirrors.size === 0)
    return {
      file: file.name,
      line: 1,
      problem: 'it mirrors no registry that a spec can mirror',
      reasons: notCarriedOver,
    };
  const rewrites = [...mirrors].filter(([name, endpoints]) => rewriteOf(name, endpoints, mirrors) !== undefined);
  const rewritten = new Set(rewrites.map(([name]) => name));
  const rest = Object.fromEntries([...mirrors].filter(([name]) => !rewritten.has(name)));
  const draft = {
    name: 'imported',
    head: ['Imported from the settings of Bottlerocket nodes: registries that they pull from elsewhere.'],
    domainRewrites: rewrites.map(([from, endpoints]): DraftItem => {
      const value = { from, to: rewriteOf(from, endpoints, mirrors), containerRegistry: true };
      return { id: from, notes: [`${file.name}:${place.lineOf(from)}`], value };
    }),
    targets: [{ id: 'bottlerocket', value: Object.keys(rest).length === 0 ? {} : { mirrors: rest } }],
  };
  return { draft, notCarriedOver };
}

interface Place {
  readonly file: string;
  /** Line of a word, from 1. */
  readonly lineOf: (word: string) => number;
}

function valueOf(text: string): { readonly value: unknown } | { readonly line: number; readonly problem: string } {
  if (/^\s*\{/.test(text)) {
    const value = parseJson(text);
    return value === undefined ? { line: 1, problem: 'it is not whole JSON' } : { value };
  }
  try {
    return { value: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { line: error.line, problem: 'it is not whole TOML' };
  }
}

/** Parsers of TOML keep no places: a name is where its text in quotes, or a part of a dotted key, comes first. */
function lineFinder(text: string): Place['lineOf'] {
  const first = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries())
    for (const [word] of line.matchAll(/(?<=")[^"]*(?=")|(?<=')[^']*(?=')|[\w-]+/g))
      if (!first.has(word)) first.set(word, index + 1);
  return (word) => first.get(word) ?? 1;
}

/** The host of the one endpoint, where a rewrite of the name says all that the mirror does. */
function rewriteOf(
  registry: string,
  [first, ...others]: readonly string[],
  mirrors: ReadonlyMap<string, unknown>,
): string | undefined {
  const to = /^https:\/\/([^/:?#@]+)$/.exec(first ?? '')?.[1];
  const isName = to !== undefined && NAME.test(to) && NAME.test(registry) && registry !== 'docker.io';
  return isName && others.length === 0 && to !== registry && !mirrors.has(to) ? to : undefined;
}

/** Older user data has a table of endpoints by registry. */
function mirrorsIn(value: unknown, { file, lineOf }: Place): { mirrors: Map<string, string[]>; lost: NotCarried[] } {
  const mirrors = new Map<string, string[]>();
  const lost: NotCarried[] = [];
  const entries: readonly unknown[] = Array.isArray(value)
    ? value
    : Object.entries(isRecord(value) ? value : {}).map(([registry, endpoint]) => ({ registry, endpoint }));
  for (const entry of entries) {
    const registry = memberOf(entry, 'registry');
    const endpoints = memberOf(entry, 'endpoint');
    const name = typeof registry === 'string' ? registry : 'mirrors';
    const refuse = (reason: string) => lost.push({ file, line: lineOf(name), what: `mirror of ${name}`, reason });
    const all = Array.isArray(endpoints) ? endpoints.map(String) : [];
    const checked = mirrorsOption.safeParse({ [name]: all });
    if (typeof registry !== 'string' || !checked.success)
      refuse('the registry or an endpoint is none that a spec takes');
    else if (mirrors.has(name)) refuse('a mirror of this registry stands above already');
    else if (Object.keys(isRecord(entry) ? entry : {}).some((key) => key !== 'registry' && key !== 'endpoint'))
      refuse('a mirror for some requests alone is no part of a spec');
    else mirrors.set(name, all);
  }
  return { mirrors, lost };
}

interface Read {
  /** What stands beside the settings. */
  readonly beside: unknown;
  readonly settings: unknown;
  readonly registry: unknown;
}

function settingsLeft({ beside, settings, registry }: Read, { file, lineOf }: Place): NotCarried[] {
  const names = (value: unknown) => Object.keys(isRecord(value) ? value : {});
  const others = names(settings).filter((name) => name !== 'container-registry');
  const inner = names(registry).filter((name) => name !== 'mirrors');
  const outside = names(beside).filter((name) => name !== 'settings');
  return [
    ...outside.map((what) => ({ file, line: lineOf(what), what, reason: 'it is no setting of a node' })),
    ...others.map((name) => ({
      file,
      line: lineOf(name),
      what: `settings.${name}`,
      reason:
        name === 'pki'
          ? 'put its certificates into files, and name them under targets.bottlerocket.pki'
          : 'keep it: write "merge: FILE" under targets.bottlerocket',
    })),
    ...inner.map((name) => ({
      file,
      line: lineOf(name),
      what: `settings.container-registry.${name}`,
      reason: 'keep it: write "merge: FILE" under targets.bottlerocket',
    })),
  ];
}
