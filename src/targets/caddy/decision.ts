import { REFUSALS, type Refusal } from '../../plan/log.ts';
import { escapeRegex, oneOf } from '../../plan/regex.ts';
import { isOpen, type RouteClass } from '../../policy/access.ts';
import type { Proxy } from '../../policy/types.ts';
import type { Callers } from './callers.ts';
import type { Names } from './names.ts';
import { addTo, type Table, table } from './table.ts';

export interface DecisionInput {
  readonly proxy: Proxy;
  readonly classes: readonly RouteClass[];
  readonly usesKeys: boolean;
  /** Placeholder of the caller's class. */
  readonly caller: string;
  /** Sets of route groups that some caller may use. */
  readonly grants: Callers['grants'];
  /** Whether keys expire, and so `caller.found` is there. */
  readonly expires: boolean;
  readonly names: Names;
  /** Text that is not there for a caller whose requests cannot be forwarded. */
  readonly token: string;
}

/** Everything found out about a request, one word each in this order; two blanks in a row are a word that is missing. */
const findings = ({ caller, names }: DecisionInput) =>
  `{${names.route}} {${caller}} {request.query} {${names.made.body}}`;
const GOOD = 'ok ok';

/** "yes" in `decision.pass` for a request that may be forwarded or answered. */
export function passTable(input: DecisionInput): Table {
  const { open, answers, scoped } = kindsOf(input);
  const passing = [
    ...(open.length > 0 ? [`${oneOf(open)} [^ ]* ${GOOD} `] : []),
    // The upstream token is the last word: whose key has none is nobody.
    ...(answers.length > 0 ? [`${oneOf(answers)} [^ ]+ ${GOOD} [^ ]`] : []),
    ...(scoped.length > 0 ? [`${oneOf(scoped)} ${GOOD} [^ ]`] : []),
  ];
  return table({
    source: `${findings(input)} ${input.token}`,
    destination: input.names.made.pass,
    entries: [[`~^${oneOf(passing)}`, 'yes']],
    fallback: 'no',
  });
}

/**
 * Why a request may not pass, by the first thing that is wrong with it, in `decision.reason`; then the status for it. What
 * is wrong with a key is told apart only here, where few requests come.
 */
export function refusalTables(input: DecisionInput): Table[] {
  const { open, answers, scoped } = kindsOf(input);
  const { usesKeys, names } = input;
  const faults = (request: string): [string, Refusal | '$1'] => [
    `~^${request} (?:ok )?(query|malformed|content-type|body-size) `,
    '$1',
  ];
  const allowed = [...answers.map((id) => `${id} [^ ]+`), ...scoped];
  const reason = table({
    source: `${findings(input)} ${usesKeys ? `{${names.made.fault}} ${input.token}` : ''}`,
    destination: names.made.reason,
    entries: [
      ...(open.length > 0 ? [faults(`${oneOf(open)} [^ ]*`)] : []),
      ...(usesKeys
        ? ([
            ['~^[^ ]*  [^ ]* [^ ]* ([^ ]+) ', '$1'],
            ['~^[^ ]* [^ ]+ [^ ]* [^ ]* [^ ]+ $', 'token-missing'],
          ] satisfies [string, Refusal | '$1'][])
        : []),
      ['~^ ', 'path' satisfies Refusal],
      ...(allowed.length > 0 ? [faults(oneOf(allowed))] : []),
    ],
    fallback: 'key-routes' satisfies Refusal,
  });
  const status = table({
    source: `{${names.made.reason}}`,
    destination: names.made.status,
    entries: REFUSED_HERE.map((word) => [word, String(REFUSALS[word])] as const),
    fallback: '403',
  });
  return [...(usesKeys ? [keyFaultTable(input)] : []), reason, status];
}

/** Reasons that are no 403. */
const REFUSED_HERE = [
  'key-missing',
  'key-malformed',
  'path',
  'query',
  'malformed',
  'content-type',
  'body-size',
] as const;

/** What is wrong with a key that no caller's class was found for. */
function keyFaultTable({ proxy: { apiKeyHeader }, expires, names }: DecisionInput): Table {
  const found = `{${expires ? names.found : names.caller}}`;
  return table({
    source: `{key.given} {http.vars.key} ${found} {${names.caller}} {http.request.header.${apiKeyHeader}}`,
    destination: names.made.fault,
    entries: [
      ['~^    [ \\t]*(?:,|$)', 'key-missing'],
      ['~^    ', 'key-malformed'],
      ['~^[^ ]+ [^ ]*  ', 'key-unknown'],
      ['~^[^ ]+ [^ ]+ [^ ]+  ', 'key-expired'],
    ] satisfies [string, Refusal][],
    fallback: 'key-address' satisfies Refusal,
  });
}

/** Expressions for the route classes that ask for no key, for those answered to every good key, and for pairs of a route class and the class of a caller who may use it. */
function kindsOf({ classes, usesKeys, grants }: DecisionInput): {
  open: string[];
  answers: string[];
  scoped: string[];
} {
  const open: string[] = [];
  const answers: string[] = [];
  const granted = new Map<string, string[]>();
  for (const routeClass of classes) {
    const id = escapeRegex(routeClass.id);
    if (!usesKeys || isOpen(routeClass)) open.push(id);
    else if (routeClass.kind === 'answer') answers.push(id);
    else {
      const names = [...grants].flatMap(([name, groups]) =>
        groups.some((group) => routeClass.groups.includes(group)) ? [escapeRegex(name)] : [],
      );
      if (names.length > 0) addTo(granted, oneOf(names), id);
    }
  }
  const scoped = [...granted].map(([names, ids]) => `${oneOf(ids.sort())} ${names}/[^ ]+`);
  return { open: open.sort(), answers: answers.sort(), scoped: scoped.sort() };
}
