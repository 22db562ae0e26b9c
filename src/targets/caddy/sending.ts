import { isToken } from '../../policy/request.ts';
import { CannotTell, lower, orUnknown, type Part } from '../../prove/explore.ts';
import type { Forwarded } from '../../prove/model.ts';
import { CALLERS_TOKEN, EVEN_EMPTY, peerIn } from '../../prove/request.ts';
import { type MapTable, templateOf } from './handlers.ts';
import type { Meaning } from './meaning.ts';
import { asWritten, headerIn, isNobodys } from './placeholders.ts';
import type { Proxying } from './proxying.ts';
import type { Scope } from './scope.ts';

/** What a `reverse_proxy` does with a request; `undefined` for one that Go does not send, so that Caddy answers 502. */
export function forwarded(
  { scheme, servers, verified, serverName, hidden, ...own }: Proxying,
  { meaning, scope, maxBody, isWhole }: Forwarding,
): Omit<Forwarded, 'place' | 'pages'> | undefined {
  const headers = sentHeaders(own, meaning, scope);
  const odd = [...headers.keys()].find((name) => name.includes(':'));
  // Caddy takes a colon at the end away.
  if (odd !== undefined) throw new CannotTell(`${own.place}: a header is called "${odd}"`);
  if (![...headers.keys()].every(isToken)) return undefined;
  const hosts = new Set(servers.map((server) => server.replace(/:\d+$/, '')));
  return {
    kind: 'forward',
    scheme,
    servers: [...servers].sort(),
    // Without a name, Go asks for that of the server.
    tls: {
      verified,
      name:
        serverName === undefined ? (hosts.size === 1 ? [...hosts] : undefined) : nameInTls(serverName, meaning, scope),
      tellsName: serverName === undefined ? undefined : true,
    },
    isWhole,
    headers,
    passesOthers: !own.deleted.includes('*'),
    obeys: false,
    maxBody,
    tooLarge: 413,
    hidden,
  };
}

/** The name that the certificate of an upstream is checked for. */
function nameInTls(name: string, meaning: Meaning, scope: Scope): readonly Part[] {
  return orUnknown('a name that is not known', () => {
    const parts = meaning.resolved(meaning.evaluate(templateOf(name, 'tls_server_name'), scope));
    const [only, ...more] = parts;
    // Go takes the dot of the root away.
    return typeof only === 'string' && more.length === 0 ? [only.replace(/[.]$/, '')] : parts;
  });
}

interface Forwarding {
  readonly meaning: Meaning;
  readonly scope: Scope;
  readonly maxBody: number;
  readonly isWhole: boolean;
}

/** Where the headers of the client are not taken away, these are not either, and a value is added to them. */
const OF_CADDY = /^x-forwarded-(?:for|host|proto)$/i;

type Headers = Pick<Proxying, 'added' | 'set' | 'deleted' | 'place'>;

function sentHeaders({ added, set, deleted, place }: Headers, meaning: Meaning, scope: Scope) {
  const isDeleted = (name: string) => deleted.some((each) => each !== '*' && isLike(name, each));
  const sent = new Map<string, readonly Part[]>();
  for (const [name, value] of added) {
    if (/[{}]/.test(name)) throw new CannotTell(`${place}: sends ${name}`);
    const isToOwn = !deleted.includes('*') && OF_CADDY.test(name);
    const own = isToOwn ? [{ piece: 'what Caddy sends, too' }] : sentAs(name, value, { meaning, scope, place });
    const before = sent.get(lower(name));
    sent.set(lower(name), before ? [ONE_OF_TWO, ...secretsIn([...before, ...own])] : own);
  }
  // What is set takes the place of what was added.
  for (const [name, values] of setHeaders({ set, place, isDeleted }, meaning, scope)) {
    const value = valueOf(values, meaning);
    if (value) sent.set(name, value);
  }
  const left = new Map([...sent].filter(([name]) => !isDeleted(name)));
  for (const name of left.keys())
    if (/^(?:content-length|trailer|transfer-encoding)$/.test(name))
      throw new CannotTell(`${place}: tells the upstream another ${name}`);
  return left;
}

/** A value that is one of two, or two at once. Caddy sets headers in no order, so that it is another one each time. */
const ONE_OF_TWO: Part = { piece: 'one of two values' };

function secretsIn(parts: readonly Part[]): readonly Part[] {
  return parts.filter((part) => typeof part === 'object' && 'secret' in part);
}

interface SetHeader {
  readonly value: readonly Part[];
  /** The header that it copies, if only where it came. */
  readonly copies: string | undefined;
}

