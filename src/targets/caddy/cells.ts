import { type Access, type Cell, lookupMethod, type Place } from '../../policy/access.ts';
import { addTo } from './multimap.ts';
import { pathSource } from './paths.ts';
import { exactly, oneOf } from './regex.ts';

/** Regular expressions that give each request its cell: source after "METHOD ", in the order they must be tried in. */
export function cellSources({ automaton, places, cells }: Access): { readonly cell: Cell; readonly source: string }[] {
  const requests = new Map<string, Map<string, Set<number>>>();
  for (const place of places) {
    for (const [id, methods] of methodsByCell(place)) {
      const states = requests.get(id) ?? new Map<string, Set<number>>();
      requests.set(id, states);
      const known = states.get(methods) ?? new Set<number>();
      states.set(methods, known.add(place.state.id));
    }
  }
  return inOrder(cells).map((cell) => {
    const alternatives = [...(requests.get(cell.id) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const source = oneOf(alternatives.map(([methods, states]) => `${methods} ${pathSource(automaton, states)}`));
    return { cell, source };
  });
}

/** Regular expressions that give each known path its methods. */
export function allowSources({ automaton, places }: Access): { readonly allow: string; readonly source: string }[] {
  const states = new Map<string, Set<number>>();
  for (const { state, allow } of places) {
    const list = allow.join(', ');
    states.set(list, (states.get(list) ?? new Set<number>()).add(state.id));
  }
  const wider = (a: string, b: string) => b.split(',').length - a.split(',').length || (a < b ? -1 : 1);
  return [...states]
    .sort(([a], [b]) => wider(a, b))
    .map(([allow, ids]) => ({ allow, source: pathSource(automaton, ids) }));
}

function methodsByCell({ allow, cells }: Place): Map<string, string> {
  const methods = new Map<string, string[]>();
  for (const method of allow) {
    const cell = cells.get(lookupMethod(method, cells));
    if (cell) addTo(methods, cell.id, method);
  }
  return new Map([...methods].map(([id, list]) => [id, oneOf(list.map(exactly))]));
}

/** Those that know more rules first; of answers to one request the first of the spec is given. */
function inOrder(cells: readonly Cell[]): Cell[] {
  const rank = (cell: Cell) => (cell.kind === 'forward' ? -cell.groups.length : Number(cell.answer.origin.at(-1)));
  return cells.toSorted(
    (a, b) => (a.kind === b.kind ? rank(a) - rank(b) : a.kind === 'forward' ? -1 : 1) || (a.id < b.id ? -1 : 1),
  );
}
