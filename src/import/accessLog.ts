import { parseDocument } from '../source/document.ts';
import { isRecord, memberOf, parseJson } from '../source/value.ts';

/** A request of an access log, in the fields that learning needs. */
export interface Seen {
  readonly method: string;
  /** Raw path, without the query. */
  readonly path: string;
  readonly status: number;
  /** Id of the key; "" if the log has none. */
  readonly key: string;
  /** Reason why the proxy refused the request, in the words of the log; "" if it did not. */
  readonly reason: string;
}

const METHOD = /^[A-Z][A-Z0-9-]{0,31}$/;
const REQUEST = /^([A-Z][A-Z0-9-]{0,31}) (\S+)(?: HTTP\/[0-9.]+)?$/;
/** A time in brackets before a quoted text. Its length has a bound, so that a line full of brackets is read at once. */
const TIMED = /\[\d[\w/:.+-]{7,40}(?: [+-]\d{4})?\] "/g;
/** The common and the combined format of Apache and nginx from the time on, with escapes such as `\x22`. */
const COMBINED = /^[^"]*"([^"\\]*(?:\\.[^"\\]*)*)" (\d{3})\b/;
/**
 * The format of AWS load balancers: type, time, name, client, target, three durations, two statuses, two sizes,
 * "request".
 */
const ALB = /^(?:https?|h2|grpcs|wss?) \S+ \S+ \S+ \S+ \S+ \S+ \S+ (\d{3}|-) \S+ \S+ \S+ "([^"]*)"/;

/** Columns by name of a tab-separated log that names them, such as CloudFront's. */
export type Columns = ReadonlyMap<string, number>;

/** Returns the columns that a `#Fields:` line names. */
export function columnsOf(line: string): Columns | undefined {
  if (!line.startsWith('#Fields:')) return undefined;
  return new Map(
    line
      .slice(8)
      .trim()
      .split(/\s+/)
      .map((name, index) => [name, index]),
  );
}

/** Reads a line in any of the formats; `undefined` if it has none of them. */
export function seenIn(line: string, columns?: Columns): Seen | undefined {
  if (line.startsWith('{')) return fromJson(line);
  if (columns) return fromColumns(line, columns);
  const alb = ALB.exec(line);
  if (alb) return fromRequest(alb[2] ?? '', Number(alb[1]) || 0);
  // Where a user name holds a time and a request as well, nobody can tell which of the two is the real one.
  const [timed, second] = line.matchAll(TIMED);
  if (!timed || second || !/^\S+ \S+ /.test(line)) return undefined;
  const combined = COMBINED.exec(line.slice(timed.index));
  return combined ? fromRequest(combined[1] ?? '', Number(combined[2])) : undefined;
}

function fromJson(line: string): Seen | undefined {
  const value = parseJson(line);
  if (!isRecord(value) || isAmbiguous(line)) return undefined;
  const { method, path, status, key, reason, request, route, upstream } = value;
  // Neither a route nor an upstream answered: the proxy answered a preflight by itself.
  const isPreflight = method === 'OPTIONS' && reason === '' && route === '' && upstream === '';
  if (typeof method === 'string' && typeof path === 'string')
    return seen(
      method,
      path,
      Number(status) || 0,
      typeof key === 'string' ? key : '',
      isPreflight ? 'preflight' : typeof reason === 'string' ? reason : '',
    );
  // The format of Caddy's default access log.
  const [verb, uri] = [memberOf(request, 'method'), memberOf(request, 'uri')];
  if (typeof verb === 'string' && typeof uri === 'string') return seen(verb, uri, Number(status) || 0);
  return typeof request === 'string' ? fromRequest(request, Number(status) || 0) : undefined;
}

const MEMBERS = ['method', 'path', 'status', 'reason', 'request', 'uri'].map((name) => `"${name}":`);

/**
 * Returns whether a line has one member twice, so that readers differ in what it says. That is looked at closely only
 * where a name occurs twice, because logs have many lines.
 */
function isAmbiguous(line: string): boolean {
  const isTwice = (member: string) => {
    const first = line.indexOf(member);
    return first >= 0 && line.includes(member, first + 1);
  };
  return MEMBERS.some(isTwice) && parseDocument({ name: 'log', text: line }).value === undefined;
}

function fromColumns(line: string, columns: Columns): Seen | undefined {
  const parts = line.split('\t');
  const part = (name: string) => parts[columns.get(name) ?? -1];
  const [method, path] = [part('cs-method'), part('cs-uri-stem')];
  if (method === undefined || path === undefined) return undefined;
  return seen(method, path.replace(WRITTEN_FOR, decodeURIComponent), Number(part('sc-status')) || 0);
}

/** What CloudFront writes for a character of the path: a percent sign of the path itself is "%25" in its logs. */
const WRITTEN_FOR = /%(?:2[257]|3[CE]|5[B-E]|60|7[B-E])/gi;

function fromRequest(text: string, status: number): Seen | undefined {
  const [, method, target] = REQUEST.exec(text) ?? [];
  return method === undefined || target === undefined ? undefined : seen(method, target, status);
}

function seen(method: string, target: string, status: number, key = '', reason = ''): Seen | undefined {
  // Load balancers log the whole URL.
  const raw = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = raw.search(/[?#]/);
  const path = mark < 0 ? raw : raw.slice(0, mark);
  return METHOD.test(method) ? { method, path: path === '' ? '/' : path, status, key, reason } : undefined;
}
