import type { AccessChange, ChangePlace } from '../accessDiff/types.ts';
import type { Spec } from '../spec/schema.ts';
import type { ReadFile } from './target.ts';

/** One version of a spec, with what it names. */
export interface TargetSide {
  readonly spec: Pick<Spec, 'targets'>;
  readonly read: ReadFile;
}

/** Where options of targets send image pulls, and whom they make nodes trust: the policy says nothing of it. */
export function diffTargets(before: TargetSide, after: TargetSide): AccessChange[] {
  const names = [...new Set([before, after].flatMap(({ spec }) => Object.keys(spec.targets ?? {})))].sort();
  return names.flatMap((target) => [
    ...entries(before, after, [target, 'mirrors']).flatMap(mirrorChange),
    ...entries(before, after, [target, 'pki']).flatMap(trustChange),
    ...settingChanges(before, after, target),
  ]);
}

/** Single options that say whom to trust, or where else to ask. */
const SETTINGS = [
  { option: 'caFile', kind: 'trust', absent: 'those of the system', words: 'certificates are verified with' },
  { option: 'forward', kind: 'rewrite', absent: '/etc/resolv.conf', words: 'all other names are asked of' },
  { option: 'resolver', kind: 'rewrite', absent: 'the system', words: 'names of upstreams are asked of' },
  { option: 'fallback', kind: 'rewrite', absent: 'true', words: 'falling back to the registry itself is' },
] as const;

/** A target that only one version has is no change of these. */
function settingChanges(before: TargetSide, after: TargetSide, target: string): AccessChange[] {
  const [old, current] = [before.spec.targets?.[target], after.spec.targets?.[target]];
  if (!isRecord(old) || !isRecord(current)) return [];
  return SETTINGS.flatMap(({ option, kind, absent, words }): AccessChange[] => {
    const text = (options: object) => String(Object.entries(options).find(([name]) => name === option)?.[1] ?? absent);
    const [left, right] = [text(old), text(current)];
    if (left === right) return [];
    const message = `${words} ${right} (before: ${left}) under targets.${target}`;
    // Not to fall back takes a source of images away, and no other comes in its place.
    const effect = option === 'fallback' && right === 'false' ? 'narrowing' : 'unclear';
    return [{ kind, effect, message, at: { version: 'after', path: ['targets', target, option] }, ...NOBODY }];
  });
}

interface Entry {
  readonly target: string;
  readonly name: string;
  /** As text; absent where a version has no such entry. */
  readonly left: string | undefined;
  readonly right: string | undefined;
  readonly at: ChangePlace;
}

/** Entries of an option that is a record, where the two versions differ. */
function entries(before: TargetSide, after: TargetSide, [target, option]: readonly [string, string]): Entry[] {
  const [old, current] = [recordOf(before, target, option), recordOf(after, target, option)];
  const names = [...new Set([...old.keys(), ...current.keys()])].sort();
  return names.flatMap((name): Entry[] => {
    const [left, right] = [old.get(name), current.get(name)];
    if (left === right) return [];
    const at = { version: right === undefined ? 'before' : 'after', path: ['targets', target, option, name] } as const;
    return [{ target, name, left, right, at }];
  });
}

function recordOf({ spec, read }: TargetSide, target: string, option: string): Map<string, string> {
  const options: unknown = spec.targets?.[target];
  const record = isRecord(options) ? Object.entries(options).find(([name]) => name === option)?.[1] : undefined;
  return new Map(
    Object.entries(isRecord(record) ? record : {}).map(([name, value]) => {
      if (Array.isArray(value)) return [name, value.join(', ')];
      const file = isRecord(value) && 'file' in value ? String(value.file) : '';
      // Another certificate under the same name is another trust.
      return [name, (read(file) ?? file).trim()];
    }),
  );
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NOBODY = { proxies: [], keys: [] } as const;

function mirrorChange({ target, name, left, right, at }: Entry): AccessChange {
  const [before, after] = [left ?? 'where it was', right ?? 'where it was'];
  const message = `images of ${name} are pulled from ${after} (before: ${before}) by nodes of ${target}`;
  return { kind: 'rewrite', effect: 'unclear', message, at, ...NOBODY, example: { kind: 'name', name, before, after } };
}

function trustChange({ target, name, left, right, at }: Entry): AccessChange {
  const effect = left === undefined ? 'widening' : right === undefined ? 'narrowing' : 'unclear';
  const words = { widening: 'now', narrowing: 'no longer', unclear: 'with another certificate' }[effect];
  return { kind: 'trust', effect, message: `nodes of ${target} trust the authority "${name}" ${words}`, at, ...NOBODY };
}
