import { CannotTell, lower } from '../../prove/explore.ts';
import { argsOf, type Line, nameOf, type Word } from './caddyfile.ts';

/** What a `reverse_proxy` says. */
export interface Proxying {
  readonly scheme: string;
  readonly servers: readonly string[];
  readonly verified: boolean;
  readonly serverName: string | undefined;
  /** In the order in which Caddy does it: first all headers of the client are taken away. */
  readonly added: readonly (readonly [name: string, value: string])[];
  readonly set: ReadonlyMap<string, string>;
  /** In lower case. */
  readonly deleted: readonly string[];
  /** Headers of the upstream's answer that do not pass, in lower case. */
  readonly hidden: ReadonlySet<string>;
  readonly place: string;
}

const INERT = /^(?:header_down|flush_interval|lb_retries|stream_close_delay)$/;
/** Those that choose a server, and do nothing else: `cookie` sends the client one. */
const POLICY = /^(?:round_robin|random|least_conn|first|ip_hash|client_ip_hash|uri_hash)$/;
/** Of every answer, Caddy keeps these headers to itself. */
const NEVER_PASSED = ['alt-svc', 'proxy-authenticate'];
const INERT_TRANSPORT =
  /^(?:dial_timeout|response_header_timeout|read_timeout|write_timeout|keepalive|max_response_header|tls|tls_timeout|tls_trust_pool)$/;

export function proxyingOf(words: readonly Word[], block: readonly Line[], place: string): Proxying {
  const urls = words.map(({ text }) => /^(?:(https?):\/\/)?([^/{}]+:[0-9]+)$/.exec(text));
  const schemes = new Set(urls.map((url) => url?.[1]));
  if (urls.length === 0 || urls.includes(null) || schemes.size > 1)
    throw new CannotTell(`${place}: forwards to something that is not known`);
  const added: [string, string][] = [];
  const set = new Map<string, string>();
  const deleted: string[] = [];
  const hidden = new Set(NEVER_PASSED);
  let transport: readonly Line[] = [];
  for (const line of block) {
    const [name = '', value, ...more] = argsOf(line);
    if (nameOf(line) === 'transport' && name === 'http' && value === undefined && line.block) transport = line.block;
    else if (nameOf(line) === 'header_down' && isOfPages(name)) throw new CannotTell(`${line.place}: sends ${name}`);
    else if (nameOf(line) === 'header_down' && name.startsWith('-')) hidden.add(name.slice(1).toLowerCase());
    else if (nameOf(line) === 'lb_policy' && POLICY.test(name) && value === undefined && !line.block) continue;
    else if (nameOf(line) !== 'header_up' && INERT.test(nameOf(line)) && !line.block) continue;
    else if (nameOf(line) !== 'header_up' || line.block || more.length > 0)
      throw new CannotTell(`${line.place} has "${nameOf(line)}"`);
    else if (name.startsWith('-') && value === undefined && !name.includes('{'))
      deleted.push(name.slice(1).toLowerCase());
    else if (value === undefined || /^[-?>~]/.test(name))
      throw new CannotTell(`${line.place}: a header that is not known`);
    else if (name.startsWith('+')) added.push([name.slice(1), value]);
    else set.set(/^\{/.test(name) ? name : name.toLowerCase(), value);
  }
  // Where none is named, any setting of TLS asks for it.
  const [scheme = transport.some((line) => /^tls(?:_|$)/.test(nameOf(line))) ? 'https' : 'http'] = schemes;
  return {
    scheme,
    servers: urls.map((url) => lower(url?.[2] ?? '')),
    ...transportOf(transport, place),
    added,
    set,
    deleted,
    hidden,
    place,
  };
}

/** Whether a change of answers may be one of what pages of other origins are told, beside taking a header away. */
function isOfPages(change: string): boolean {
  const name = change.replace(/^[-+?>]/, '');
  return /[*{]/.test(name) || (/^access-control-/i.test(name) && !change.startsWith('-'));
}

function transportOf(lines: readonly Line[], place: string): Pick<Proxying, 'verified' | 'serverName'> {
  let [verified, serverName] = [true, undefined as string | undefined];
  // Without this, Caddy speaks HTTP/2 with upstreams that do.
  if (!lines.some((line) => nameOf(line) === 'versions'))
    throw new CannotTell(`${place}: speaks HTTP/2 with upstreams`);
  // Without this, it asks for compressed answers in the name of clients that do not.
  if (!lines.some((line) => nameOf(line) === 'compression'))
    throw new CannotTell(`${place}: asks upstreams for compressed answers`);
  for (const line of lines) {
    const value = argsOf(line).join(' ');
    const name = nameOf(line);
    if (name === 'tls_insecure_skip_verify') verified = false;
    else if (name === 'tls_server_name') serverName = value;
    else if (
      name === 'versions' ? value !== '1.1' : name === 'compression' ? value !== 'off' : !INERT_TRANSPORT.test(name)
    )
      throw new CannotTell(`${line.place} has "${name}"`);
  }
  return { verified, serverName };
}
