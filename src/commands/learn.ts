import { walkPairs } from '../accessDiff/product.ts';
import { hasError } from '../diagnostics/diagnostic.ts';
import { maskSecrets } from '../diagnostics/mask.ts';
import { type Columns, columnsOf, seenIn } from '../import/accessLog.ts';
import {
  CALLER,
  type DraftEntry,
  type DraftGroup,
  freeName,
  type Imported,
  identifierOf,
  type NotCarried,
} from '../import/draft.ts';
import { openapi, readOpenapi } from '../import/openapi.ts';
import { type Counted, type Template, templatesOf } from '../import/templates.ts';
import { CUT_OFF } from '../plan/log.ts';
import { takes } from '../policy/access.ts';
import { type Automaton, buildAutomaton, run } from '../policy/automaton.ts';
import { grouped } from '../policy/grouped.ts';
import { type PathPattern, parsePattern } from '../policy/pattern.ts';
import type { Policy } from '../policy/types.ts';
import { printImported, readAll } from './import.ts';
import { type Io, progressTimer, type Status, unable, withHint } from './io.ts';
import { locator } from './location.ts';
import { eachLogLine } from './logLines.ts';
import { print } from './print.ts';
import { compileArgument } from './spec.ts';

export interface LearnArguments {
  readonly logs: readonly string[];
  readonly within?: string | undefined;
  readonly openapi?: string | undefined;
  /** A spec. Its grants that no line used are listed instead. */
  readonly unused?: string | undefined;
  readonly format?: 'text' | 'json' | undefined;
}

/** A request that may be learned, from the spec or the description that bounds the learning (the envelope). */
interface Line {
  readonly group: string;
  readonly upstream: string;
  readonly open: boolean;
  readonly methods: readonly string[];
  readonly pattern: PathPattern;
}

interface Log {
  readonly requests: ReadonlyMap<string, Counted>;
  readonly lines: number;
  /** Requests to further paths than are kept. */
  readonly dropped: number;
  readonly refused: number;
  readonly unread: number;
}

/**
 * Most different paths that are kept. Further ones are dropped: so many are not paths of an API, and would fill the
 * memory.
 */
const MOST_PATHS = 2_000_000;

/** Prints the smallest spec that allows what logs show, or the grants of a spec that no line used. */
export function learn(args: LearnArguments, io: Io): Status {
  const { unused, within, openapi: description, format = 'text' } = args;
  const log = readLogs(args.logs, unused === undefined ? 'answered' : 'allowed', io);
  if (typeof log === 'string') return unable(log, io);
  if (log.requests.size === 0) return unable(nothingIn(args.logs.join(', ')), io);
  if (unused !== undefined && log.dropped > 0)
    return unable(`the logs have more than ${MOST_PATHS} different paths, so nobody knows what no line used`, io);
  if (unused !== undefined) return listUnused(unused, log, format, io);
  const policy = within === undefined ? undefined : compileArgument(within, io);
  if (policy && (!policy.policy || hasError(policy.diagnostics)))
    return print(
      { command: 'learn', status: 2, diagnostics: policy.diagnostics, document: policy.document, asked: 'changes' },
      format,
      io,
    );
  const envelope =
    description === undefined ? policy?.policy && linesOf(policy.policy) : describedLines(description, io);
  if (typeof envelope === 'string') return unable(envelope, io);
  const learned = learnFrom(log, envelope);
  if (learned.groups.length === 0) return unable('no request of the log is within what may be learned', io);
  return printImported(draftOf(learned, policy?.policy, log), format, io);
}

/** Returns a spec that allows what an access log shows, without an envelope. */
export function learned(file: string, io: Io): Imported | string {
  const log = readLogs([file], 'answered', io);
  if (typeof log === 'string') return log;
  const found = learnFrom(log, undefined);
  return found.groups.length === 0 ? nothingIn(file) : draftOf(found, undefined, log);
}

const LOGS = 'give access logs, plain or gzip: lines in JSON, or as nginx, Caddy, Apache and load balancers write them';

const nothingIn = (logs: string) => withHint(`no line of ${logs} is a request that was answered`, LOGS);

