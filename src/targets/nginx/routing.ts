import type { Access } from '../../policy/access.ts';
import { type ParameterType, segmentSource } from '../../policy/segment.ts';
import type { MapList } from './maps.ts';
import { textProblem, type Variable, variable } from './quote.ts';
import { type Rest, type Router, routerOf, splittingPattern, typesThatMatter } from './router.ts';
import { mergeStates, type Node } from './states.ts';

/** What the rest of a proxy's config asks about a request. */
export interface Routing {
  readonly router: Router;
  /** `Allow` by state, for every state where a pattern ends. */
  readonly allowed: readonly (readonly [state: number, methods: string])[];
  /** State of the whole path; "" where no pattern can match. */
  readonly state: Variable;
  /** Name of the cell; "" where there is none. Whoever asks for it has had the request line split. */
  readonly cell: Variable;
  /** Captures of the splitting expression: only for use after `cell`. */
  readonly method: Variable;
  readonly path: Variable;
  readonly query: Variable;
}

/** Defines the maps that lead from the request line to a cell. Each request costs a look-up a segment. */
export function routingMaps(access: Access, prefix: string, maps: MapList): Routing {
  const merged = mergeStates(access);
  const router = routerOf(merged);
  const nodes = [...merged.nodes.values()];
  const steps = stepMaps(router, prefix, maps);
  const state = steps.length === 0 ? nowhere(prefix, maps) : stateMap({ router, prefix, maps, steps });
  const method = variable(`${prefix}method`);
  const landings = nodes.flatMap(({ number, place }) => (place ? [{ number, place }] : []));
  const cells = landings.flatMap(({ number, place }) =>
    place.cells.map(([name, cell]) => [`${number} ${name}`, cell] as const),
  );
  return {
    router,
    allowed: landings.map(({ number, place }) => [number, place.allow]),
    state,
    cell: maps.add({ name: `${prefix}cell`, source: [state, ' ', method], exact: cells }),
    method,
    path: variable(`${prefix}path`),
    query: variable(`${prefix}query`),
  };
}

/** A proxy without a single pattern. */
function nowhere(prefix: string, maps: MapList): Variable {
  return maps.add({ name: `${prefix}state`, source: [''] });
}

/** One variable a step: the state after that many segments. The first is the state before them, once the line is split. */
function stepMaps(router: Router, prefix: string, maps: MapList): Variable[] {
  if (router.steps.length === 0) return [];
  const split = maps.add({
    name: `${prefix}q0`,
    source: [variable('request')],
    patterns: [[splittingPattern(prefix, router), String(router.start)]],
  });
  // A line of another shape still gives its method; then there is no first segment, and nothing is found.
  const variables = [split];
  for (const [index, states] of router.steps.entries()) {
    const before = variables[index] ?? split;
    variables.push(stepMap({ before, states, number: index + 1, prefix, maps }));
  }
  return variables;
}

interface Step {
  readonly before: Variable;
  readonly states: readonly Node[];
  readonly number: number;
  readonly prefix: string;
  readonly maps: MapList;
}

/** Literals first, then the types of parameters: the order of the automaton. */
function stepMap(step: Step): Variable {
  const { before, states, number, prefix, maps } = step;
  const literals = states.flatMap((state) =>
    state.literals.map(([text, next]) => ({ key: `${state.number}/${text}`, text: `/${text}`, next: String(next) })),
  );
  const classes = classMap(step);
  const mixed = literals.filter(({ text }) => /[A-Z]/.test(text));
  const fallback = mixed.length === 0 ? classes : mixedCaseMap(step, mixed, classes);
  // Behind a parameter alone there is nothing to look up first.
  if (mixed.length === literals.length && fallback !== '') return fallback;
  return maps.add({
    name: `${prefix}q${number}`,
    source: [before, variable(`${prefix}l${number}`)],
    fallback,
    exact: literals.filter((literal) => !mixed.includes(literal)).map(({ key, next }) => [key, next] as const),
  });
}

const LETTERS: Readonly<Record<ParameterType, string>> = {
  int: 'i',
  hex: 'h',
  uuid: 'u',
  slug: 's',
  segment: 'g',
  encodedPath: 'e',
  encodedText: 't',
};

function classMap({ before, states, number, prefix, maps }: Step): Variable | '' {
  const types = typesThatMatter(states.map(({ classes }) => classes));
  const exact = states.flatMap((state) =>
    types.flatMap((type) => {
      const next = state.classes[type];
      return next === undefined ? [] : [[`${state.number}:${LETTERS[type]}`, String(next)] as const];
    }),
  );
  if (exact.length === 0) return '';
  const type = maps.add({
    name: `${prefix}a${number}`,
    source: [variable(`${prefix}s${number}`)],
    patterns: types.map((each) => [`^/${group(segmentSource(each, 'possessive'))}\\z`, LETTERS[each]] as const),
  });
  return maps.add({ name: `${prefix}c${number}`, source: [before, ':', type], exact });
}

function group(source: string): string {
  return `(?:${source})`;
}

interface MixedLiteral {
  readonly key: string;
  readonly text: string;
  readonly next: string;
}

