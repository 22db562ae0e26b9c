import type { Address, CidrSet } from './cidr.ts';
import { contains, parseAddress } from './cidr.ts';
import { credentialIn, credentialText, isKeyShaped } from './key.ts';
import type { ClientAddress, Proxy } from './types.ts';

/** Header fields in the order sent, with names in any case. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/**
 * The credential in the key header of a request. `unknown` has the form of a key but belongs to no caller; `id` is the
 * id of a caller.
 */
export type Credential =
  | { readonly kind: 'missing' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'known'; readonly id: string };

/** Everything that a decision depends on. */
export interface ProxyRequest {
  readonly method: string;
  /** Request target as on the request line. */
  readonly target: string;
  readonly headers: HeaderFields;
  /** Bytes of the request's head as sent; computed from the request line and these headers if absent. */
  readonly headBytes?: number;
  readonly client: Address;
  readonly credential: Credential;
  /** Moment of the request, seconds since the epoch. */
  readonly at: number;
}

/** Returns the bytes of a head: the request line, a line for each header, and the empty line. */
export function headBytesOf({
  method,
  target,
  headers,
  headBytes,
}: Pick<ProxyRequest, 'method' | 'target' | 'headers' | 'headBytes'>): number {
  const fields = headers.reduce((sum, [name, value]) => sum + name.length + value.length + ': \r\n'.length, 0);
  return headBytes ?? `${method} ${target} HTTP/1.1\r\n\r\n`.length + fields;
}

/** Returns all values of a header in the order sent, without surrounding blanks. */
export function headerValues(headers: HeaderFields, name: string): string[] {
  const lower = name.toLowerCase();
  return headers.filter(([field]) => field.toLowerCase() === lower).map(([, value]) => withoutBlanks(value));
}

/** Source of a token of HTTP, such as a method or the name of a header. */
export const TOKEN_SOURCE = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TOKEN = new RegExp(`^${TOKEN_SOURCE}$`);

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Returns a text without spaces and tabs at its ends. `trim` would also remove what HTTP does not, such as U+00A0. */
export function withoutBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Reads the key header of a proxy; `idOf` gives the id of the caller with a key. */
export function credentialOf(
  headers: HeaderFields,
  { apiKeyHeader, apiKeyScheme }: Pick<Proxy, 'apiKeyHeader' | 'apiKeyScheme'>,
  idOf: (key: string) => string | undefined,
): Credential {
  const sent = credentialIn(headerValues(headers, apiKeyHeader));
  if (sent === '') return { kind: 'missing' };
  const before = credentialText(apiKeyScheme, '');
  const key = sent.slice(before.length);
  if (!sent.startsWith(before) || !isKeyShaped(key)) return { kind: 'malformed' };
  const id = idOf(key);
  return id === undefined ? { kind: 'unknown' } : { kind: 'known', id };
}

/**
 * Returns the address of the client behind trusted proxies. The header is read from the right, and the first address
 * that is not trusted is the client. The text to its left was written by that client and is ignored.
 */
export function clientAddress(source: ClientAddress, peer: Address, headers: HeaderFields): Address {
  if (source.kind !== 'header' || !trusts(source.trusted, peer)) return peer;
  let client = peer;
  const hops = headerValues(headers, source.header).flatMap((value) => value.split(','));
  for (const hop of hops.reverse()) {
    const address = parseAddress(withoutBlanks(hop));
    if (!address) return client;
    client = address;
    if (!trusts(source.trusted, address)) return client;
  }
  return client;
}

function trusts(trusted: CidrSet, address: Address): boolean {
  return contains(trusted, address);
}
