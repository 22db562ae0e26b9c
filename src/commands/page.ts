import type { Composition } from '../compose/compose.ts';
import { type Diagnostic, hasError, type SpecPath } from '../diagnostics/diagnostic.ts';
import { createPositions } from '../diagnostics/position.ts';
import { boundsOf } from '../guarantees/bounds.ts';
import type { OutputFile } from '../output/files.ts';
import { replaceFile } from '../output/write.ts';
import { keysByGroup } from '../policy/apiKeys.ts';
import { toCidrs } from '../policy/cidr.ts';
import { dateOf } from '../policy/dates.ts';
import { writtenName } from '../policy/domains.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { ASSUMPTIONS } from '../prove/witness.ts';
import { shownChanges } from '../report/access.ts';
import {
  type Cell,
  type Page,
  type PageItem,
  type PageList,
  type PageRow,
  type PageTable,
  pageText,
} from '../report/page.ts';
import { setReferences } from '../spec/references.ts';
import type { Spec } from '../spec/schema.ts';
import { accessSince } from './diff.ts';
import { runGuarantees } from './guarantees.ts';
import type { Io, Status } from './io.ts';
import { type Locate, locator } from './location.ts';
import { packed } from './pageEntry.ts';
import { pageScript } from './pageScript.ts';
import { type Format, print } from './print.ts';
import { aboutWords, type ProofInput, proveWritten } from './proofs.ts';
import type { AccessReport, TestOutcome } from './report.ts';
import { compileArgument } from './spec.ts';
import { runTests } from './specTests.ts';
import { count } from './validate.ts';

export interface ReportArguments {
  readonly spec?: string | undefined;
  /** File of the page. */
  readonly out: string;
  readonly base?: string | undefined;
  /** Whether the generated files are proven to decide as the spec. */
  readonly prove?: boolean | undefined;
  readonly format: Format;
}

/** Writes one page for a reviewer: who may do what, what changed, and a box that answers questions. */
export async function report({ spec: argument, out, base, prove, format }: ReportArguments, io: Io): Promise<Status> {
  const compiled = compileArgument(argument, io, { now: io.now });
  const { source, document, composition, spec, policy, files, diagnostics } = compiled;
  const about = { command: 'report', document, asked: 'changes' as const };
  const refuse = (problems: readonly Diagnostic[]) => print({ ...about, status: 2, diagnostics: problems }, format, io);
  const isValid = !hasError(diagnostics.filter(({ code }) => !code.startsWith('rule/')));
  if (!source || !document || !composition || !spec || !policy || !isValid) return refuse(diagnostics);
  const current = { source, document, composition, spec, policy };
  const since = base === undefined ? undefined : accessSince(base, current, io);
  if (since && !since.value) return refuse(since.diagnostics);
  const locate = locator(document);
  const changes = base === undefined || !since?.value ? undefined : changeList(base, since.value);
  const promises = [
    guaranteeList(runGuarantees({ source, composition, policy }).outcomes),
    ...envelopeList(composition),
    await fileList(prove ? { spec, policy, readFile: source.read, files: files ?? [] } : undefined),
    testList(runTests({ policy, spec, read: source.read }).outcomes),
  ];
  const tables = [
    keyTable(spec, policy, locate),
    requestTable(policy, locate),
    proxyTable(spec, policy, locate),
    nameTable(policy),
    addressTable(spec, policy),
  ];
  const text = pageText(await pageOf(policy, { changes, tables, promises }, locate));
  const problems = replaceFile(out, text);
  if (problems.length > 0) return refuse(problems);
  const summary = `${out}: ${count(policy.routes.length, 'request')}, ${count(policy.apiKeys.length, 'key')}`;
  return print({ ...about, status: 0, diagnostics: [], summary }, format, io);
}

/** In their order on the page. */
interface Parts {
  readonly changes: PageList | undefined;
  readonly tables: readonly PageTable[];
  /** What is to hold, item by item. */
  readonly promises: readonly PageList[];
}

async function pageOf(policy: Policy, parts: Parts, locate: Locate): Promise<Page> {
  const { name, routes, apiKeys, proxies } = policy;
  const { changes, tables, promises } = parts;
  return {
    name,
    summary: summaryOf(policy, parts),
    parts: [...(changes ? [changes] : []), ...tables, ...promises],
    groups: groupNames(policy),
    groupsOf: {
      key: Object.fromEntries(apiKeys.map(({ id, allGroups, groups }) => [id, allGroups ? null : groups])),
      upstream: Object.fromEntries(
        policy.upstreams.map(({ id }) => [
          id,
          [...new Set(routes.flatMap(({ group, forwarding }) => (forwarding.upstream === id ? group : [])))],
        ]),
      ),
      proxy: Object.fromEntries(proxies.map(({ id, groups }) => [id, groups])),
    },
    data: { policy: packed(decidedPart(policy)), places: placesOf(policy, locate) },
    script: await pageScript(),
  };
}