/**
 * Reads requests of logs. Refused ones are left out; and answers with 4xx, which nobody needs, where only what was
 * `answered` counts. They used what a proxy allows all the same.
 */
function readLogs(files: readonly string[], what: 'answered' | 'allowed', io: Io): Log | string {
  const requests = new Map<string, Counted>();
  const once = onceEach();
  const counts = { lines: 0, refused: 0, unread: 0, dropped: 0 };
  let columns: Columns | undefined;
  const isTime = progressTimer();
  const take = (line: string) => {
    if (line.startsWith('#')) {
      columns = columnsOf(line) ?? columns;
      return;
    }
    counts.lines += 1;
    if (counts.lines % 50_000 === 0 && isTime()) io.err(`${counts.lines} lines, ${requests.size} different paths\n`);
    const seen = seenIn(line, columns);
    // Without a status, as where the client went away, nobody knows whether it was answered.
    if (!seen || seen.status < 100 || seen.status > 599) counts.unread += 1;
    else if (
      (seen.reason !== '' && seen.reason !== CUT_OFF) ||
      (what === 'answered' && seen.status >= 400 && seen.status < 500)
    )
      counts.refused += 1;
    else {
      const { path, method } = seen;
      const known = requests.get(path);
      if (known) requests.set(path, { path, methods: countedOnce(known.methods, method, once) });
      else if (requests.size < MOST_PATHS) requests.set(path, { path, methods: once(method) });
      else counts.dropped += 1;
    }
  };
  for (const file of files) {
    columns = undefined;
    const problem = eachLogLine(file, io, (line) => {
      if (line !== '') take(line.endsWith('\r') ? line.slice(0, -1) : line);
    });
    if (problem !== undefined) return withHint(`cannot read ${file}: ${problem}`, LOGS);
  }
  return { requests, ...counts };
}

/**
 * Returns a function that gives the count of a method for a path with one request. All such paths share one map for
 * each method, because there may be millions of them.
 */
function onceEach(): (method: string) => ReadonlyMap<string, number> {
  const known = new Map<string, ReadonlyMap<string, number>>();
  return (method) => {
    const found = known.get(method) ?? new Map([[method, 1]]);
    known.set(method, found);
    return found;
  };
}

/** Returns the counts with one more request: a copy if the map is a shared one, else the same map. */
function countedOnce(
  methods: ReadonlyMap<string, number>,
  method: string,
  once: (method: string) => ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const [first = ''] = methods.keys();
  const own = methods === once(first) ? new Map(methods) : (methods as Map<string, number>);
  return own.set(method, (own.get(method) ?? 0) + 1);
}

function linesOf({ routes }: Policy): Line[] {
  return routes.map(({ group, methods, pattern, forwarding: { upstream, auth } }) => ({
    group,
    upstream,
    open: auth === 'passthrough',
    methods,
    pattern,
  }));
}

function describedLines(file: string, io: Io): Line[] | string {
  const found = readAll([file], io);
  const [first] = 'problem' in found ? [] : found.files;
  const described = first && readOpenapi(first, {});
  if (!described || 'problem' in described)
    return withHint(`${file} is no OpenAPI description that can be read`, openapi.remedy);
  return described.operations.flatMap(({ method, pattern, tag }) => {
    const parsed = parsePattern(pattern);
    return 'problem' in parsed
      ? []
      : [
          {
            group: identifierOf(tag.toLowerCase(), 'learned'),
            upstream: '',
            open: false,
            methods: [method],
            pattern: parsed,
          },
        ];
  });
}

export interface Learned {
  readonly groups: readonly DraftGroup[];
  /** Requests that the envelope does not allow. */
  readonly outside: readonly string[];
  readonly unreadable: readonly string[];
}

