import { type Diagnostic, hasError, type SpecPath } from '../diagnostics/diagnostic.ts';
import { replaceFile } from '../output/write.ts';
import { toCidrs } from '../policy/cidr.ts';
import { dateOf } from '../policy/dates.ts';
import { writtenName } from '../policy/domains.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { shownChanges } from '../report/access.ts';
import { type Cell, type Page, type PageItem, type PageList, type PageTable, pageText } from '../report/page.ts';
import type { Spec } from '../spec/schema.ts';
import { accessSince } from './diff.ts';
import { runGuarantees } from './guarantees.ts';
import type { Io, Status } from './io.ts';
import { type Locate, locator } from './location.ts';
import { packed } from './pageEntry.ts';
import { pageScript } from './pageScript.ts';
import { type Format, print } from './print.ts';
import type { AccessReport, TestOutcome } from './report.ts';
import { compileArgument } from './spec.ts';
import { runTests } from './specTests.ts';
import { count } from './validate.ts';

export interface ReportArguments {
  readonly spec?: string | undefined;
  /** File of the page. */
  readonly out: string;
  readonly base?: string | undefined;
  readonly format: Format;
}

/** Writes one page for a reviewer: who may do what, what changed, and a box that answers questions. */
export async function report({ spec: argument, out, base, format }: ReportArguments, io: Io): Promise<Status> {
  const { source, document, composition, spec, policy, diagnostics } = compileArgument(argument, io, { now: io.now });
  const about = { command: 'report', document, asked: 'changes' as const };
  const refuse = (problems: readonly Diagnostic[]) => print({ ...about, status: 2, diagnostics: problems }, format, io);
  const isValid = !hasError(diagnostics.filter(({ code }) => !code.startsWith('rule/')));
  if (!source || !document || !composition || !spec || !policy || !isValid) return refuse(diagnostics);
  const current = { source, document, composition, spec, policy };
  const since = base === undefined ? undefined : accessSince(base, current, io);
  if (since && !since.value) return refuse(since.diagnostics);
  const proven = runGuarantees({ source, composition, policy });
  const tested = runTests({ policy, spec, read: source.read });
  const locate = locator(document);
  const parts = [
    ...(base === undefined || !since?.value ? [] : [changeList(base, since.value)]),
    keyTable(spec, policy, locate),
    requestTable(policy, locate),
    proxyTable(spec, policy, locate),
    nameTable(policy),
    addressTable(policy),
    promiseList('Guarantees', proven.outcomes, 'The spec guarantees nothing for all requests.'),
    promiseList('Tests', tested.outcomes, 'The spec has no tests.'),
  ];
  const text = pageText(await pageOf(policy, parts, locate));
  const problems = replaceFile(out, text);
  if (problems.length > 0) return refuse(problems);
  const summary = `${out}: ${count(policy.routes.length, 'request')}, ${count(policy.apiKeys.length, 'key')}`;
  return print({ ...about, status: 0, diagnostics: [], summary }, format, io);
}

async function pageOf(policy: Policy, parts: Page['parts'], locate: Locate): Promise<Page> {
  return {
    name: policy.name,
    parts,
    proxies: policy.proxies.map(({ id }) => id),
    keys: policy.apiKeys.map(({ id }) => id),
    data: { policy: packed(decidedPart(policy)), places: placesOf(policy, locate) },
    script: await pageScript(),
  };
}

/** Widening changes are marked, so that they are not missed. */
const MARKS = {
  error: { text: 'may do more:', tone: 'no' },
  warning: { text: 'may do less:', tone: 'yes' },
  note: { text: 'as before:', tone: 'quiet' },
} as const;

function changeList(base: string, { changes, versions }: Omit<AccessReport, 'fails'>): PageList {
  const items = shownChanges(changes, versions).map(({ message, hint, level, place, approval }): PageItem => {
    const where = place?.from ? `${place.file}:${place.from.line}` : undefined;
    const needs = approval.length === 0 ? undefined : `needs approval of ${approval.join(', ')}`;
    const more = [where, hint, needs].filter((part) => part !== undefined).join('; ');
    return { mark: MARKS[level], text: message, more };
  });
  return { title: `Changed since ${base}`, items, none: 'Nobody may do more or less.' };
}

function promiseList(title: string, outcomes: readonly TestOutcome[], none: string): PageList {
  const items = outcomes.map(
    ({ subject, passed, expected, actual }): PageItem => ({
      mark: passed ? { text: '✓', tone: 'yes' } : { text: '✗', tone: 'no' },
      text: expected === '' ? subject : `${subject}: ${expected}`,
      more: passed ? undefined : `got ${actual}`,
    }),
  );
  return { title, items, none };
}

const code = (text: string): Cell => ({ code: text });

function keyTable(spec: Spec, { apiKeys }: Policy, locate: Locate): PageTable {
  const row = ({ id, groups, allGroups, ranges, expires, owner, rateLimit, keys, origin }: ApiKey): Cell[] => [
    code(id),
    allGroups ? 'all' : groups.join(', '),
    ranges === undefined ? "the proxy's" : rangeWords(spec.apiKeys?.[id]?.ipRanges),
    expires === undefined ? '' : dateOf(expires),
    owner ?? '',
    rateLimit ? `${rateLimit.requests}/${rateLimit.per}, burst ${rateLimit.burst}` : '',
    keys.length > 1 ? 'being rotated' : '',
    code(locate(origin)),
  ];
  const columns = ['Key', 'Groups', 'From', 'Expires', 'Owner', 'Rate', 'Rotation', 'Spec'];
  return { title: 'Keys', columns, rows: apiKeys.map(row) };
}

