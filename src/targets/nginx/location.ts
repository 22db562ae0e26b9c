import { CannotTell } from '../../prove/explore.ts';
import type { Answered, ForwardedTls } from '../../prove/model.ts';
import { checkInert } from './inert.ts';
import type { NginxDirective } from './liveConfig.ts';
import { type Template, templateOf } from './tables.ts';

/** What a location does with a request, as far as it is known. */
export interface Location {
  readonly internal: boolean;
  readonly answer: Pick<Answered, 'status' | 'body'> | undefined;
  readonly allow: Template | undefined;
  /** Headers of the answer for pages of other origins. */
  readonly pages: ReadonlyMap<string, Template>;
  readonly hidden: ReadonlySet<string>;
  readonly pass: string | undefined;
  readonly passesAll: boolean;
  readonly headers: ReadonlyMap<string, string>;
  readonly maxBody: number;
  readonly tls: Omit<ForwardedTls, 'name'> & { readonly name: string | undefined };
  /** Whether the file says that upstreams are spoken to by HTTP/1.1, which is not the default of every release. */
  readonly isNewer: boolean;
  /** Whether an answer of the upstream may send the request to another location. */
  readonly obeys: boolean;
}

/** Default of client_max_body_size, in bytes. */
const USUAL_BODY = 1024 ** 2;

/** Headers by which clients find where an answer ends, and what becomes of the connection. */
const FRAMING = /^(?:connection|content-length|transfer-encoding|upgrade)$/i;

export function readLocation(block: readonly NginxDirective[], place: string): Location {
  const headers = new Map<string, string>();
  const pages = new Map<string, Template>();
  const hidden = new Set<string>();
  let [internal, passesAll, isNewer, maxBody] = [false, true, false, USUAL_BODY];
  let [answer, pass] = [undefined, undefined] as [Location['answer'], string | undefined];
  let [verified, tellsName, obeys] = [false, false, true];
  let tlsName: string | undefined;
  for (const directive of block) {
    const { name, args } = directive;
    const [first = '', second] = args;
    if (name === 'internal') internal = true;
    else if (name === 'client_max_body_size') maxBody = sizeOf(first);
    else if (name === 'return' && answer === undefined) answer = answerOf(first, second, place);
    else if (name === 'add_header' && /^(?:allow|access-control-.*)$/i.test(first)) addPage(pages, args, place);
    else if (name === 'add_header' && FRAMING.test(first)) throw new CannotTell(`${place} sends ${first} of its own`);
    else if (name === 'add_header') continue;
    else if (name === 'proxy_hide_header') hidden.add(first.toLowerCase());
    else if (name === 'proxy_pass') pass = first;
    else if (name === 'proxy_pass_request_headers') passesAll = first !== 'off';
    else if (name === 'proxy_set_header') addSent(headers, first, second, place);
    else if (name === 'proxy_ssl_verify') verified = first === 'on';
    else if (name === 'proxy_ssl_name') tlsName = first;
    else if (name === 'proxy_ssl_server_name') tellsName = first === 'on';
    else if (name === 'proxy_ignore_headers') obeys &&= !args.some((each) => /^x-accel-redirect$/i.test(each));
    else {
      checkInert(directive, 'location', place);
      isNewer ||= name === 'proxy_http_version';
    }
  }
  const allow = pages.get('allow');
  pages.delete('allow');
  const tls = { verified, name: tlsName, tellsName };
  return { internal, answer, allow, pages, hidden, pass, passesAll, headers, maxBody, tls, isNewer, obeys };
}

function answerOf(code: string, body: string | undefined, place: string): NonNullable<Location['answer']> {
  // nginx takes other numbers for orders: it closes the connection, for instance.
  if (!/^[2-5][0-9]{2}$/.test(code) || code === '444' || code === '499')
    throw new CannotTell(`${place} answers with "${code}"`);
  // An error without a text is that of nginx itself, and the text of a redirect is where it leads.
  const isOwn = /^30[12378]$/.test(code) || (body === '' && Number(code) >= 400);
  return { status: Number(code), body: isOwn ? undefined : body };
}

/** nginx sends headers of one name side by side, and without "always" only with some answers. */
function addPage(pages: Map<string, Template>, args: readonly string[], place: string): void {
  const [name = '', text = '', always] = args;
  const header = name.toLowerCase();
  if (pages.has(header)) throw new CannotTell(`${place} sends ${name} twice`);
  if (always !== 'always') throw new CannotTell(`${place} sends ${name} with some answers only`);
  pages.set(header, templateOf(text));
}

function addSent(headers: Map<string, string>, name: string, text: string | undefined, place: string): void {
  const header = name.toLowerCase();
  if (headers.has(header)) throw new CannotTell(`${place} sends ${name} to the upstream twice`);
  if (/^(?:content-length|transfer-encoding)$/.test(header))
    throw new CannotTell(`${place} tells the upstream another ${name}`);
  headers.set(header, text ?? '');
}

function sizeOf(text: string): number {
  const [whole, number, unit = ''] = /^([0-9]+)([kmg]?)$/i.exec(text) ?? [];
  if (whole === undefined) throw new CannotTell('client_max_body_size is no size');
  return Number(number) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ');
}