/**
 * Literals with upper case letters. A map finds the candidates ignoring case; one expression, the same
 * however many there are, then takes the candidate that is the segment byte for byte. More candidates than
 * fit into one token are looked at in several rounds.
 */
function mixedCaseMap(step: Step, literals: readonly MixedLiteral[], classes: Variable | ''): Variable | '' {
  const candidates = new Map<string, string[]>();
  for (const { key, text, next } of literals) {
    const folded = key.toLowerCase();
    const rounds = candidates.get(folded) ?? [];
    candidates.set(folded, rounds);
    const longer = [...rounds.slice(-1), `${next}${text}`].join(' ');
    if (textProblem(longer) === undefined) rounds.splice(-1, 1, longer);
    else rounds.push(`${next}${text}`);
  }
  const most = Math.max(...[...candidates.values()].map((rounds) => rounds.length));
  let fallback = classes;
  for (let round = most - 1; round >= 0; round -= 1) {
    const exact = [...candidates].flatMap(([key, rounds]) => {
      const texts = rounds[round];
      return texts === undefined ? [] : [[key, texts] as const];
    });
    fallback = mixedCaseRound(step, { exact, fallback, suffix: round === 0 ? '' : `_${round}` });
  }
  return fallback;
}

interface Round {
  readonly exact: readonly (readonly [key: string, candidates: string])[];
  readonly fallback: Variable | '';
  readonly suffix: string;
}

function mixedCaseRound({ before, number, prefix, maps }: Step, { exact, fallback, suffix }: Round): Variable {
  const segment = variable(`${prefix}s${number}`);
  const found = maps.add({ name: `${prefix}v${number}${suffix}`, source: [before, segment], exact });
  const next = `${prefix}n${number}${suffix}`;
  const text = `${prefix}w${number}${suffix}`;
  return maps.add({
    name: `${prefix}u${number}${suffix}`,
    source: [found, ' ', segment],
    fallback,
    patterns: [[`(?:^| )(?<${next}>[0-9]++)(?<${text}>/[^ ]*+) (?:[^ ]++ )*+\\k<${text}>\\z`, variable(next)]],
  });
}

interface StateContext {
  readonly router: Router;
  readonly prefix: string;
  readonly maps: MapList;
  /** The state after no, one, two, … segments. */
  readonly steps: readonly Variable[];
}

/** The state after as many segments as the path has, found by halving. */
function stateMap({ router, prefix, maps, steps }: StateContext): Variable {
  const after = (number: number) => steps[number] ?? '';
  const between = (low: number, high: number): Variable | '' => {
    if (low === high) return after(low);
    const middle = (low + high + 1) >> 1;
    return maps.add({
      name: `${prefix}f${low}_${high}`,
      source: [variable(`${prefix}s${middle}`)],
      fallback: between(middle, high),
      exact: [['', between(low, middle - 1)]],
    });
  };
  const most = steps.length - 1;
  const fixed = between(1, most);
  const rest = restMap(router.rests, after(most), { prefix, maps });
  const state = { name: `${prefix}state` };
  // The source starts with the split, which fills the captures that everything after it reads.
  if (rest === undefined)
    return maps.add({
      ...state,
      source: [after(0), variable(`${prefix}s1`)],
      fallback: fixed,
      exact: [
        ['', ''],
        [String(router.start), ''],
      ],
    });
  return maps.add({
    ...state,
    source: [after(0), variable(`${prefix}tail`)],
    fallback: rest,
    exact: [
      ['', ''],
      [String(router.start), fixed],
    ],
  });
}

/** Where the segments behind the looked-up ones lead: by the type of all of them, and by whether a slash ends the path. */
function restMap(
  rests: readonly Rest[],
  before: Variable | '',
  { prefix, maps }: Pick<StateContext, 'prefix' | 'maps'>,
): Variable | undefined {
  const types = typesThatMatter(rests.map(({ byType }) => byType));
  if (types.length === 0) return undefined;
  const exact = rests.flatMap(({ from, byType, withSlash, slash }) => {
    const row = (end: string, next: number | undefined) =>
      next === undefined ? [] : [[`${from}:${end}`, String(next)] as const];
    const ofTypes = types.flatMap((type) => [
      ...row(LETTERS[type], byType[type]),
      ...row(`${LETTERS[type]}/`, withSlash[type]),
    ]);
    return [...ofTypes, ...row('/', slash)];
  });
  const slashes = exact.some(([key]) => key.endsWith('/'));
  const patterns = types.flatMap((type) => {
    const segments = `^(?:/${group(segmentSource(type, 'possessive'))})++`;
    const one = [`${segments}\\z`, LETTERS[type]] as const;
    return slashes ? [one, [`${segments}/\\z`, `${LETTERS[type]}/`] as const] : [one];
  });
  const kind = maps.add({
    name: `${prefix}rest`,
    source: [variable(`${prefix}tail`)],
    exact: slashes ? [['/', '/']] : [],
    patterns,
  });
  return maps.add({ name: `${prefix}loop`, source: [before, ':', kind], exact });
}