function rangeWords(items: 'any' | readonly string[] | undefined): string {
  return items === undefined ? '' : items === 'any' ? 'anywhere' : items.join(', ');
}

const MOST_KEYS = 20;

function requestTable({ routes, apiKeys, proxies }: Policy, locate: Locate): PageTable {
  const rows = routes.map(({ group, methods, pattern, forwarding, reason, origin }): Cell[] => {
    const keys = apiKeys.filter(({ groups }) => groups.includes(group)).map(({ id }) => id);
    const more = keys.length > MOST_KEYS ? ` and ${keys.length - MOST_KEYS} more` : '';
    return [
      methods.join(', '),
      code(pattern.text),
      group,
      forwarding.upstream,
      forwarding.auth === 'passthrough' ? 'none of ours' : `${keys.slice(0, MOST_KEYS).join(', ')}${more}`,
      proxies
        .filter(({ groups }) => groups.includes(group))
        .map(({ id }) => id)
        .join(', '),
      reason ?? '',
      code(locate(origin)),
    ];
  });
  const columns = ['Methods', 'Path', 'Group', 'Upstream', 'Keys', 'Proxies', 'Reason', 'Spec'];
  return { title: 'Requests', columns, rows };
}

function proxyTable(spec: Spec, { proxies }: Policy, locate: Locate): PageTable {
  const row = ({ id, groups, hosts, tls, publicUrl, clientIp, origin }: Proxy): Cell[] => [
    code(id),
    `${spec.proxies?.[id]?.listen ?? ''}${tls ? ' with TLS' : ''}`,
    [...hosts, publicUrl ?? ''].filter((name) => name !== '').join(', '),
    rangeWords(spec.proxies?.[id]?.ipRanges),
    clientIp.kind === 'header' ? clientIp.header : clientIp.kind,
    groups.join(', '),
    code(locate(origin)),
  ];
  const columns = ['Proxy', 'Listens on', 'Names', 'From', 'Client address', 'Groups', 'Spec'];
  return { title: 'Proxies', columns, rows: proxies.map(row) };
}

function nameTable({ rewrites, registries }: Policy): PageTable {
  const rows = rewrites.map((rewrite): Cell[] => [
    code(writtenName(rewrite, 'from')),
    code(writtenName(rewrite, 'to')),
    rewrite.upstream ?? '',
    rewrite.containerRegistry ? 'yes' : '',
  ]);
  const ports = registries.map(({ from, to }): Cell[] => [code(from), code(to), '', 'yes']);
  const columns = ['Name', 'Stands for', 'Site in front of', 'Nodes pull images'];
  return { title: 'Names', columns, rows: [...rows, ...ports] };
}

const MOST_ADDRESSES = 256;

function addressTable({ addressSets }: Policy): PageTable {
  const rows = addressSets.map(({ id, set }): Cell[] => {
    const cidrs = toCidrs(set);
    const more = cidrs.length > MOST_ADDRESSES ? ` and ${cidrs.length - MOST_ADDRESSES} more` : '';
    return [code(`@${id}`), `${cidrs.slice(0, MOST_ADDRESSES).join(', ')}${more}`];
  });
  return { title: 'Addresses', columns: ['Set', 'Networks'], rows };
}

/**
 * Returns a policy without the parts that no decision depends on: no secret references, no upstreams, no bodies of
 * answers.
 */
function decidedPart({ apiKeys, proxies, ...policy }: Policy): Policy {
  const token = { scheme: 'env', text: '', origin: [] } as const;
  const { shadow: _, ...rest } = policy;
  return {
    ...rest,
    upstreams: [],
    routes: [],
    rewrites: [],
    registries: [],
    vault: [],
    addressSets: [],
    apiKeys: apiKeys.map(({ owner: _, ...key }) => ({ ...key, keys: [], token })),
    proxies: proxies.map(({ tls: _, routes, answers, ...proxy }) => ({
      ...proxy,
      responseHeaders: [],
      routes: routes.map(({ reason: __, ...route }) => route),
      answers: answers.map((answer) => ({ ...answer, body: '' })),
    })),
  };
}

/** Returns all places that a decision may come from, by path. */
function placesOf({ apiKeys, proxies }: Policy, locate: Locate): Record<string, string> {
  const parts = (origin: SpecPath, ...names: string[]): SpecPath[] => [
    origin,
    ...names.map((name) => [...origin, name]),
  ];
  const all: SpecPath[] = [
    ['apiKeys'],
    ...apiKeys.flatMap(({ origin }) => parts(origin, 'expires', 'ipRanges', 'routes')),
    ...proxies.flatMap(({ origin, routes, answers, health }) => [
      ...parts(origin, 'maxRequestHead', 'hosts', 'ipRanges', 'routes'),
      ...[...routes, ...answers, ...(health ? [health] : [])].map((rule) => rule.origin),
    ]),
  ];
  return Object.fromEntries(all.map((path) => [JSON.stringify(path), locate(path)]));
}
