import { posix } from 'node:path';
import type * as z from 'zod';
import type { Diagnostic, Related, Result, SpecPath, TextSpan } from '../diagnostics/diagnostic.ts';
import { failed, hasError, ok } from '../diagnostics/diagnostic.ts';
import { placedIn } from '../diagnostics/resolve.ts';
import { parseDocument } from '../source/document.ts';
import type { LocatedDocument, SourceFile } from '../source/span.ts';
import { isRecord } from '../source/value.ts';
import { parseSpec } from '../spec/parse.ts';
import { fragmentSchema, type Include, type Spec, type SpecFile } from '../spec/schema.ts';
import { suggest } from '../spec/suggest.ts';
import { composeCodes } from './codes.ts';
import { presetNames, readPreset } from './presets.ts';
import type { Project } from './project.ts';
import { holesOf, type Renaming } from './rename.ts';

/** One file of a spec, or one use of a preset. */
export interface Member {
  /** Path below the root of the project, or the preset and how it is renamed. */
  readonly id: string;
  readonly document: LocatedDocument;
  readonly value: SpecFile;
  /** The folder of the file as seen from that of the spec: `../teams`. Absent for presets, which name no files. */
  readonly folder?: string;
  readonly renaming?: Renaming;
}

/** One file includes another: `index` is the entry of its `include` that does so. */
export interface Inclusion {
  readonly from: Member;
  readonly to: Member;
  readonly index: number;
}

/** All files of a spec: the spec itself first, the others by name, each once. */
export interface Family {
  readonly members: readonly [entry: Member, ...others: Member[]];
  readonly inclusions: readonly Inclusion[];
}

/** The deepest chain of includes. The limit ends chains through folders that contain themselves by a link. */
const MAX_DEPTH = 32;

interface Loading {
  readonly project: Project;
  readonly schema: z.ZodType<SpecFile>;
  readonly entry: string;
  readonly members: Map<string, Member>;
  readonly inclusions: Inclusion[];
  readonly problems: Diagnostic[];
}

/** A file that is being read, and the include that led to it. */
interface Step {
  readonly member: Member;
  readonly via?: { readonly index: number; readonly before: Step };
}

/** Reads everything that a spec includes, at any depth. A problem of an included file has its place in that file. */
export function loadFamily(document: LocatedDocument, value: Spec & SpecFile, project: Project): Result<Family> {
  const entry: Member = { id: '', document, value, folder: '.' };
  if (!value.include) return ok({ members: [entry], inclusions: [] });
  const loading: Loading = {
    project,
    schema: fragmentSchema(),
    entry: project.entry(),
    members: new Map(),
    inclusions: [],
    problems: [],
  };
  follow({ member: { ...entry, id: loading.entry } }, loading);
  if (hasError(loading.problems)) return failed(loading.problems);
  const [first = entry, ...others] = loading.members.values();
  others.sort((a, b) => (a.id < b.id ? -1 : 1));
  return ok({ members: [first, ...others], inclusions: loading.inclusions });
}

function follow(step: Step, loading: Loading): void {
  const { member } = step;
  loading.members.set(member.id, member);
  if (step.via) loading.problems.push(...strayFiles(step, loading.project));
  for (const [index, include] of (member.value.include ?? []).entries()) {
    const found =
      typeof include === 'object' && 'preset' in include
        ? openPreset(include, step, { index, loading })
        : openFile(typeof include === 'string' ? include : include.file, step, { index, loading });
    if (!found) continue;
    loading.inclusions.push({ from: member, to: found, index });
    if (!loading.members.has(found.id)) follow({ member: found, via: { index, before: step } }, loading);
  }
}

interface IncludeContext {
  readonly index: number;
  readonly loading: Loading;
}

