import { parse, TomlError } from 'smol-toml';
import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { createPositions } from '../../diagnostics/position.ts';
import type { Imported, ImportFile, ImportProblem, NotCarried } from '../../import/draft.ts';
import { parseDocument } from '../../source/document.ts';
import type { LocatedDocument } from '../../source/span.ts';
import { isRecord, listOf } from '../../source/value.ts';
import {
  CONFIG_RULES,
  GLOBAL_RULES,
  isValues,
  otherGlobal,
  otherSetting,
  otherValue,
  type Rule,
  type Rules,
  VALUE_RULES,
} from './importTables.ts';
import { gitlabRunnerOptions } from './options.ts';

interface Draft {
  readonly file: string;
  readonly options: Record<string, unknown>;
  readonly notes: string[];
  readonly notCarriedOver: NotCarried[];
}

/** An entry of an old file: its name as people write it, its line and its value. */
interface Part {
  readonly what: string;
  readonly line: number;
  readonly value: unknown;
}

/** Returns values of the Helm chart as options of the target, with a note for each key about where it belongs now. */
export function importRunner(files: readonly ImportFile[]): Imported | ImportProblem {
  const [first, second] = files;
  if (!first || second)
    return { file: second?.name ?? '', line: 0, problem: 'one file of values is imported at a time' };
  const { value: document, diagnostics } = parseDocument(first);
  if (!document) return notYaml(first, diagnostics[0]);
  if (!isValues(document.value))
    return { file: first.name, line: 1, problem: 'it has none of the values of the chart gitlab-runner' };
  const draft: Draft = { file: first.name, options: {}, notes: [], notCarriedOver: [] };
  const lines = linesOf(document);
  for (const { path, value, rule } of leaves(document.value, VALUE_RULES, otherValue)) {
    const line = lines(path);
    if (path.join('.') !== 'runners.config') put({ what: path.join('.'), line, value }, rule, draft);
    else if (typeof value === 'string') readConfig(value, line, draft);
    else lose({ what: 'runners.config', line, value }, 'it is no text, which the chart takes it for', draft);
  }
  return { draft: draftOf(draft), notCarriedOver: draft.notCarriedOver };
}

function notYaml({ name, text }: ImportFile, problem: Diagnostic | undefined): ImportProblem {
  const line = problem?.place ? createPositions(text)(problem.place.start).line : 1;
  return { file: name, line, problem: problem?.message ?? 'it is no YAML' };
}

function linesOf(document: LocatedDocument): (path: readonly string[]) => number {
  const positions = createPositions(document.file.text);
  return (path) => positions(document.locate(path, 'key').start).line;
}

interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly rule: Rule;
}

/** Returns each part that has a rule, and each value without parts that has none. */
function leaves(value: unknown, rules: Rules, other: (path: string) => Rule, path: readonly string[] = []): Leaf[] {
  const name = path.join('.');
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule) return [{ path, value, rule }];
  if (isRecord(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, part]) => leaves(part, rules, other, [...path, key]));
  return path.length === 0 ? [] : [{ path, value, rule: other(name) }];
}

const TEMPLATE = 'it is TOML only once Helm has filled it in: do that by hand, and import it again';

/** Reads the runner's configuration inside of the values: TOML, after Helm has expanded its own templates. */
function readConfig(text: string, line: number, draft: Draft): void {
  const fail = (reason: string) => lose({ what: 'runners.config', line, value: undefined }, reason, draft);
  try {
    const { runners, ...others } = parse(text);
    const lines = text.split('\n');
    const take = (all: readonly Leaf[], before: string) => {
      for (const { path, value, rule } of all) {
        const key = path.at(-1) ?? '';
        const found = lines.findIndex((one) => one.split(/[^\w-]+/).includes(key) && !/^\s*#/.test(one));
        put({ what: before + path.join('.'), line: line + found + 1, value }, rule, draft);
      }
    };
    take(leaves(others, GLOBAL_RULES, otherGlobal), '');
    const [first, second] = listOf(runners);
    if (first === undefined) fail('it has no [[runners]], so that nothing of it is read');
    take(leaves(first, CONFIG_RULES, otherSetting), '[[runners]] ');
    if (second !== undefined)
      lose({ what: '[[runners]]', line, value: undefined }, 'more than one: give each a release of its own', draft);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    fail(text.includes('{{') ? TEMPLATE : 'it is no TOML, so that the runner does not start');
  }
}

function put(part: Part, { carry, words, ignored }: Rule, draft: Draft): void {
  const told = ignored ? `ignored by the chart of today; ${words}` : words;
  const isTemplate = typeof part.value === 'string' && part.value.includes('{{');
  const options = carry && !isTemplate ? carry(part.value) : undefined;
  const merged = options && merge(draft.options, options);
  if (merged && Object.keys(options).every((name) => isTaken(name, merged[name]))) {
    Object.assign(draft.options, merged);
    draft.notes.push(`${draft.file}:${part.line}: ${part.what}: ${told}`);
  } else if (!carry) lose(part, told, draft);
  else lose(part, `${told}, but not with ${isTemplate ? 'what Helm fills in' : 'what it holds'}`, draft);
}

function lose({ what, line }: Part, reason: string, { file, notCarriedOver }: Draft): void {
  notCarriedOver.push({ file, line, what, reason });
}

/** Returns whether the schema of the target accepts a value of an option. */
function isTaken(name: string, value: unknown): boolean {
  const fields: Readonly<Record<string, { safeParse(value: unknown): { success: boolean } }>> =
    gitlabRunnerOptions.shape;
  return value !== undefined && fields[name]?.safeParse(value).success === true;
}

/** Merges two mappings. Where both have a value that is no mapping, the second one counts. */
function merge(one: unknown, two: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const all: Record<string, unknown> = isRecord(one) ? { ...one } : {};
  for (const [name, value] of Object.entries(two)) all[name] = isRecord(value) ? merge(all[name], value) : value;
  return all;
}

const USUAL = { url: 'https://gitlab.com', secret: 'gitlab-runner', image: 'alpine:3.22' };

function draftOf({ file, options, notes }: Draft): Imported['draft'] {
  const missing = Object.keys(USUAL).filter((name) => !(name in options));
  return {
    name: 'imported',
    head: ['Imported from values of the Helm chart gitlab-runner.'],
    targets: [
      {
        id: 'gitlabRunner',
        notes: [...notes, ...missing.map((name) => `${file} says no ${name}: check it`)],
        value: { ...USUAL, ...options },
      },
    ],
  };
}