/** Returns patterns for the requests, by group of the envelope. No pattern allows more than the envelope. */
export function learnFrom({ requests }: Pick<Log, 'requests'>, envelope: readonly Line[] | undefined): Learned {
  if (!envelope) {
    const { templates, unreadable } = templatesOf(requests.values());
    const allow = templates.flatMap((template) => entriesOf(template, template.methods));
    return { groups: allow.length === 0 ? [] : [{ id: 'learned', upstream: '', allow }], outside: [], unreadable };
  }
  const whole = buildAutomaton(envelope);
  const outside: string[] = [];
  const byGroup = new Map<string, Map<string, Counted & { readonly methods: Map<string, number> }>>();
  for (const { path, methods } of requests.values()) {
    const lines = (whole && run(whole, path)?.accepts) ?? [];
    for (const [method, count] of methods) {
      const line = lines.find((one) => takes(one, method));
      if (!line) {
        outside.push(`${method} ${path}`);
        continue;
      }
      const group = byGroup.get(line.group) ?? new Map();
      byGroup.set(line.group, group);
      const known = group.get(path) ?? { path, methods: new Map<string, number>() };
      known.methods.set(method, count);
      group.set(path, known);
    }
  }
  const groups = [...byGroup].map(([id, seen]) =>
    groupWithin(
      id,
      seen,
      envelope.filter(({ group }) => group === id),
    ),
  );
  return { groups: groups.sort((a, b) => (a.id < b.id ? -1 : 1)), outside, unreadable: [] };
}

function groupWithin(id: string, seen: ReadonlyMap<string, Counted>, lines: readonly Line[]): DraftGroup {
  const [first] = lines;
  const own = buildAutomaton(lines);
  const { templates } = templatesOf(seen.values());
  const kept: DraftEntry[] = [];
  const covered: Line[] = [];
  for (const template of templates) {
    const pattern = parsePattern(template.pattern);
    const inside =
      'problem' in pattern || !own ? [] : template.methods.filter((method) => isInside(pattern, method, own));
    if (inside.length > 0) kept.push(...entriesOf(template, inside));
    if (!('problem' in pattern)) covered.push({ ...BARE, methods: inside, pattern });
  }
  // A request whose pattern would allow more than the envelope gets the pattern of the envelope.
  const allowed = buildAutomaton(covered);
  const left = new Map<string, Set<string>>();
  for (const { path, methods } of seen.values())
    for (const method of methods.keys()) {
      if (allowed && run(allowed, path)?.accepts.some((one) => takes(one, method))) continue;
      const line = own && run(own, path)?.accepts.find((one) => takes(one, method));
      if (line) left.set(line.pattern.text, (left.get(line.pattern.text) ?? new Set()).add(listed(method, line)));
    }
  for (const [pattern, methods] of left)
    kept.push({ request: `${[...methods].sort().join()} ${pattern}`, notes: ['as the envelope has it'] });
  return { id, upstream: first?.upstream ?? '', ...(first?.open && { auth: 'passthrough' as const }), allow: kept };
}

const BARE = { group: '', upstream: '', open: false };

/**
 * Returns the method to list for a request: HEAD counts as GET, which includes it, unless the envelope lists HEAD
 * itself.
 */
function listed(method: string, { methods }: Line): string {
  return method === 'HEAD' && !methods.includes('HEAD') ? 'GET' : method;
}

/** Returns whether an envelope allows every request of a pattern. */
function isInside(pattern: PathPattern, method: string, own: Automaton<Line>): boolean {
  const template = buildAutomaton([{ pattern }]);
  let isWhole = template !== undefined;
  const asked = method === 'GET' ? ['GET', 'HEAD'] : [method];
  const complete = walkPairs(template, own, ({ before, after }) => {
    if (!before || before.accepts.length === 0) return;
    isWhole &&= asked.every((one) => after?.accepts.some((line) => takes(line, one)) === true);
  });
  return complete && isWhole;
}

function entriesOf({ pattern, count, sample }: Template, methods: readonly string[]): DraftEntry[] {
  const names = methods.filter(
    (method) => /^[A-Z][A-Z0-9-]{0,31}$/.test(method) && method !== 'CONNECT' && method !== 'TRACE',
  );
  if (names.length === 0 || 'problem' in parsePattern(pattern)) return [];
  const shown = sample === pattern ? '' : `, such as ${maskSecrets(sample).slice(0, 90)}`;
  return [
    { request: `${names.join()} ${pattern}`, notes: [`${count} ${count === 1 ? 'request' : 'requests'}${shown}`] },
  ];
}

