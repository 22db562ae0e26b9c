import type { ReadFileText } from '../../src/targets/target.ts';
import type { Random } from '../../src/verify/random.ts';

/** One small change of generated files, as a slip of the hand or a fault of a generator would make it. */
export interface Mutation {
  /** Such as `anchor`. */
  readonly kind: string;
  readonly files: readonly ReadFileText[];
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** Changes one line; `undefined` where it has nothing of this kind. Others are the lines around it. */
type Change = (line: string, random: Random, others: readonly string[]) => string | undefined;

/** Replaces one of the places where an expression matches. */
function replacing(what: RegExp, by: (found: string, random: Random) => string): Change {
  return (line, random) => {
    const places = [...line.matchAll(new RegExp(what.source, 'g'))];
    if (places.length === 0) return undefined;
    const place = random.pick(places);
    const at = place.index + place[0].length;
    return `${line.slice(0, place.index)}${by(place[0], random)}${line.slice(at)}`;
  };
}

const VALUE = /"[^"]*"(?=;? *$)/;

const CHANGES: Readonly<Record<string, Change>> = {
  number: replacing(/(?<![A-Za-z0-9_])\d+/, (found, random) =>
    String(random.pick([Number(found) + 1, Math.max(0, Number(found) - 1), Number(found) * 10])),
  ),
  literal: replacing(/[a-z]{3,}/, (found, random) => {
    const at = random.below(found.length);
    return random.pick([found.slice(0, at) + found.slice(at + 1), `${found.slice(0, at)}x${found.slice(at + 1)}`]);
  }),
  case: replacing(/[a-z]{3,}/, (found) => found.toUpperCase()),
  anchor: replacing(/(?<=~\*?)\^|\$(?=")|\\\\z/, () => ''),
  quantifier: replacing(/(?<=[\])])(?:\+\+|\*\+|\?\+|[+*?]|\{\d+(?:,\d*)?\})/, (found, random) =>
    random.pick(['+', '*', '?', '', '{2}'].filter((each) => each !== found)),
  ),
  class: replacing(/\[\^?[^\]\\]+(?=\])/, (found, random) =>
    found.startsWith('[^')
      ? random.pick([`[${found.slice(2)}`, `${found}a`])
      : random.pick([`${found}~`, `[^${found.slice(1)}`]),
  ),
  flag: replacing(/"~(?=\^)|"~\(\?i\)|\bon(?=;)|\boff(?=;|$)|\bnot (?=[a-z])/, (found) => {
    if (found === '"~') return '"~(?i)';
    if (found === 'on' || found === 'off') return found === 'on' ? 'off' : 'on';
    return found.startsWith('not') ? '' : '"~';
  }),
  /** Another value of the same table. */
  destination: (line, random, others) => {
    const own = VALUE.exec(line)?.[0];
    const values = others.flatMap((other) => VALUE.exec(other)?.[0] ?? []).filter((value) => value !== own);
    return own === undefined || values.length === 0 ? undefined : line.replace(VALUE, () => random.pick(values));
  },
  default: (line, random, others) =>
    /^\s*default "/.test(line) ? CHANGES['destination']?.(line, random, others) : undefined,
  deletion: (line) => (/[{}]\s*$/.test(line) ? undefined : ''),
  status: replacing(/\b[2345]\d\d\b/, (found, random) =>
    random.pick(['200', '401', '403', '404', '405', '500'].filter((each) => each !== found)),
  ),
};

/** Lines that decide nothing: about logs and times, and what an engine is told about itself. */
const IDLE =
  /^\s*(?:#|[{}]*\s*$|(?:"\d{3}"|log_|access_log|error_log|.*(?:timeout|_temp|hash_(?:max|bucket)|buffers?)\b))/;

/** Returns files with one change, none of which is one of `before`. */
export function mutated(files: readonly ReadFileText[], random: Random, kinds = Object.keys(CHANGES)): Mutation {
  for (;;) {
    const { path, text } = random.pick(files);
    const lines = text.split('\n');
    const at = random.below(lines.length);
    const before = lines[at] ?? '';
    if (IDLE.test(before)) continue;
    const kind = random.pick([...kinds, 'order']);
    const others = lines.slice(Math.max(0, at - 12), at + 12);
    const swaps = kind === 'order' && isLike(before, lines[at + 1] ?? '');
    const after = swaps ? (lines[at + 1] ?? '') : CHANGES[kind]?.(before, random, others);
    if (after === undefined || after === before) continue;
    const changed = swaps ? lines.toSpliced(at, 2, after, before) : lines.toSpliced(at, 1, after);
    const own = { path, text: changed.join('\n') };
    return {
      kind,
      files: files.map((file) => (file.path === path ? own : file)),
      file: path,
      line: at + 1,
      before: before.trim(),
      after: after.trim(),
    };
  }
}

/** Whether two lines can change places: neither opens or closes a block. */
function isLike(one: string, other: string): boolean {
  return !IDLE.test(other) && [one, other].every((line) => !/[{}]\s*$/.test(line)) && one !== other;
}
