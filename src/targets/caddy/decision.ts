import { type Cell, isOpen } from '../../policy/access.ts';
import type { Proxy } from '../../policy/types.ts';
import type { Callers } from './callers.ts';
import { addTo } from './multimap.ts';
import { exactly, oneOf } from './regex.ts';
import { type Table, table } from './table.ts';

export interface DecisionInput {
  readonly proxy: Proxy;
  readonly cells: readonly Cell[];
  readonly usesKeys: boolean;
  /** Placeholder of the caller's class. */
  readonly caller: string;
  /** Sets of route groups that some caller may use. */
  readonly grants: Callers['grants'];
}

/** Everything found out about a request, one word each in this order; two blanks in a row are a word that is missing. */
const findings = ({ caller }: DecisionInput) => `{http.vars.cell} {${caller}} {request.query} {request.body}`;
const GOOD = 'ok ok';

/** "yes" in `decision.pass` for a request that may be forwarded or answered. */
export function passTable(input: DecisionInput): Table {
  const { open, answers, scoped } = kindsOf(input);
  const passing = [
    ...(open.length > 0 ? [`${oneOf(open)} [^ ]* ${GOOD} `] : []),
    ...(answers.length > 0 ? [`${oneOf(answers)} [^ ]+ ${GOOD} `] : []),
    // The upstream token is the last word: without one nothing is forwarded.
    ...(scoped.length > 0 ? [`${oneOf(scoped)} ${GOOD} [^ ]`] : []),
  ];
  return table({
    source: `${findings(input)} {http.vars.token}`,
    destination: 'decision.pass',
    entries: [[`~^${oneOf(passing)}`, 'yes']],
    fallback: 'no',
  });
}

/** The status of a request that may not, by the first thing that is wrong with it; 404 also stands for "not with this method". */
export function statusTable(input: DecisionInput): Table {
  const { open, answers, scoped } = kindsOf(input);
  const faults = (request: string): [string, string] => [`~^${request} (?:ok )?(400|413|415) `, '$1'];
  const allowed = [...answers.map((id) => `${id} [^ ]+`), ...scoped];
  const keyed: [string, string][] = [
    ['~ $', '401'],
    ['~^[^ ]*  ', '403'],
  ];
  return table({
    // Whether a key was sent is the last word; the key itself is not needed here.
    source: `${findings(input)} {key.given}`,
    destination: 'decision.status',
    entries: [
      ...(open.length > 0 ? [faults(`${oneOf(open)} [^ ]*`)] : []),
      ...(input.usesKeys ? keyed : []),
      ['~^ ', '404'],
      ...(allowed.length > 0 ? [faults(oneOf(allowed))] : []),
    ],
    fallback: '403',
  });
}

/** Cells that ask for no key, that are answered to every good key, and what takes cells that look at its groups, with its class. */
function kindsOf({ cells, usesKeys, grants }: DecisionInput): { open: string[]; answers: string[]; scoped: string[] } {
  const open: string[] = [];
  const answers: string[] = [];
  const granted = new Map<string, string[]>();
  for (const cell of cells) {
    const id = exactly(cell.id);
    if (!usesKeys || isOpen(cell)) open.push(id);
    else if (cell.kind === 'answer') answers.push(id);
    else {
      const names = [...grants].flatMap(([name, groups]) =>
        groups.some((group) => cell.groups.includes(group)) ? [exactly(name)] : [],
      );
      if (names.length > 0) addTo(granted, oneOf(names), id);
    }
  }
  const scoped = [...granted].map(([names, ids]) => `${oneOf(ids.sort())} ${names}/[^ ]+`);
  return { open: open.sort(), answers: answers.sort(), scoped: scoped.sort() };
}
