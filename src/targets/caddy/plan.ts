import { type Diagnostic, type Result, resultOf, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { MOST_LINKS, PHASES } from '../../plan/bounds.ts';
import { distinctSets, routeSets } from '../../plan/routeSets.ts';
import { listeners } from '../../policy/hosts.ts';
import { STATUS_MESSAGES, statusBody } from '../../policy/statuses.ts';
import type { Policy } from '../../policy/types.ts';
import { siteClient, siteProblems } from '../sites.ts';
import type { TargetInput } from '../target.ts';
import { caddyCodes } from './codes.ts';
import { type SharedHeaders, sharedHeaders } from './headers.ts';
import { pathTable, reasonTable, upstreamTable } from './log.ts';
import type { CaddyOptions } from './options.ts';
import { type ListenerModel, listenerModel, type ProxyModel, type SharedRoutes, sharedRoutesOf } from './proxy.ts';
import { bareWord, type CaddyToken, escapedBraces, filePath, quoted, trustedText } from './quote.ts';
import { type ServerModel, serverModel } from './server.ts';
import { type SitesModel, sitesModel } from './sites.ts';
import { type Table, table } from './table.ts';

interface CaddyfileModel {
  readonly admin: boolean;
  readonly written: Written;
  /** Milliseconds. */
  readonly phases: typeof PHASES;
  readonly servers: readonly ServerModel[];
  readonly sharedRoutes: readonly SharedRoutes[];
  readonly proxies: readonly ProxyModel[];
  readonly listeners: readonly ListenerModel[];
  readonly sites: SitesModel | null;
  /** Whether the spec has a shadow. */
  readonly shadowed: boolean;
  readonly headers: SharedHeaders;
  readonly logPath: Table;
  readonly logUpstream: Table;
  readonly logReason: Table;
  readonly errorMessage: Table;
  readonly errorBody: CaddyToken;
  /**
   * Expression for a `Link` with more entries than are mapped. It has no braces, because Caddy would take them for
   * placeholders and compile it for every answer.
   */
  readonly manyLinks: CaddyToken;
}

/** What Caddy writes, by its place: relative to the folder that it is started in where the options name none. */
interface Written {
  readonly socket: CaddyToken;
  readonly data: CaddyToken;
  /** Output of the access log, and whether it is a file. */
  readonly log: CaddyToken;
  readonly logsToFile: boolean;
}

function writtenBy({ writable, accessLog = 'file' }: CaddyOptions): Written {
  const inFolder = (name: string) => (writable === undefined ? name : `${writable}/${name}`);
  return {
    socket: filePath(`unix/${inFolder('admin.sock')}`),
    data: filePath(inFolder('data')),
    log: accessLog === 'file' ? filePath(inFolder('access.log')) : bareWord(accessLog),
    logsToFile: accessLog === 'file',
  };
}

function siteOptionProblems({ policy, options: { sites }, at }: Omit<TargetInput<CaddyOptions>, 'read'>): Diagnostic[] {
  const place = sites ? [...at, 'sites'] : at;
  const { clientIp, problems } = siteClient(sites?.clientIp, policy, [...place, 'clientIp']);
  const inFront = sites?.tls === 'inFront' && clientIp.kind === 'direct';
  return [...problems, ...siteProblems(policy, { engine: 'caddy', port: sites?.listen ?? 443, inFront, at: place })];
}

export function plan({ policy, options, at }: TargetInput<CaddyOptions>): Result<CaddyfileModel> {
  const problems = [
    ...versionProblems(options, at),
    ...siteOptionProblems({ policy, options, at }),
    ...limitProblems(policy),
    ...textProblems(policy, options, at),
  ];
  if (problems.some(({ severity }) => severity === 'error')) return { diagnostics: problems };
  const sharing = listeners(policy.proxies);
  const sets = routeSets(policy);
  const listening = sharing.map((list) => listenerModel({ policy, sets }, list));
  const model = {
    admin: options.admin !== 'off',
    written: writtenBy(options),
    phases: PHASES,
    servers: sharing.map(([first]) => serverModel(first)),
    sharedRoutes: distinctSets(sets).map(sharedRoutesOf),
    proxies: listening.flatMap(({ named, nameless }) => [...named, ...nameless]),
    listeners: listening,
    sites: sitesModel(policy, options),
    shadowed: policy.shadow !== undefined,
    headers: sharedHeaders(policy),
    logPath: pathTable(),
    logUpstream: upstreamTable(),
    logReason: reasonTable(),
    errorMessage: errorMessage(),
    errorBody,
    manyLinks: trustedText(`^${'[^<]*<'.repeat(MOST_LINKS + 1)}.*$`),
  };
  return resultOf(model, problems);
}

function versionProblems({ version }: CaddyOptions, at: SpecPath): Diagnostic[] {
  if (version === undefined) return [];
  const [, minor = 0, patch = Number.POSITIVE_INFINITY] = version.split('.').map(Number);
  const known = minor > 11 || (minor === 11 && patch >= 3);
  // Where the spec gives no version, `verify` tells what the Caddy of the machine does.
  return [caddyCodes.report(known ? 'unannounced-trailers' : 'old-version', [...at, 'version'], { version })];
}

function limitProblems({ apiKeys }: Policy): Diagnostic[] {
  return apiKeys
    .filter(({ rateLimit }) => rateLimit)
    .map(({ id, origin }) => caddyCodes.report('rate-limit', [...origin, 'rateLimit'], { key: id }));
}

/** Reports texts of the user that cannot be quoted in the file, each checked with the function that quotes it. */
function textProblems(policy: Policy, { sites }: CaddyOptions, at: SpecPath): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const check = (what: string, text: string, where: SpecPath, quote = escapedBraces) => {
    if (!quote(text)) problems.push(caddyCodes.report('unquotable', where, { what, text }));
  };
  // Caddy replaces placeholders in some paths and not in others, so no path may hold one.
  const path = (text: string) => (/[{}]/.test(text) ? undefined : quoted(text));
  for (const proxy of policy.proxies) {
    for (const { name, value } of proxy.responseHeaders)
      check('header value', value, [...proxy.origin, 'responseHeaders', name]);
    for (const { body, origin } of proxy.answers) check('body', body, [...origin, 'body']);
    for (const [name, file] of Object.entries(proxy.tls ?? {}))
      check('path', file, [...proxy.origin, 'tls', name], path);
  }
  for (const { tls, origin } of policy.upstreams) {
    if (tls?.caFile !== undefined) check('path', tls.caFile, [...origin, 'tls', 'caFile'], path);
  }
  if (typeof sites?.tls === 'object') {
    check('path', sites.tls.certFile, [...at, 'sites', 'tls', 'certFile'], path);
    check('path', sites.tls.keyFile, [...at, 'sites', 'tls', 'keyFile'], path);
  }
  return problems;
}

/** Returns the table of `error.message`: the text of each status, including those that Caddy itself answers with. */
function errorMessage(): Table {
  return table({
    source: '{http.error.status_code}',
    destination: 'error.message',
    entries: Object.entries(STATUS_MESSAGES),
    fallback: 'Error',
  });
}

/**
 * The body of an error, as on the other engines. Its braces are not escaped, because an import of a snippet removes the
 * escape.
 */
const errorBody = trustedText(
  statusBody(0, '{http.request.uuid}').replace('0', '{http.error.status_code}').replace('Error', '{error.message}'),
);