/** Of several values of one header, that which comes, if any does: a header that is copied may not be there. */
function valueOf(values: readonly SetHeader[], meaning: Meaning): readonly Part[] | undefined {
  const [first, ...others] = values;
  if (others.length === 0) return first?.value;
  const there = values.filter(({ copies }) => copies === undefined || !meaning.isEmptyHeader(copies));
  // One that copies a header if it came says the same as one that always copies it.
  const isSame = there.every(({ value }) => there.some(({ copies }) => isCopyOf(value, copies)));
  const [only, ...more] = isSame ? there.slice(0, 1) : there;
  const all = there.flatMap(({ value }) => value);
  return more.length === 0 ? only?.value : [ONE_OF_TWO, ...secretsIn(all)];
}

function isCopyOf(value: readonly Part[], header: string | undefined): boolean {
  const [part] = value;
  return header !== undefined && typeof part === 'object' && 'piece' in part && part.piece === `header ${header}`;
}

interface Setting extends Pick<Proxying, 'set' | 'place'> {
  readonly isDeleted: (name: string) => boolean;
}

/** All values that a header is set to, by its name. */
function setHeaders({ set, place, isDeleted }: Setting, meaning: Meaning, scope: Scope) {
  const found = new Map<string, SetHeader[]>();
  const put = (name: string, value: readonly Part[], copies?: string) =>
    found.set(name, [...(found.get(name) ?? []), { value, copies }]);
  for (const [name, value] of set) {
    const [, placeholder] = /^\{([\w.-]+)\}$/.exec(name) ?? [];
    if (placeholder === undefined) {
      if (/[{}]/.test(name)) throw new CannotTell(`${place}: sends ${name}`);
      put(name, sentAs(name, value, { meaning, scope, place }));
      continue;
    }
    const table = scope.tables.find((each) => each.name === placeholder);
    if (!table && !isNobodys(placeholder, scope)) throw new CannotTell(`${place}: {${placeholder}} is not known`);
    const copied = table && copiedHeader(table, value, isDeleted);
    const header = headerOf(value);
    if (copied !== undefined) put(copied, [{ piece: `header ${header}` }], header);
    else {
      const own = lower(meaning.text(asWritten(templateOf(name, place), scope), scope, 'a header'));
      put(own, sentAs(own, value, { meaning, scope, place }));
    }
  }
  return found;
}

function isLike(name: string, pattern: string): boolean {
  if (/^[*].*[*]$/.test(pattern)) return name.includes(pattern.slice(1, -1));
  if (pattern.endsWith('*')) return name.startsWith(pattern.slice(0, -1));
  return pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name === pattern;
}

function headerOf(template: string): string | undefined {
  return /^\{http\.request\.header\.([A-Za-z0-9-]+)\}$/.exec(template)?.[1]?.toLowerCase();
}

/** The header that is sent as it came, if it came: what is empty gets a name that is deleted. `undefined`: another one. */
function copiedHeader(
  { source, rows, fallback }: MapTable,
  value: string,
  isDeleted: (name: string) => boolean,
): string | undefined {
  const header = headerOf(value);
  const [only] = source;
  const [row, ...others] = rows;
  const isCopy =
    source.length === 1 &&
    typeof only === 'object' &&
    headerIn(only.name) === header &&
    row?.input === '' &&
    others.length === 0 &&
    isDeleted(lower(row.output)) &&
    /^[A-Za-z0-9-]+$/.test(fallback);
  return isCopy ? lower(fallback) : undefined;
}

interface Sending {
  readonly meaning: Meaning;
  readonly scope: Scope;
  readonly place: string;
}

/** What Go leaves out where it is empty, or says by itself. */
const OF_GO = /^(?:connection|upgrade|user-agent)$/i;

/** The value under a name that is there whatever it is. Caddy sends a header without a value, too. */
function sentAs(name: string, value: string, sending: Sending): readonly Part[] {
  const parts = sentValue(value, sending);
  if (OF_GO.test(name)) return parts;
  if (parts.length === 0) return [{ piece: 'no value' }];
  const header = headerOf(value);
  return header === undefined || header === 'host' ? parts : [...parts, EVEN_EMPTY];
}

function sentValue(value: string, { meaning, scope, place }: Sending): readonly Part[] {
  const header = headerOf(value);
  // Go takes it out of the headers.
  if (header !== undefined && header !== 'host') return [{ piece: `header ${header}` }];
  if (/^\{(?:http[.]request[.]remote[.]host|remote_host)\}$/.test(value)) return peerIn(meaning.request.world);
  const template = asWritten(templateOf(value, place), scope);
  return meaning.resolved(meaning.evaluate(template, scope)).map((part) => {
    const isToken = typeof part === 'object' && 'piece' in part && part.piece === CALLERS_TOKEN;
    return isToken ? { secret: CALLERS_TOKEN } : part;
  });
}
