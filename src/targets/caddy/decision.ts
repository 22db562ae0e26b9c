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
  /** Name of the placeholder with the caller's class. */
  readonly caller: string;
  /** Route groups by the name of the grant set that some caller has. */
  readonly grants: Callers['grants'];
  /** Whether keys expire, so that `caller.found` exists. */
  readonly expires: boolean;
  readonly names: Names;
  /** Text that is "" for a caller without a token, whose requests cannot be forwarded. */
  readonly token: string;
}

/**
 * Returns the results of all checks of a request: the route class, the caller's class, and the words for query and
 * body, each followed by a blank. Two blanks in a row mean that one of them is "".
 */
const findings = ({ caller, names }: DecisionInput) =>
  `{${names.route}} {${caller}} {${names.query}} {${names.made.body}}`;
const GOOD = 'ok ok';

/** Returns the table of `decision.pass`: "yes" for a request that is forwarded or answered. */
export function passTable(input: DecisionInput): Table {
  const { open, answers, scoped } = kindsOf(input);
  const passing = [
    ...(open.length > 0 ? [`${oneOf(open)} [^ ]* ${GOOD} `] : []),
    // The token for the upstream comes last: a caller whose key has none counts as unknown.
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
 * Returns the tables of `decision.reason`, which is the first check that failed, and of the status for it. They also
 * find out what is wrong with a key, because few requests come to them.
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
    source: `{${names.reason}}`,
    destination: names.made.status,
    entries: REFUSED_HERE.map((word) => [word, String(REFUSALS[word])] as const),
    fallback: '403',
  });
  return [...(usesKeys ? [keyFaultTable(input)] : []), reason, status];
}

/** Reasons with a status other than 403. */
const REFUSED_HERE = [
  'key-missing',
  'key-malformed',
  'path',
  'query',
  'malformed',
  'content-type',
  'body-size',
] as const;

/** Returns the table of what is wrong with a key that has no class. */
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

/**
 * Returns expressions for the route classes that need no key (`open`), for those answered to every good key
 * (`answers`), and for pairs of a route class and the class of a caller that may use it (`scoped`).
 */
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
