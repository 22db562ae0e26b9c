import { type DraftItem, identifierOf, type NotCarried } from '../../import/draft.ts';
import type { AnswerFound, Carried } from './importAccess.ts';
import type { Facts, KeyMap } from './importFacts.ts';
import type { Written } from './importTree.ts';
import { nearest } from './importVerdict.ts';

interface Made {
  readonly item: DraftItem;
  readonly notCarriedOver: readonly NotCarried[];
}

const place = ({ file, line }: Written) => ({ file, line });

interface Serving {
  readonly http: Written;
  readonly ranges: 'any' | readonly string[];
  readonly groups: readonly string[];
  readonly answers: readonly AnswerFound[];
  readonly keys: KeyMap | undefined;
}

/** Returns the proxy that replaces a server. */
export function proxyItem(server: Written, { http, ranges, groups, answers, keys }: Serving): Made {
  const notCarriedOver: NotCarried[] = [];
  const all = (name: string) => (server.block ?? []).filter((one) => one.name === name);
  const listens = listensOf(server);
  const [first] = listens;
  const address = first?.args[0] ?? '80';
  for (const other of listens.slice(1))
    if (!/^\[::\]/.test(other.args[0] ?? '') || portOf(other.args[0] ?? '') !== portOf(address))
      notCarriedOver.push({
        ...place(other),
        what: 'listen',
        reason: 'a proxy listens on one port: write another one for it',
      });
  if (HOST_NAME.test(address) && hostOf(address) !== 'localhost')
    notCarriedOver.push({
      file: server.file,
      line: first?.line ?? server.line,
      what: 'listen',
      reason: 'a proxy listens on an address, not on a name: this one on all',
    });
  const isTls = listens.some(({ args }) => args.includes('ssl'));
  const [certificate, key] = ['ssl_certificate', 'ssl_certificate_key'].map((name) => all(name)[0]?.args[0]);
  const names = wholeNames(server);
  for (const one of all('server_name'))
    if (one.args.some((name) => /[*~]/.test(name)))
      notCarriedOver.push({ ...place(one), what: 'server_name', reason: 'names of a proxy are whole names' });
  const { clientIp, lost } = clientAddress(server, http);
  notCarriedOver.push(...lost);
  const scheme = keys && keys.entries.length > 0 && keys.entries.every(({ key: value }) => value.startsWith('Bearer '));
  const value = {
    listen: listenOf(address),
    ...(names.length > 0 && { hosts: [...new Set(names.map((name) => name.toLowerCase()))] }),
    ...(isTls && certificate !== undefined && key !== undefined && { tls: { certFile: certificate, keyFile: key } }),
    ipRanges: ranges,
    ...(clientIp && { clientIp }),
    ...(keys && { apiKeyHeader: keys.header }),
    ...(scheme && { apiKeyScheme: 'Bearer' }),
    routes: groups,
    methodNotAllowed: 404,
    ...(answers.length > 0 && {
      answer: answers.map(({ pattern, status, open, methods }) => ({
        request: `${methods.join()} ${pattern}`,
        ...(open && { auth: 'none' }),
        status,
      })),
    }),
  };
  if (isTls && !value.tls)
    notCarriedOver.push({
      ...place(server),
      what: 'listen ssl',
      reason: 'its certificate is not here: name it under tls',
    });
  const [named] = names;
  const id = identifierOf(named ?? 'api', 'api');
  return { item: { id, notes: [`${server.file}:${server.line}`], value }, notCarriedOver };
}

/** Returns who says the address of a client, where it is not the connection. */
function clientAddress(server: Written, http: Written): { clientIp?: object; lost: readonly NotCarried[] } {
  const lost: NotCarried[] = [];
  const trusts = nearest([http, server], ['set_real_ip_from']);
  const isRange = ({ args }: Written) => /^[0-9A-Fa-f.:/]+$/.test(args[0] ?? '');
  const trusted = trusts.filter(isRange).flatMap(({ args }) => args);
  for (const other of trusts.filter((one) => !isRange(one)))
    lost.push({ ...place(other), what: other.name, reason: 'proxies are trusted by their addresses' });
  const header = nearest([http, server], ['real_ip_header'])[0]?.args[0] ?? 'X-Real-IP';
  const [recursive] = nearest([http, server], ['real_ip_recursive']);
  if (trusted.length > 0 && /^X-Forwarded-For$/i.test(header) && recursive?.args[0] !== 'on')
    lost.push({
      file: server.file,
      line: server.line,
      what: 'real_ip_header',
      reason: 'the last address of the header was the client, and is now the last that no trusted proxy has',
    });
  if (trusted.length === 0) return { lost };
  const how = header === 'proxy_protocol' ? { proxyProtocol: true } : { header };
  return { clientIp: { trustedProxies: trusted, ...how }, lost };
}

/** Returns where a server listens over TCP. */
function listensOf({ block = [] }: Written): readonly Written[] {
  return block.filter(({ name, args }) => name === 'listen' && !args[0]?.startsWith('unix:'));
}

function wholeNames({ block = [] }: Written): string[] {
  return block
    .flatMap(({ name, args }) => (name === 'server_name' ? args : []))
    .filter((name) => /^[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z0-9-]+$/.test(name));
}

