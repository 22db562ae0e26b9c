import { type Diagnostic, failed, hasError, type Result, resultOf, type TextSpan } from '../diagnostics/diagnostic.ts';
import { parseDocument } from '../source/document.ts';
import type { LocatedDocument, SourceFile } from '../source/span.ts';
import { isRecord } from '../source/value.ts';
import { parseSpec } from '../spec/parse.ts';
import { type Spec, specSchema, type TargetOptionSchemas } from '../spec/schema.ts';
import { composeCodes } from './codes.ts';
import { type Family, loadFamily } from './load.ts';
import { type Definition, flatDocument, type Merged, mergeFamily } from './merge.ts';
import type { Project } from './project.ts';

/** All files of a spec as one. */
export interface Composition extends Family, Pick<Merged, 'definitions'> {
  readonly spec: Spec;
  /** Finds the place of any path of the flat spec, in whichever file it is written. */
  readonly document: LocatedDocument;
}

/** The composition, or why there is none. The document is there as soon as the spec itself could be parsed. */
export interface Composed extends Result<Composition> {
  readonly document?: LocatedDocument;
}

/** Text → the one flat spec that it and its includes add up to. */
export function compose(file: SourceFile, options: TargetOptionSchemas, project: Project): Composed {
  const { value: document, diagnostics } = parseDocument(file);
  if (!document) return { diagnostics };
  const refuse = (problems: readonly Diagnostic[]): Composed => ({
    document,
    ...failed([...diagnostics, ...problems]),
  });
  if (isRecord(document.value) && document.value['fragment'] === true)
    return refuse([composeCodes.report('fragment-alone', ['fragment'], {}, { part: 'key' })]);
  const parsed = parseSpec(document, specSchema(options));
  if (!parsed.value) return refuse(parsed.diagnostics);
  const family = loadFamily(document, parsed.value, project);
  if (!family.value) return refuse(family.diagnostics);
  if (family.value.members.length === 1) {
    const { include: _, ...spec } = parsed.value;
    return { document, ...resultOf({ ...family.value, spec, document, definitions: new Map() }, diagnostics) };
  }
  const merged = mergeFamily(family.value);
  const problems = [...conflicts(merged), ...implicitRoutes(merged, family.value)];
  const flat = flatDocument(family.value, merged);
  const said = [...diagnostics, ...family.diagnostics, ...problems];
  const value = { ...family.value, spec: merged.spec, document: flat, definitions: merged.definitions };
  return hasError(said) ? { document: flat, ...failed(said) } : { document: flat, ...resultOf(value, said) };
}

/** Every place where an entry of the flat spec is written; the first is the one that other reports show. */
export function placesOf({ definitions, document }: Composition, section: string, name: string | number): TextSpan[] {
  const found = definitions.get(section)?.get(String(name));
  const part = typeof name === 'string' ? 'key' : 'value';
  if (!found) return [document.locate([section, name], part)];
  return found.map(({ member, path }) => member.document.locate(path, part));
}

function conflicts({ conflicts }: Merged): Diagnostic[] {
  return conflicts.map(({ section, name, first, second }) => {
    const [place, other] = [second, first].map(({ member, path }) => member.document.locate(path, 'key'));
    const related = [{ at: [], message: 'the other definition', ...(other && { place: other }) }];
    return composeCodes.report('conflict', [section, name], { section, name }, { related, ...(place && { place }) });
  });
}

/**
 * Refuses proxies without a list of routes where a fragment adds groups: such a proxy serves all, also the added ones.
 */
function implicitRoutes({ spec, definitions }: Merged, { members: [entry] }: Family): Diagnostic[] {
  const groups = definitions.get('routes') ?? new Map<string, readonly Definition[]>();
  const added = [...groups.values()].some((places) => places.every(({ member }) => member !== entry));
  if (!added) return [];
  const open = Object.entries(spec.proxies ?? {}).filter(([, { routes }]) => routes === undefined);
  return open.map(([proxy]) => {
    const params = { proxy, groups: [...groups.keys()].sort() };
    return composeCodes.report('implicit-routes', ['proxies', proxy], params, { part: 'key' });
  });
}

/**
 * The diagnostics, with a hint at names that a fragment refers to and nobody defines: the spec itself must define them.
 */
export function withHoles(
  diagnostics: readonly Diagnostic[],
  { document, members }: Composition,
): readonly Diagnostic[] {
  if (members.length === 1) return diagnostics;
  const entry = document.file.name;
  return diagnostics.map((one) => {
    const isHole = one.code === 'policy/unknown-reference' && document.locate(one.at).file !== entry;
    const name = /"([^"]*)"$/.exec(one.message)?.[1];
    if (!isHole || name === undefined) return one;
    return {
      ...one,
      hint: `define it in ${entry}${one.hint?.startsWith('defined:') ? `, or use one that is ${one.hint}` : ''}`,
    };
  });
}
