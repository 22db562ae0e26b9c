import { dirname, relative } from 'node:path';
import { type Composition, placesOf } from '../compose/compose.ts';
import { secretWrittenIn } from '../compose/merge.ts';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { editFile } from '../output/write.ts';
import { keyPosition, type LogLine } from '../plan/log.ts';
import type { ApiKey, Policy, SecretReference } from '../policy/types.ts';
import type { SourceFile } from '../source/span.ts';
import { canonical, isRecord, parseJson } from '../source/value.ts';
import { secretReference } from '../spec/scalars.ts';
import type { Spec } from '../spec/schema.ts';
import { commandCodes, keyCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Written, withoutFirst, withSecond } from './keysEdit.ts';
import { eachLogLine } from './logLines.ts';
import { type Format, print } from './print.ts';
import { compileArgument, compileWith, type OpenSpec } from './spec.ts';

export interface KeysArguments {
  readonly action: 'rotate' | 'retire';
  readonly id: string;
  readonly spec?: string | undefined;
  /** For `rotate`: reference of the new key; derived from that of the old one if absent. */
  readonly to?: string | undefined;
  /** For `retire`: an access log since the new key was handed out. */
  readonly log?: string | undefined;
  readonly format: Format;
}

/** The new references of a caller's key, how they are written and what to do next. */
interface Step {
  readonly keys: readonly string[];
  /** Returns the new text; `undefined` where the references are written in a way that cannot be edited. */
  readonly edit: (written: Written) => string | undefined;
  readonly next: readonly string[];
}

/**
 * Edits the spec for a rotation: `rotate` adds a second key, `retire` removes the first one when a log shows it unused.
 */
export function keys(args: KeysArguments, io: Io): Status {
  const { action, id, spec: argument, format } = args;
  const misfit = action === 'rotate' ? args.log !== undefined && '--log' : args.to !== undefined && '--to';
  if (misfit) {
    const diagnostics = [commandCodes.report('no-meaning', [], { option: misfit, mode: action })];
    return print({ command: `keys ${action}`, status: 2, diagnostics, asked: 'changes' }, format, io);
  }
  const { source, document, policy, composition, diagnostics } = compileArgument(argument, io);
  const report = { command: `keys ${action}`, document, asked: 'changes' } as const;
  if (!source || !document || !policy || !composition || hasError(diagnostics))
    return print({ ...report, status: 2, diagnostics }, format, io);
  const key = policy.apiKeys.find((one) => one.id === id);
  const refuse = (diagnostic: Diagnostic) =>
    print({ ...report, status: diagnostic.code === 'key/in-use' ? 1 : 2, diagnostics: [diagnostic] }, format, io);
  if (!key) return refuse(keyCodes.report('unknown', ['apiKeys'], knownKeys(id, policy.apiKeys)));
  const step = stepOf(key, { ...args, policy }, io);
  if ('code' in step) return refuse(step);
  const edited = editedFile({ key, step, source, composition });
  if ('code' in edited) return refuse(edited);
  const isInput = argument === '-' && edited.name === source.name;
  if (argument === '-') io.out(isInput ? edited.text : source.text);
  const failures = isInput ? [] : editFile(edited.name, edited.text);
  const summary = failures.length > 0 ? 'nothing was written' : step.next.join('\n');
  return print({ ...report, status: failures.length > 0 ? 2 : 0, diagnostics: failures, summary }, format, io);
}

function knownKeys(id: string, apiKeys: readonly ApiKey[]) {
  return { id, known: apiKeys.map((key) => key.id) };
}

interface Asked extends KeysArguments {
  readonly policy: Policy;
}

function stepOf(key: ApiKey, asked: Asked, io: Io): Step | Diagnostic {
  return asked.action === 'rotate' ? rotated(key, asked) : retired(key, asked, io);
}

function rotated({ id, keys, owner }: ApiKey, { to, policy }: Asked): Step | Diagnostic {
  const [first, second] = keys;
  if (!first || second) return keyCodes.report('rotating', ['apiKeys', id, 'key'], { id });
  const next = to ?? successorOf(first);
  if (!secretReference.safeParse(next).success) return keyCodes.report('bad-reference', ['apiKeys', id, 'key'], {});
  const other = policy.apiKeys.find((one) => [...one.keys, one.token].some(({ text }) => text === next));
  if (other) return keyCodes.report('taken', ['apiKeys', id, 'key'], { reference: next, other: other.id });
  return {
    keys: [first.text, next],
    edit: (written) => withSecond(written, next),
    next: [
      `${id} may use two keys now: ${first.text} and ${next}`,
      `1. put a new key, such as "postern secrets keygen" prints, where ${next} points to`,
      '2. run "postern generate" and "postern secrets render", and reload the proxies',
      `3. hand the new key to ${owner ?? `whoever uses ${id}`}`,
      `4. when the access log shows only the second key, run "postern keys retire ${id} --log FILE"`,
    ],
  };
}

/**
 * Returns the reference of the next key: `env:KEY` → `env:KEY_NEXT` → `env:KEY`, so that two names suffice for all
 * rotations.
 */
function successorOf({ scheme, text }: SecretReference): string {
  const mark = scheme === 'env' ? '_NEXT' : scheme === 'file' ? '.next' : '-next';
  return text.endsWith(mark) ? text.slice(0, -mark.length) : `${text}${mark}`;
}