/**
 * Returns why a proxy in place of a server would answer more than it: a proxy without names answers to all, as only the
 * default server of a port does.
 */
export function unreachable(server: Written, servers: readonly Written[]): string | undefined {
  const [listen] = listensOf(server);
  if (!listen && server.block?.some(({ name }) => name === 'listen')) return 'a proxy listens on TCP';
  if (wholeNames(server).length > 0) return undefined;
  const addressOf = (one: Written | undefined) => (one?.args[0] ?? '80').replace(/^(?:\*:)?(?=\d+$)/, '');
  const address = addressOf(listen);
  const beside = servers.filter((other) => {
    const listens = listensOf(other);
    return listens.length === 0 ? address === '80' : listens.some((one) => addressOf(one) === address);
  });
  const first =
    beside.find((other) =>
      listensOf(other).some(
        (one) => addressOf(one) === address && one.args.some((arg) => arg === 'default' || arg === 'default_server'),
      ),
    ) ?? beside[0];
  return first === server ? undefined : 'no whole name leads to it, and another server is the default of its port';
}

function portOf(address: string): string {
  return /(?:^|:)(\d+)$/.exec(address)?.[1] ?? '80';
}

/** An address of `listen` that names its host, as in `localhost:8080`. */
const HOST_NAME = /^[A-Za-z]/;

const hostOf = (address: string) => address.replace(/:\d+$/, '');

function listenOf(address: string): number | string {
  const port = Number(portOf(address));
  if (HOST_NAME.test(address) && hostOf(address) === 'localhost') return `127.0.0.1:${port}`;
  const host = address.replace(/:?\d+$/, '');
  return /^\d+$/.test(address) || host === '' || host === '*' || host === '[::]' || !/^[\d.]+$|^\[/.test(host)
    ? port
    : address;
}

/** Returns the upstream that a target names, with the servers behind it. */
export function upstreamItem({ origin, forward }: Carried, { upstreams }: Facts): Made {
  const notCarriedOver: NotCarried[] = [];
  const url = new URL(origin);
  const name = /^https?:\/\/([^/:]+|\[[^\]]+\])/.exec(origin)?.[1] ?? url.hostname;
  const block = upstreams.get(name);
  const headers = nearest(forward.scope, ['proxy_set_header']);
  const headerOf = (wanted: string) => headers.find(({ args }) => args[0]?.toLowerCase() === wanted);
  const host = headerOf('host');
  const literal = host?.args[1] !== undefined && /^[A-Za-z0-9.:-]+$/.test(host.args[1]) ? host.args[1] : undefined;
  if (host && literal === undefined && !/^\$(?:proxy_host|\{proxy_host\})$/.test(host.args[1] ?? ''))
    notCarriedOver.push({
      ...place(host),
      what: 'proxy_set_header Host',
      reason: 'the upstream hears its own name, not that of the client',
    });
  const servers = (block?.block ?? []).filter((one) => one.name === 'server' && !one.args.includes('down'));
  for (const one of servers) {
    if (one.args.length > 1)
      notCarriedOver.push({
        ...place(one),
        what: 'server',
        reason: `${one.args.slice(1).join(' ')}: all servers of a pool are alike`,
      });
    if (one.args[0]?.startsWith('unix:'))
      notCarriedOver.push({ ...place(one), what: 'server', reason: 'an upstream is reached over TCP' });
  }
  const pool = servers.map(({ args }) => args[0] ?? '').filter((one) => one !== '' && !one.startsWith('unix:'));
  const shown = literal ?? (block ? name.replaceAll('_', '-') : origin.slice(origin.indexOf('//') + 2));
  const tokens = headers.find(({ args }) => forward.keys && args[1]?.includes(forward.keys.variable));
  const token = tokens?.args[0];
  const scheme = /^(Bearer|token|Basic) /.exec(tokens?.args[1] ?? '')?.[1];
  if (forward.keys && !token)
    notCarriedOver.push({
      ...place(forward.at),
      what: 'proxy_pass',
      reason: 'the upstream got no token of its own; a spec gives it one for each key',
    });
  for (const one of headers)
    if (one !== host && one !== tokens)
      notCarriedOver.push({
        ...place(one),
        what: `proxy_set_header ${one.args[0] ?? ''}`,
        reason: 'what the upstream hears is what a spec says of headers: see "headers" of routes',
      });
  const value = {
    url: `${url.protocol}//${shown.toLowerCase()}`,
    ...(pool.length > 0 && { servers: pool.map((one) => (/:\d+$/.test(one) ? one : `${one}:80`)) }),
    ...(token !== undefined && token.toUpperCase() !== 'PRIVATE-TOKEN' && { tokenHeader: token }),
    ...(scheme !== undefined && { tokenScheme: scheme }),
  };
  const [verify] = nearest(forward.scope, ['proxy_ssl_verify']);
  if (url.protocol === 'https:' && verify?.args[0] !== 'on')
    notCarriedOver.push({
      ...place(forward.at),
      what: 'proxy_pass',
      reason: 'its certificate was not verified, and is now: name a private CA under tls.caFile',
    });
  const where = block ?? forward.at;
  return {
    item: {
      id: identifierOf(name.replace(/\.[a-z]+$/, ''), 'upstream'),
      notes: [`${where.file}:${where.line}`],
      value,
    },
    notCarriedOver,
  };
}