function groupNames({ routes }: Policy): string[] {
  return [...new Set(routes.map(({ group }) => group))];
}

/** What is in the spec, and by list how much is as it should be. */
function summaryOf({ routes, apiKeys, proxies }: Policy, { changes, promises }: Parts): PageItem[] {
  const servers = proxies.length === 1 ? '1 proxy' : `${proxies.length} proxies`;
  const inside = [count(routes.length, 'request'), count(apiKeys.length, 'key'), servers];
  const badIn = (items: readonly PageItem[]) => items.filter(({ mark }) => mark?.tone === 'no').length;
  const wider = badIn(changes?.items ?? []);
  const told = promises.flatMap(({ title, items }): PageItem[] => {
    const bad = badIn(items);
    if (items.length === 0) return [];
    return [{ mark: bad === 0 ? YES : NO, text: `${title}: ${items.length - bad} of ${items.length}` }];
  });
  const widened = wider === 0 ? [] : [{ mark: NO, text: `${count(wider, 'change')} may do more` }];
  return [{ text: inside.join(', ') }, ...widened, ...told];
}

const YES = { text: '✓', tone: 'yes' } as const;
const NO = { text: '✗', tone: 'no' } as const;

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

function guaranteeList(outcomes: readonly TestOutcome[]): PageList {
  const items = outcomes.map(
    ({ subject, passed, actual, how }): PageItem => ({
      mark: passed ? YES : NO,
      text: `${subject}: ${passed ? 'holds' : 'does not hold'}`,
      more: passed ? how : actual,
    }),
  );
  return { title: 'Guarantees', items, none: 'The spec guarantees nothing for all requests.' };
}

function testList(outcomes: readonly TestOutcome[]): PageList {
  const items = outcomes.map(
    ({ subject, passed, expected, actual }): PageItem => ({
      mark: passed ? YES : NO,
      text: `${subject}: ${expected}`,
      more: passed ? undefined : `got ${actual}`,
    }),
  );
  return { title: 'Tests', items, none: 'The spec has no tests.' };
}

/** Valid specs keep within their envelopes, so each of them holds. */
function envelopeList(composition: Composition): PageList[] {
  const items = boundsOf(composition).envelopes.map(({ inclusion: { from, to }, within, place }): PageItem => {
    const { owner: _, ...bounds } = within;
    const words = Object.entries(bounds).map(([name, value]) => `${name} ${[value].flat().join(', ')}`);
    const { line } = createPositions(place.text)(place.start);
    const more = `${from.document.file.name}:${line}; shown for all requests, addresses and tokens of the file: none lies outside`;
    return { mark: YES, text: `${to.document.file.name} grants no more than ${words.join('; ')}`, more };
  });
  return items.length === 0 ? [] : [{ title: 'Envelopes', items, none: '' }];
}

/** By target and proxy, or target, whether the files that are generated do what the spec says, if that is to be proven. */
async function fileList(
  asked: (Pick<ProofInput, 'spec' | 'policy' | 'readFile'> & { files: readonly OutputFile[] }) | undefined,
): Promise<PageList> {
  const title = 'Generated files';
  if (!asked) {
    const none = 'Not proven here: "postern report --prove" also shows that the files decide so, whatever is asked.';
    return { title, items: [], none };
  }
  const items: PageItem[] = [];
  const kinds = new Set<keyof typeof ASSUMPTIONS>();
  for (const { outcome, line, diagnostic } of await proveWritten(asked, asked.files)) {
    kinds.add(outcome.decides);
    const how = outcome.result === 'proved' ? undefined : diagnostic?.message;
    const text =
      line ??
      `${outcome.target}: ${aboutWords(outcome)}: ${outcome.result === 'unknown' ? 'could not tell' : 'differs'}`;
    const mark = { proved: YES, differs: NO, unknown: { text: '?', tone: 'no' } } as const;
    items.push({ mark: mark[outcome.result], text, more: how });
  }
  const note = [...kinds].map((kind) => `Assumed about ${kind}: ${ASSUMPTIONS[kind].join('; ')}.`).join(' ');
  return { title, items, none: 'The spec has no target whose files can be read back.', note };
}

const code = (text: string): Cell => ({ code: text });

