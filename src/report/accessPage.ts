import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { digestOf } from '../output/header.ts';
import { inSitemapOrder } from '../plan/endpoints.ts';
import { type CidrSet, toCidrs } from '../policy/cidr.ts';
import { writtenName } from '../policy/domains.ts';
import { authorityOf, hostAndPort } from '../policy/origin.ts';
import type { ReadFile } from '../policy/ranges.ts';
import { DEFAULT_MAX_BODY } from '../policy/routes.ts';
import type { Answer, ApiKey, Forwarding, Policy, Proxy, Route, Upstream } from '../policy/types.ts';
import type { AddressSetSpec } from '../spec/rangeSchema.ts';
import type { Spec } from '../spec/schema.ts';
import type { RenderedFile } from '../targets/target.ts';

/**
 * `ACCESS.md`, the page that a reviewer reads: who may send what, from where, until when. The callers of a group stand
 * above its requests and not in every row, so that the page has a row for each request, each key and each address, and
 * one of them more is one row more.
 */
export function accessPage(spec: Spec, policy: Policy, read: ReadFile): RenderedFile {
  const sections = [
    [
      `# Access: ${policy.name}`,
      '',
      'What is not listed here is refused. HEAD is allowed wherever GET is. From the day on which it expires, a key is refused.',
    ],
    keySection(spec, policy),
    proxySection(spec, policy),
    upstreamSection(policy),
    ...requestSections(spec, policy),
    ...policy.proxies.map((proxy) => answerSection(spec, proxy)),
    pageSection(policy),
    nameSection(policy),
    addressSection(spec, policy, read),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => `${lines.join('\n')}\n`);
  return { path: 'ACCESS.md', text: text.join('\n'), comment: '<!--' };
}

function requestSections(spec: Spec, policy: Policy): string[][] {
  const keys = namesByGroup(policy.apiKeys, spec.apiKeys);
  const proxies = namesByGroup(policy.proxies, spec.proxies);
  const groups = new Map<string, Route[]>();
  for (const route of policy.routes) append(groups, route.group, route);
  return [...groups].map(([group, routes]) => {
    const forwardings = routes.map(({ forwarding }) => forwarding);
    const isKeyed = forwardings.some(({ auth }) => auth === 'apiKey');
    return [
      `## Requests: ${code(group)}`,
      '',
      `- to: ${[...new Set(forwardings.map(({ upstream }) => code(upstream)))].join(', ')}`,
      `- keys: ${isKeyed ? whoHas(group, keys) : 'none of ours, the upstream asks for its own'}`,
      `- proxies: ${whoHas(group, proxies)}`,
      '',
      ...table(
        ['Methods', 'Path', 'Also', 'Reason'],
        sorted(routes).map((route) => [...requestCells(route), beyondDefaults(route), prose(route.reason)]),
      ),
    ];
  });
}

/** By group the keys, or the proxies, that name it; `entries` are in order. */
function namesByGroup(
  entries: readonly { readonly id: string }[],
  written: Readonly<Record<string, { readonly routes?: readonly string[] | undefined }>> = {},
): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { id } of entries) {
    for (const group of written[id]?.routes ?? []) append(names, group, id);
  }
  return names;
}

const MOST_NAMES = 20;

/** Keys and proxies with all groups are not named in each of them, so that one more does not change every section. */
function whoHas(group: string, names: ReadonlyMap<string, readonly string[]>): string {
  const own = names.get(group) ?? [];
  const rest = own.length > MOST_NAMES ? [`${own.length - MOST_NAMES} more`] : [];
  return ['those with all groups', ...own.slice(0, MOST_NAMES).map(code), ...rest].join(', ');
}

/** What is below a path stands right below it, and methods of one path stand together. */
function sorted<T extends Pick<Route, 'methods' | 'pattern'>>(rows: readonly T[]): T[] {
  return inSitemapOrder(rows, ({ pattern, methods }) => `${pattern.text}\0${methods.join()}`);
}

function requestCells({ methods, pattern }: Pick<Route, 'methods' | 'pattern'>): string[] {
  return [methods.join(', '), code(pattern.text)];
}

/** What the column "Also" says of each field of a forwarding; a field that is missing here does not compile. */
const ALSO: { readonly [K in keyof Forwarding]: (value: Forwarding[K], all: Forwarding) => string | undefined } = {
  upstream: () => undefined,
  auth: () => undefined,
  headers: (names) => (names.length === 0 ? undefined : `headers ${names.map(code).join(', ')}`),
  contentTypes: (types, { auth }) => {
    const usual = auth === 'apiKey' ? 'application/json' : 'any';
    if (types === 'any') return usual === 'any' ? undefined : 'bodies of any type';
    return types.join() === usual ? undefined : `bodies of ${types.map(code).join(', ')}`;
  },
  maxBody: (bytes) => {
    if (bytes === undefined) return 'bodies of any size';
    return bytes === DEFAULT_MAX_BODY ? undefined : `bodies up to ${sizeWords(bytes)}`;
  },
  websocket: (on) => (on ? 'WebSocket' : undefined),
};