function retired({ id, keys, groups }: ApiKey, { log, policy }: Asked, io: Io): Step | Diagnostic {
  const [first, second] = keys;
  const at = ['apiKeys', id, 'key'];
  if (!first || !second) return keyCodes.report('one-key', at, { id });
  if (log === undefined) return keyCodes.report('no-log', at, { file: 'the spec', problem: '--log is missing' });
  const uses = usesOf(id, log, io);
  if ('problem' in uses) return keyCodes.report('no-log', at, { file: log, problem: uses.problem });
  if (uses.unread.length > 0) {
    const problem = `line ${uses.unread[0]} cannot be read${uses.unread.length > 1 ? `, like ${uses.unread.length - 1} more` : ''}`;
    return keyCodes.report('unread-log', at, { file: log, problem });
  }
  if (uses.lines === 0) return keyCodes.report('no-log', at, { file: log, problem: 'no line of it is ours' });
  if (uses.odd > 0)
    return keyCodes.report('no-log', at, { file: log, problem: `${uses.odd} lines tell no position of the key` });
  if (uses.first > 0) return keyCodes.report('in-use', at, { id, count: uses.first, last: uses.lastFirst });
  const silent = policy.proxies.find(
    (proxy) => !uses.proxies.has(proxy.id) && proxy.groups.some((group) => groups.includes(group)),
  );
  if (silent) {
    const problem = `no line of it is of proxy "${silent.id}", which takes the key too`;
    return keyCodes.report('no-log', at, { file: log, problem });
  }
  if (uses.second === 0) return keyCodes.report('unseen', at, { id });
  return {
    keys: [second.text],
    edit: withoutFirst,
    next: [
      `${id} may use ${second.text} alone now; the log shows it ${uses.second} times, and the old key never`,
      '1. run "postern generate" and "postern secrets render", and reload the proxies',
      `2. remove the old key from where ${first.text} points to`,
    ],
  };
}

interface Uses {
  /** Lines of generated proxies, whatever the caller. */
  readonly lines: number;
  /** Those that these lines are of. */
  readonly proxies: ReadonlySet<string>;
  readonly first: number;
  /** Time of the last use of the first key, as logged. */
  readonly lastFirst: string;
  readonly second: number;
  /** Lines of the key that say neither. */
  readonly odd: number;
  /** Numbers of lines that may be about the key, which nobody can tell: cut off, or of another form. */
  readonly unread: readonly number[];
}

/** Fields that a line has if it is about a request to a proxy. */
const OURS = ['key', 'keyPosition', 'proxy'] as const satisfies readonly (keyof LogLine)[];

function usesOf(id: string, file: string, io: Io): Uses | { readonly problem: string } {
  const unread: number[] = [];
  const proxies = new Set<string>();
  const uses = { lines: 0, proxies, first: 0, lastFirst: '', second: 0, odd: 0, unread };
  let number = 0;
  const problem = eachLogLine(file, io, (line) => {
    number += 1;
    if (line.trim() === '') return;
    const said = parseJson(line);
    if (!isRecord(said)) return void unread.push(number);
    if (OURS.some((name) => typeof said[name] !== 'string')) {
      // What is not about a request, such as what Caddy says of itself, is about no key.
      if (line.includes('keyPosition') || OURS.some((name) => name in said)) unread.push(number);
      return;
    }
    uses.lines += 1;
    proxies.add(String(said['proxy']));
    if (said['key'] !== id) return;
    if (said['keyPosition'] === keyPosition(0)) {
      uses.first += 1;
      const time = String(said['time']);
      if (time > uses.lastFirst) uses.lastFirst = time;
    } else if (said['keyPosition'] === keyPosition(1)) uses.second += 1;
    else uses.odd += 1;
  });
  return problem === undefined ? uses : { problem };
}

interface Edit {
  readonly key: ApiKey;
  readonly step: Step;
  readonly source: OpenSpec;
  readonly composition: Composition;
}

/** Returns the file in which a key is written, after a step; or why it cannot be edited. */
function editedFile({ key, step, source, composition }: Edit): SourceFile | Diagnostic {
  const { id } = key;
  const at = ['apiKeys', id, 'key'];
  const [first, second] = placesOf(composition, 'apiKeys', id);
  if (first && second) return keyCodes.report('twice', at, { id, files: [first.file, second.file] });
  const { document, spec } = composition;
  const value = document.locate(at);
  const items = key.keys.flatMap(({ origin }) => (origin.length > at.length ? document.locate(origin) : []));
  const folder = relative(source.folder, dirname(value.file));
  const text = step.edit({ value, items, written: (reference) => secretWrittenIn(folder, reference) });
  if (text === undefined) return keyCodes.report('odd-writing', at, { id });
  const edited = { name: value.file, text };
  const after = compileWith(edited, source);
  // With an alias or a text of several lines, more may say something else.
  const says = (one: unknown) => canonical(after.spec) === canonical(withKey(spec, id, one));
  if (!says(step.keys) && !says(step.keys[0])) return keyCodes.report('odd-writing', at, { id });
  const problem = after.diagnostics.find(({ severity }) => severity === 'error')?.message;
  return problem === undefined ? edited : keyCodes.report('not-valid', at, { problem });
}

function withKey({ apiKeys, ...spec }: Spec, id: string, key: unknown) {
  return { ...spec, apiKeys: { ...apiKeys, [id]: { ...apiKeys?.[id], key } } };
}