function keyTable(spec: Spec, { apiKeys }: Policy, locate: Locate): PageTable {
  const row = ({ id, groups, allGroups, ranges, expires, owner, rateLimit, keys, origin }: ApiKey): PageRow => ({
    about: { key: [id] },
    cells: [
      code(id),
      allGroups ? 'all' : groups.join(', '),
      ranges === undefined ? "the proxy's" : rangeWords(spec.apiKeys?.[id]?.ipRanges),
      expires === undefined ? 'never' : dateOf(expires),
      owner ?? '',
      rateLimit ? `${rateLimit.requests}/${rateLimit.per}, burst ${rateLimit.burst}` : '',
      keys.length > 1 ? 'being rotated' : '',
      code(locate(origin)),
    ],
  });
  const columns = ['Key', 'Groups', 'From', 'Expires', 'Owner', 'Rate', 'Rotation', 'Spec'];
  return { title: 'Keys', columns, rows: apiKeys.map(row) };
}

function rangeWords(items: 'any' | readonly string[] | undefined): string {
  return items === undefined ? '' : items === 'any' ? 'anywhere' : items.join(', ');
}

const MOST_KEYS = 20;

function requestTable({ routes, apiKeys, proxies }: Policy, locate: Locate): PageTable {
  const byGroup = keysByGroup(apiKeys);
  const rows = routes.map(({ group, methods, pattern, forwarding, reason, origin }): PageRow => {
    const keys = byGroup.get(group)?.map(({ id }) => id) ?? [];
    const more = keys.length > MOST_KEYS ? ` and ${keys.length - MOST_KEYS} more` : '';
    const own = proxies.filter(({ groups }) => groups.includes(group)).map(({ id }) => id);
    return {
      about: { group: [group] },
      cells: [
        methods.join(', '),
        code(pattern.text),
        group,
        forwarding.upstream,
        forwarding.auth === 'passthrough' ? 'none of ours' : `${keys.slice(0, MOST_KEYS).join(', ')}${more}`,
        own.join(', '),
        reason ?? '',
        code(locate(origin)),
      ],
    };
  });
  const columns = ['Methods', 'Path', 'Group', 'Upstream', 'Keys', 'Proxies', 'Reason', 'Spec'];
  return { title: 'Requests', columns, rows };
}

function proxyTable(spec: Spec, { proxies }: Policy, locate: Locate): PageTable {
  const row = ({ id, groups, hosts, tls, publicUrl, clientIp, origin }: Proxy): PageRow => ({
    about: { proxy: [id] },
    cells: [
      code(id),
      `${spec.proxies?.[id]?.listen ?? ''}${tls ? ' with TLS' : ''}`,
      [...hosts, publicUrl ?? ''].filter((name) => name !== '').join(', '),
      rangeWords(spec.proxies?.[id]?.ipRanges),
      clientIp.kind === 'header' ? clientIp.header : clientIp.kind,
      groups.join(', '),
      code(locate(origin)),
    ],
  });
  const columns = ['Proxy', 'Listens on', 'Names', 'From', 'Client address', 'Groups', 'Spec'];
  return { title: 'Proxies', columns, rows: proxies.map(row) };
}

function nameTable({ rewrites, registries }: Policy): PageTable {
  const rows = rewrites.map((rewrite): PageRow => {
    const { upstream, containerRegistry } = rewrite;
    const [from, to] = [code(writtenName(rewrite, 'from')), code(writtenName(rewrite, 'to'))];
    return {
      about: { upstream: upstream === undefined ? [] : [upstream] },
      cells: [from, to, upstream ?? '', containerRegistry ? 'yes' : ''],
    };
  });
  const ports = registries.map(
    ({ from, to }): PageRow => ({ about: { upstream: [] }, cells: [code(from), code(to), '', 'yes'] }),
  );
  const columns = ['Name', 'Stands for', 'Site in front of', 'Nodes pull images'];
  return { title: 'Names', columns, rows: [...rows, ...ports] };
}

/** An address set is about the keys and proxies that it, or another set with it in it, admits. */
function addressTable(spec: Spec, { addressSets }: Policy): PageTable {
  const namedBy = new Map<string, SpecPath[]>(addressSets.map(({ id }) => [id, []]));
  for (const { name, at } of setReferences(spec)) namedBy.get(name)?.push(at);
  const users = (section: string, set: string, seen = new Set([set])): string[] =>
    (namedBy.get(set) ?? []).flatMap(([place, id]) => {
      if (place === section) return String(id);
      if (place !== 'ipRanges' || seen.has(String(id))) return [];
      return users(section, String(id), seen.add(String(id)));
    });
  const rows = addressSets.map(
    ({ id, set }): PageRow => ({
      about: { key: users('apiKeys', id), proxy: users('proxies', id) },
      cells: [code(`@${id}`), { list: toCidrs(set), what: 'networks' }],
    }),
  );
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