function draftOf({ groups, outside, unreadable }: Learned, policy: Policy | undefined, log: Log): Imported {
  const lost = (list: readonly string[], reason: string): NotCarried[] =>
    list
      .slice(0, 20)
      .map((what) => ({ file: 'log', line: 0, what: maskSecrets(what.slice(0, 4_000)).slice(0, 200), reason }));
  const dropped = `more than ${MOST_PATHS} different paths are not kept`;
  const named = groups.map((group) => ({ ...group, upstream: group.upstream || 'upstream' }));
  const taken = new Set<string>();
  const upstreams = [...grouped(named, ({ upstream }) => upstream).keys()].map((id) => {
    const known = policy?.upstreams.find((one) => one.id === id);
    const port = known && known.port !== (known.scheme === 'https' ? 443 : 80) ? `:${known.port}` : '';
    const host = known?.host.includes(':') ? `[${known.host}]` : known?.host;
    return {
      id: freeName(id, taken),
      value: { url: known ? `${known.scheme}://${host}${port}` : 'https://upstream.example.com' },
    };
  });
  const needsKey = named.some(({ auth }) => auth === undefined);
  const [requests, paths] = [log.lines - log.refused - log.unread, log.requests.size];
  return {
    draft: {
      name: 'learned',
      head: [
        `Learned from ${requests} requests to ${paths} different paths; ${log.refused} were refused, and ${log.unread === 1 ? '1 line is no request' : `${log.unread} lines are no requests`}.`,
      ],
      ipRanges: [{ id: 'clients', notes: ['TODO: who may connect'], value: ['192.0.2.0/24'] }],
      upstreams,
      routes: named,
      ...(needsKey && {
        apiKeys: [CALLER],
      }),
      proxies: [{ id: 'api', value: { listen: 8080, ipRanges: ['@clients'] } }],
    },
    notCarriedOver: [
      ...lost(outside, 'outside of what may be learned'),
      ...lost(unreadable, 'no pattern may hold such a path'),
      ...lost(log.dropped > 0 ? [`${log.dropped} requests`] : [], dropped),
    ],
  };
}

/** Lists the grants of a spec that no line used, with their unused methods. */
function listUnused(argument: string, { requests }: Log, format: 'text' | 'json', io: Io): Status {
  const { policy, document, diagnostics } = compileArgument(argument, io);
  if (!policy || !document || hasError(diagnostics))
    return print({ command: 'learn', status: 2, diagnostics, document, asked: 'changes' }, format, io);
  const automaton = buildAutomaton(policy.routes);
  const used = new Map<object, Set<string>>();
  for (const { path, methods } of requests.values()) {
    for (const route of (automaton && run(automaton, path)?.accepts) ?? []) {
      for (const method of methods.keys())
        if (takes(route, method))
          used.set(route, (used.get(route) ?? new Set()).add(listed(method, { ...BARE, ...route })));
    }
  }
  const locate = locator(document);
  const found = policy.routes.flatMap((route) => {
    const methods = route.methods.filter((method) => !used.get(route)?.has(method));
    if (methods.length === 0) return [];
    const others = policy.routes.filter((one) => one !== route);
    const rest = buildAutomaton(others.map((one) => ({ ...BARE, ...one, upstream: '', open: false })));
    const denied = methods.filter((method) => !rest || !isInside(route.pattern, method, rest));
    return [
      {
        at: locate(route.origin),
        group: route.group,
        request: `${methods.join()} ${route.pattern.text}`,
        newlyDenied: denied,
      },
    ];
  });
  if (format === 'json') io.out(`${JSON.stringify({ unused: found }, null, 2)}\n`);
  else
    for (const { at, group, request, newlyDenied } of found) {
      const change =
        newlyDenied.length === 0
          ? 'another line allows it all the same'
          : `without it ${newlyDenied.join()} would be refused there`;
      io.out(`${at}: ${request} (${group}): no line used it; ${change}\n`);
    }
  if (found.length === 0) io.err('every grant was used\n');
  return found.length === 0 ? 0 : 1;
}