function openFile(path: string, step: Step, { index, loading }: IncludeContext): Member | undefined {
  const { project, problems, members } = loading;
  const at: SpecPath = ['include', index];
  const folder = posix.dirname(step.member.id);
  const absolute = path.startsWith('/');
  const opened = absolute ? { outside: 'leads' } : project.open(posix.join(folder, path));
  if ('diagnostics' in opened) problems.push(...opened.diagnostics);
  else if ('outside' in opened)
    problems.push(composeCodes.report('outside', at, { path, how: opened.outside }, told(step, at)));
  else if ('problem' in opened)
    problems.push(composeCodes.report('unreadable', at, { path, problem: opened.problem }, told(step, at)));
  if (!('file' in opened)) return undefined;
  const ring = chainOf(step).findIndex(({ member }) => member.id === opened.path);
  if (ring >= 0) {
    const names = chainOf(step)
      .slice(ring)
      .map(({ member }) => member.document.file.name);
    problems.push(composeCodes.report('cycle', at, { names: [...names, opened.file.name] }, told(step, at)));
    return undefined;
  }
  if (chainOf(step).length > MAX_DEPTH) {
    problems.push(composeCodes.report('too-deep', at, { limit: MAX_DEPTH }, told(step, at)));
    return undefined;
  }
  const known = members.get(opened.path);
  if (known) return known;
  const read = readFragment(opened.file, loading);
  if (read === 'no fragment') problems.push(composeCodes.report('not-a-fragment', at, { path }, told(step, at)));
  if (typeof read !== 'object') return undefined;
  return { id: opened.path, ...read, folder: posix.relative(posix.dirname(loading.entry), posix.dirname(opened.path)) };
}

/**
 * Refuses files outside of the project that a fragment names: whoever writes it could otherwise look at anything that
 * the one who runs the command may read. The spec itself may name any file.
 */
function strayFiles(step: Step, project: Project): Diagnostic[] {
  const { id, value } = step.member;
  return Object.entries(value.ipRanges ?? {}).flatMap(([name, set]) => {
    if (Array.isArray(set)) return [];
    const { file: path } = set;
    const how = path.startsWith('/') ? 'leads' : project.wayOut(posix.join(posix.dirname(id), path));
    const at: SpecPath = ['ipRanges', name, 'file'];
    return how === undefined ? [] : [composeCodes.report('outside-file', at, { path, how }, told(step, at))];
  });
}

function readFragment(
  file: SourceFile,
  { schema, problems }: Loading,
): Pick<Member, 'document' | 'value'> | 'no fragment' | undefined {
  const { value: document, diagnostics } = parseDocument(file);
  problems.push(...diagnostics);
  if (!document) return undefined;
  if (isRecord(document.value) && !Object.hasOwn(document.value, 'fragment')) return 'no fragment';
  const parsed = parseSpec(document, schema);
  problems.push(...placedIn(parsed.diagnostics, document));
  return parsed.value && { document, value: parsed.value };
}

type PresetUse = Extract<Include, { preset: string }>;

function openPreset(
  { preset, as: prefix, with: names = {} }: PresetUse,
  step: Step,
  { index, loading }: IncludeContext,
): Member | undefined {
  const at: SpecPath = ['include', index];
  const { problems, members } = loading;
  const file = readPreset(preset);
  if (!file) {
    const known = presetNames();
    const params = { name: preset, near: suggest(preset, known), known };
    problems.push(composeCodes.report('unknown-preset', [...at, 'preset'], params, told(step, [...at, 'preset'])));
    return undefined;
  }
  const id = `preset:${preset} ${JSON.stringify([prefix, Object.entries(names).sort()])}`;
  const known = members.get(id);
  if (known) return known;
  const read = readFragment(file, loading);
  if (typeof read !== 'object') return undefined;
  const holes = holesOf(read.value);
  for (const name of Object.keys(names).filter((one) => !holes.includes(one))) {
    const where: SpecPath = [...at, 'with', name];
    problems.push(
      composeCodes.report('unknown-hole', where, { preset, name, holes }, { ...told(step, where, 'key'), part: 'key' }),
    );
  }
  return { id, ...read, renaming: { names, ...(prefix === undefined ? {} : { prefix }) } };
}

/** The files from the spec down to this one. */
function chainOf(step: Step): Step[] {
  return step.via ? [...chainOf(step.via.before), step] : [step];
}

/** Where a problem of an included file is, and the includes that led to this file. */
function told(
  { member, via }: Step,
  at: SpecPath,
  part: 'key' | 'value' = 'value',
): { place: TextSpan; related: Related[] } {
  const related: Related[] = [];
  for (let each = via; each; each = each.before.via) {
    const place = each.before.member.document.locate(['include', each.index]);
    related.push({ at: [], message: 'included here', place });
  }
  return { place: member.document.locate(at, part), related };
}