function beyondDefaults({ forwarding }: Route): string {
  const said = <K extends keyof Forwarding>(field: K) => ALSO[field](forwarding[field], forwarding);
  return (Object.keys(ALSO) as (keyof Forwarding)[]).flatMap((field) => said(field) ?? []).join('; ');
}

const UNITS = [
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['kB', 1024],
] as const;

function sizeWords(bytes: number): string {
  const [unit, size] = UNITS.find(([, size]) => bytes % size === 0) ?? [' bytes', 1];
  return `${bytes / size}${unit}`;
}

function keySection(spec: Spec, { apiKeys }: Policy): string[] {
  const row = ({ id, keys, rateLimit, owner }: ApiKey) => {
    const { routes, ipRanges, expires } = spec.apiKeys?.[id] ?? {};
    const rate = rateLimit ? `${rateLimit.requests}/${rateLimit.per}, burst ${rateLimit.burst}` : '';
    const groups = routes ? routes.toSorted().map(code).join(', ') : 'all';
    const from = ipRanges ? `the proxy's in ${fromWords(ipRanges)}` : "the proxy's";
    return [code(id), groups, from, expires ?? '', rate, keys.length > 1 ? `${keys.length} keys` : '', prose(owner)];
  };
  const columns = ['Key', 'Groups', 'From', 'Expires', 'Rate', 'Rotation', 'Owner'];
  return titled('Keys', table(columns, apiKeys.map(row)));
}

function proxySection(spec: Spec, { proxies }: Policy): string[] {
  const row = ({ id, hosts, clientIp, tls, apiKeyHeader, apiKeyScheme }: Proxy) => {
    const { listen, ipRanges, clientIp: written, routes } = spec.proxies?.[id] ?? {};
    const behind = typeof written === 'object' ? ` behind ${fromWords(written.trustedProxies)}` : '';
    const address = clientIp.kind === 'header' ? code(clientIp.header) : clientIp.kind;
    const groups = routes ? routes.toSorted().map(code).join(', ') : 'all';
    const port = [
      code(String(listen)),
      ...(tls ? ['with TLS'] : []),
      ...(hosts.length > 0 ? [`as ${hosts.map(code).join(', ')}`] : []),
    ].join(' ');
    const key = headerCode(apiKeyHeader, apiKeyScheme);
    return [code(id), port, fromWords(ipRanges ?? []), `${address}${behind}`, key, groups];
  };
  const columns = ['Proxy', 'Listens on', 'From', 'Client address', 'Key in', 'Groups'];
  return titled('Proxies', table(columns, proxies.map(row)));
}

/** A header as it starts, with the scheme before its value: `Authorization: Bearer`. */
function headerCode(header: string, scheme: string | undefined): string {
  return code(`${header}: ${scheme ?? ''}`.trimEnd());
}

function upstreamSection({ upstreams }: Policy): string[] {
  const row = ({ tls, servers, tokenHeader, tokenScheme, ...upstream }: Upstream) => {
    const addresses = servers.map(hostAndPort).sort();
    const isPool = addresses.join() !== hostAndPort(upstream);
    const token = headerCode(tokenHeader, tokenScheme);
    const certificate = tls?.insecureSkipVerify ? 'not checked' : (tls?.serverName ?? 'none');
    const pool = isPool ? addresses.map(code).join(', ') : '';
    return [code(upstream.id), code(`${upstream.scheme}://${authorityOf(upstream)}`), pool, certificate, token];
  };
  return titled('Upstreams', table(['Upstream', 'Is', 'Servers', 'Certificate of', 'Token in'], upstreams.map(row)));
}

function answerSection(spec: Spec, { id, answers, health, routes }: Proxy): string[] {
  const { health: written, ipRanges = [] } = spec.proxies?.[id] ?? {};
  const from = (answer: Answer) =>
    answer === health ? fromWords(typeof written === 'object' ? (written.from ?? 'any') : 'any') : fromWords(ipRanges);
  const hasKeys = routes.some(({ forwarding }) => forwarding.auth === 'apiKey');
  const rows = sorted([...answers, ...(health ? [health] : [])]).map((answer) => [
    ...requestCells(answer),
    String(answer.status),
    answer.auth === 'none' || !hasKeys ? 'none' : 'any of ours',
    from(answer),
  ]);
  return titled(`Answered by ${code(id)} itself`, table(['Methods', 'Path', 'Status', 'Key', 'From'], rows));
}

/** Who may use a proxy through the browsers of others: a row each, so that one origin more is one row more. */
function pageSection({ proxies }: Policy): string[] {
  const rows = proxies.flatMap(({ id, cors }) => {
    if (!cors) return [];
    const headers = cors.headers.map(code).join(', ');
    const origins = cors.origins === 'any' ? ['any'] : cors.origins.map(code);
    return origins.map((origin) => [code(id), origin, headers, `${cors.maxAge} s`]);
  });
  const columns = ['Proxy', 'Pages of', 'May send', 'Remembered for'];
  return titled('Pages in browsers', table(columns, rows));
}

