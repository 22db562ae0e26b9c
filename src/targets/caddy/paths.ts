import type { Automaton, State } from '../../policy/automaton.ts';
import { ACCEPTED_BY, classify, PARAMETER_TYPES, type ParameterType, segmentSource } from '../../policy/segment.ts';
import { exactly, oneOf } from './regex.ts';

/**
 * RE2 has no lookahead, so a parameter's branch cannot leave out the literals beside it and takes more paths
 * than its state. That is safe in a list where the first match counts: whatever a path runs into by a wider
 * branch knows only some of the rules of its true state, so sources for more rules must stand first.
 */

/** Target whose segments may all be decoded without the path becoming another one. */
export const SAFE_TARGET = `^(?:/(?:${segmentSource('encodedPath')})?)*(?:[?].*)?$`;

const PART = "[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*";

/** What most targets look like, and quick to match: no character leaves RE2 a choice. */
export const PLAIN_TARGET = `^(?:/(?:${PART}(?:%2[Ff]${PART})*)?)+(?:[?].*)?$`;

/** Sources that tell the types apart where SAFE_TARGET holds; the full ones would make a trie of 10,000 routes too large for RE2. */
const SHORT: Readonly<Record<ParameterType, string>> = {
  int: segmentSource('int'),
  hex: segmentSource('hex'),
  uuid: segmentSource('uuid'),
  slug: '[A-Za-z0-9._-]+',
  segment: '(?:[^/?%]|%(?:2[^Ff]|[^2]))+',
  encodedPath: '[^/?]+',
};

/** Source, without anchors, of the paths of these states and, by the rule above, of some of their wider neighbours'. */
export function pathSource<T>(automaton: Automaton<T>, wanted: ReadonlySet<number>): string {
  const known = new Map<number, string | undefined>();
  const after = (id: number): string | undefined => {
    if (known.has(id)) return known.get(id);
    const state = automaton.states[id];
    const source = state && restOf(state, wanted.has(id), after);
    known.set(id, source);
    return source;
  };
  return after(0) ?? oneOf([]);
}

/** What may follow where a state is reached; `undefined` where nothing leads on to a wanted state. */
function restOf<T>(state: State<T>, ends: boolean, after: (id: number) => string | undefined): string | undefined {
  const loops = Object.values(state.classes).includes(state.id);
  const byRest = new Map<string, { literals: string[]; types: ParameterType[] }>();
  const branch = (id: number) => {
    const rest = id === state.id ? undefined : after(id);
    if (rest === undefined) return undefined;
    const known = byRest.get(rest) ?? { literals: [], types: [] };
    byRest.set(rest, known);
    return known;
  };
  for (const type of PARAMETER_TYPES) {
    const next = state.classes[type];
    if (next !== undefined) branch(next)?.types.push(type);
  }
  for (const [text, next] of state.literals) branch(next)?.literals.push(text);
  const children = [...byRest].map(([rest, { literals, types }]) => `${segmentOf(literals, types)}${rest}`).sort();
  if (children.length === 0 && !ends) return undefined;
  const loop = loops ? `(?:/${SHORT.segment})*` : '';
  if (children.length === 0) return loop;
  return ends ? `${loop}(?:/${oneOf(children)})?` : `${loop}/${oneOf(children)}`;
}

/** One segment: these literals, or anything of these types. */
function segmentOf(literals: readonly string[], types: readonly ParameterType[]): string {
  const widest = types.filter((type) => !types.some((other) => other !== type && ACCEPTED_BY[type].includes(other)));
  const covered = (text: string) => {
    const type = classify(text);
    return type !== undefined && widest.some((wide) => ACCEPTED_BY[type].includes(wide));
  };
  const written = literals.filter((text) => !covered(text)).sort();
  return oneOf([...written.map(exactly), ...widest.map((type) => SHORT[type])]);
}
