import { formatAddress } from '../policy/cidr.ts';
import { credentialText, keySource } from '../policy/key.ts';
import { schemeOf, urlHost } from '../policy/origin.ts';
import type { Proxy } from '../policy/types.ts';
import { USUAL_PORTS } from './nameModel.ts';
import type { NameDifference } from './names.ts';
import type { ExampleRequest } from './request.ts';

type Shown = Pick<
  ExampleRequest,
  'method' | 'target' | 'headers' | 'client' | 'credential' | 'at' | 'isNow' | 'headBytes'
> &
  Partial<Pick<ExampleRequest, 'caller' | 'keyText' | 'peer'>>;

const KEY = new RegExp(keySource());

/**
 * Returns a request as a `curl` line, with the client's address and the bytes of the request. Keys are named, and never
 * shown; what stands behind one is.
 */
export function shownRequest(
  { method, target, headers, client, peer = client, credential, caller, keyText = '', at, isNow, headBytes }: Shown,
  proxy: Proxy,
): string {
  const isFollowed = caller?.kind === 'followed';
  const fields = headers.filter(([name]) => !isFollowed || name !== proxy.apiKeyHeader);
  const id = isFollowed ? caller.key.id : credential.kind === 'known' ? credential.id : undefined;
  if (id !== undefined) {
    const value = keyText === '' ? `<key of ${id}>` : keyText.replace(KEY, () => `<key of ${id}>`);
    fields.push([proxy.apiKeyHeader, credentialText(proxy.apiKeyScheme, value)]);
  }
  const { address = 'localhost', port } = proxy.listen;
  const origin = `${schemeOf(proxy)}://${urlHost(address)}:${port}`;
  const words = [
    'curl -i --path-as-is',
    `-X ${method}`,
    ...fields.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    quoted(`${origin}${target}`),
  ];
  const raw = [`${method} ${target} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`), '', ''].join(
    '\r\n',
  );
  const size = headBytes === undefined ? '' : `, with a head of ${headBytes} bytes`;
  const moment = isNow ? '' : ` at ${new Date(at * 1000).toISOString()}`;
  return `${words.join(' ')}  # from ${formatAddress(peer)}${moment}${size}; raw: ${JSON.stringify(raw)}`;
}

/** Returns a question to a name server as a `dig` line. */
export function shownQuestion({ name, type, socket }: Pick<NameDifference, 'name' | 'type' | 'socket'>): string {
  const { scheme, port } = socket ?? { scheme: 'dns', port: USUAL_PORTS.dns };
  const words = [
    scheme === 'quic' ? 'kdig +quic' : 'dig',
    ...(port === USUAL_PORTS[scheme] ? [] : ['-p', port]),
    ...(scheme === 'tls' ? ['+tls'] : []),
    quoted(`${name}.`),
    type,
  ];
  return words.join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What a proof assumes, in words for people, by what is proved. */
export const ASSUMPTIONS: Readonly<Record<'requests' | 'names' | 'pulls', readonly string[]>> = {
  requests: [
    'the engine starts with these files ("nginx -t")',
    'the engine refuses what is no HTTP/1.0 or 1.1 request, CONNECT and TRACE, and two lengths of one body',
    'a header that decides is sent once; blanks around it are taken away',
    'the head that is counted is the one that was sent',
    'secrets are as "secrets render" writes them: ends of keys differ ignoring case, and no two keys have one MD5',
    'no more than eight trusted proxies stand in a row; with the PROXY protocol, the address is the one that the engine finds',
    'a Host that is no name or address may be refused first, a target whose escapes or dots make no path too, and a head that is too large for any reason',
    'servers of upstreams answer; how many failures one may have before it is passed over is not looked at',
    'of answers of upstreams, only that some headers are hidden is looked at, not how others are mapped ("verify" does that) or bodies compressed',
    'of other answers, status, Allow, what pages of other origins are told and bodies of the spec are looked at, not their other headers',
    'rates, connections, timeouts, TLS of clients, which authorities and name servers are trusted, what is logged (also of a shadow), the sites of domain rewrites, and whatever listens on other ports are not looked at',
  ],
  names: [
    'CoreDNS starts with this file, and has its plugins in the order of its releases',
    'questions are of class IN and of one type, neither ANY nor DS; no label of a name holds a dot, a blank or another character that is written with a backslash',
    'it listens where the spec says; all sockets of the file are looked at, but not their ports and addresses',
    'where only lines or blocks for a Corefile of others are made, the rest of it rewrites none of these names before, and has no narrower block for them',
    'somebody is asked for the new name; which server that is, and whether it has records, is not looked at; names in HTTPS and SVCB records are not mapped back',
  ],
  pulls: [
    'the product reads the files where they are meant to be, and no other file says something of these registries',
    'an endpoint that does not answer is passed over; names, certificates, credentials and proxies on the way to it are not looked at',
  ],
};
