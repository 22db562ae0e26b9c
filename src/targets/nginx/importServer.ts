import { type DraftItem, identifierOf, type NotCarried } from '../../import/draft.ts';
import type { AnswerFound } from './importAccess.ts';
import type { KeyMap } from './importFacts.ts';
import { socketAt } from './importListen.ts';
import type { Written } from './importTree.ts';
import { nearest } from './importVerdict.ts';

export interface Made {
  readonly item: DraftItem;
  readonly notCarriedOver: readonly NotCarried[];
  /** Set where an older version of nginx does not take it. */
  readonly version?: string;
}

export const place = ({ file, line }: Written) => ({ file, line });

interface Serving {
  readonly http: Written;
  readonly names: readonly string[];
  readonly ranges: 'any' | readonly string[];
  readonly groups: readonly string[];
  readonly answers: readonly AnswerFound[];
  readonly keys: KeyMap | undefined;
}

/** Returns the proxy that replaces a server. */
export function proxyItem(server: Written, { http, names, ranges, groups, answers, keys }: Serving): Made {
  const notCarriedOver: NotCarried[] = [];
  const all = (name: string) => (server.block ?? []).filter((one) => one.name === name);
  const listens = listensOf(server);
  const [first] = listens;
  const address = first?.args[0] ?? '80';
  for (const other of listens.slice(1))
    if (socketAt(other.args[0] ?? '').replace(/^\[::\]:/, '') !== socketAt(address))
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
  const { clientIp, lost } = clientAddress(server, http);
  notCarriedOver.push(...lost);
  const scheme = keys && keys.entries.length > 0 && keys.entries.every(({ key: value }) => value.startsWith('Bearer '));
  const value = {
    listen: listenOf(address),
    ...(names.length > 0 && { hosts: names }),
    ...(isTls && certificate !== undefined && key !== undefined && { tls: { certFile: certificate, keyFile: key } }),
    ipRanges: ranges,
    ...(clientIp && { clientIp }),
    ...(keys && { apiKeyHeader: keys.header }),
    ...(scheme && { apiKeyScheme: 'Bearer' }),
    routes: groups,
    methodNotAllowed: 404,
    ...(answers.length > 0 && {
      answer: answers.map(({ pattern, status, keys: asked, methods }) => ({
        request: `${methods.join()} ${pattern}`,
        ...(!asked && { auth: 'none' }),
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
  const version = clientIp && 'header' in clientIp && isNewHeader(clientIp.header) ? { version: '1.23' } : {};
  return { item: { id, notes: [`${server.file}:${server.line}`], value }, notCarriedOver, ...version };
}

/** Whether a header of trusted proxies is one that old versions of nginx do not read whole. */
function isNewHeader(header: string): boolean {
  return header !== 'proxy_protocol' && !/^X-Forwarded-For$/i.test(header);
}

interface ClientAddress {
  readonly clientIp?: { readonly trustedProxies: readonly string[] } & (
    | { readonly header: string }
    | { readonly proxyProtocol: true }
  );
  readonly lost: readonly NotCarried[];
}

/** Returns who says the address of a client, where it is not the connection. */
function clientAddress(server: Written, http: Written): ClientAddress {
  const lost: NotCarried[] = [];
  const trusts = nearest([http, server], ['set_real_ip_from']);
  const isRange = ({ args }: Written) => /^[0-9A-Fa-f.:/]+$/.test(args[0] ?? '');
  const trusted = trusts.filter(isRange).flatMap(({ args }) => args);
  for (const other of trusts.filter((one) => !isRange(one)))
    lost.push({ ...place(other), what: other.name, reason: 'proxies are trusted by their addresses' });
  const header = nearest([http, server], ['real_ip_header'])[0]?.args[0] ?? 'X-Real-IP';
  const [recursive] = nearest([http, server], ['real_ip_recursive']);
  if (trusted.length > 0 && header !== 'proxy_protocol' && recursive?.args[0] !== 'on')
    lost.push({
      file: server.file,
      line: server.line,
      what: 'real_ip_header',
      reason: 'the last address of the header was the client, and is now the last that no trusted proxy has',
    });
  if (trusted.length === 0) return { lost };
  if (isNewHeader(header))
    lost.push({
      ...place(server),
      what: 'real_ip_header',
      reason: 'several of it are read from nginx 1.23 on, so that the target says that version',
    });
  const how = header === 'proxy_protocol' ? { proxyProtocol: true as const } : { header };
  return { clientIp: { trustedProxies: trusted, ...how }, lost };
}

/** Returns where a server listens over TCP. */
function listensOf({ block = [] }: Written): readonly Written[] {
  return block.filter(({ name, args }) => name === 'listen' && !args[0]?.startsWith('unix:'));
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