function nameSection({ rewrites, registries }: Policy): string[] {
  const rows = rewrites.map((rewrite) => {
    const { upstream, containerRegistry } = rewrite;
    const name = (side: 'from' | 'to') => code(writtenName(rewrite, side));
    return [name('from'), name('to'), upstream ? code(upstream) : '', containerRegistry ? 'yes' : ''];
  });
  const ports = registries.map(({ from, to }) => [code(from), code(to), '', 'yes']);
  const all = [...rows, ...ports].sort(byFirst);
  return titled('Names', table(['Name', 'Stands for', 'Site in front of', 'Nodes pull images'], all));
}

const MOST_ADDRESSES = 256;

function addressSection(spec: Spec, { addressSets }: Policy, read: ReadFile): string[] {
  const isSaid = addressSets.some(({ notes }) => notes.length > 0);
  const rows = addressSets.flatMap(({ id, set }) => {
    const written = spec.ipRanges?.[id] ?? [];
    const ranges = rangeCells(written, set, read);
    const rest = [...ranges.keys()].slice(MOST_ADDRESSES);
    const cut = rest.length > 0 ? [[`${rest.length} more, sha256:${digestOf(rest.join())}`, ...NOTHING_SAID]] : [];
    const shown = [...ranges].slice(0, MOST_ADDRESSES).map(([range, said]) => [cellOf(range), ...said]);
    return [...shown, ...cut].map(([cell = '', ...said]) => [code(`@${id}`), cell, ...(isSaid ? said : [])]);
  });
  const columns = ['Set', 'Range', ...(isSaid ? ['Expires', 'Owner', 'Reason'] : [])];
  return titled('Addresses', table(columns, rows));
}

const NOTHING_SAID = ['', '', ''];
const EXCEPT = 'except ';

/** What a set lists, in order, with until when, whom to ask and why. Of what others publish, the networks that it comes to. */
function rangeCells(written: AddressSetSpec, set: CidrSet, read: ReadFile): Map<string, readonly string[]> {
  const plain = (texts: readonly string[]) => texts.map((text) => [text, NOTHING_SAID] as const);
  if (!Array.isArray(written)) {
    const isList = (written.format ?? 'list') === 'list';
    return new Map(plain([...new Set(isList ? entriesOf(read(written.file)) : toCidrs(set))].sort()));
  }
  const cells = written.map((item): readonly [string, readonly string[]] => {
    if (typeof item === 'string') return [item, NOTHING_SAID];
    if ('not' in item) return [`${EXCEPT}${item.not}`, NOTHING_SAID];
    return [item.cidr, [item.expires ?? '', prose(item.owner), prose(item.reason)]];
  });
  return new Map(cells.toSorted(byFirst));
}

function cellOf(range: string): string {
  return range.startsWith(EXCEPT) ? `${EXCEPT}${code(range.slice(EXCEPT.length))}` : code(range);
}

/** The lines of a file of ranges; that each is one has been checked. */
function entriesOf(text = ''): string[] {
  return text.split('\n').flatMap((line) => line.replace(/#.*/, '').trim() || []);
}

/** Ranges as the spec has them: sets by name, because their addresses stand in a table of their own. */
function fromWords(items: 'any' | readonly string[]): string {
  if (items === 'any') return 'anywhere';
  const shown = items.toSorted().slice(0, MOST_NAMES).map(code);
  const rest = items.length - shown.length;
  return rest > 0 ? `${shown.join(', ')}, ${rest} more, sha256:${digestOf(items.join())}` : shown.join(', ');
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines];
}

/** Cells are not padded to one width, because a longer one would then change every row. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => (cell === '' ? '|' : `${cell} |`)).join(' ')}`;
  return [columns, columns.map(() => '---'), ...rows].map(line);
}

function byFirst([a = '']: readonly [string?, ...unknown[]], [b = '']: readonly [string?, ...unknown[]]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What most names, addresses and paths are made of. */
const PLAIN = /^[\w.:/@{}-]+$/;

/** In a table even code spans need their bars escaped. */
function code(text: string): string {
  if (PLAIN.test(text)) return `\`${text}\``;
  const shown = printable(text).replaceAll('|', '\\|');
  return shown.includes('`') ? `\`\` ${shown} \`\`` : `\`${shown}\``;
}

/** Free text as it reads, with nothing in it that Markdown or HTML would take for its own. */
function prose(text = ''): string {
  if (text === '') return '';
  return printable(maskSecrets(text.replace(/\s+/g, ' ').trim())).replace(/[\\`*_[\]<>|&~]/g, '\\$&');
}

function append<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list) list.push(item);
  else lists.set(name, [item]);
}
