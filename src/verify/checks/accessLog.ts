import { isOfField, LOG_FIELDS, type LogLine, SHADOW_FIELDS, type ShadowLine } from '../../plan/log.ts';
import { formatAddress, parseAddress } from '../../policy/cidr.ts';
import type { Policy } from '../../policy/types.ts';
import { isRecord, parseJson } from '../../source/value.ts';
import { requestIdIn } from '../compare.ts';
import type { Answered, Exchange } from '../exchange.ts';
import type { Expectation, Expected } from '../expect.ts';
import type { CheckFailure } from './check.ts';

const FIELDS = Object.keys(LOG_FIELDS).filter((name): name is keyof LogLine => name in LOG_FIELDS);
/** The most decisions that are looked for in the log. */
const MOST_DECISIONS = 5_000;

/** Remembers what the log must say about requests that were sent. */
export interface Journal {
  note(expectation: Expectation, exchange: Exchange): void;
  /** What is wrong with the log. Call it once the engine has ended and so has written everything. */
  compare(log: AsyncIterable<string>, proxyOrigin: CheckFailure['at']): Promise<CheckFailure[]>;
}

export function openJournal({ shadow }: Pick<Policy, 'shadow'>): Journal {
  const due = new Map<string, number>();
  /** The lines that must be logged of errors, by the request id in the error's body. */
  const dueIds = new Map<string, string>();
  let noted = 0;
  return {
    note({ expected }, { answers }) {
      const [only, ...others] = expected;
      const [answer] = answers;
      if (!only || others.length > 0 || !answer || noted >= MOST_DECISIONS) return;
      const line = lineOf(only, answer);
      if (line === undefined) return;
      noted += 1;
      due.set(line, (due.get(line) ?? 0) + 1);
      const id = only.decision.kind === 'deny' ? requestIdIn(answer.response) : undefined;
      if (id !== undefined) dueIds.set(id, line);
    },
    async compare(log, at) {
      const fields = shadow === undefined ? FIELDS : [...FIELDS, ...SHADOWED];
      // Only what is due is kept: a long run logs millions of lines.
      const found = new Map<string, number>();
      const foundIds = new Map<string, string>();
      for await (const line of log) {
        if (line === '') continue;
        const said = parseJson(line);
        const problem = lineProblem(line, said, fields);
        if (problem !== undefined) return [{ at, problem: `the access log ${problem}` }];
        const { id, key } = saidBy(isRecord(said) ? said : {});
        if (due.has(key)) found.set(key, (found.get(key) ?? 0) + 1);
        if (dueIds.has(id)) foundIds.set(id, key);
      }
      const missing = missingFrom(found, due) ?? missingIds(foundIds, dueIds);
      return missing === undefined ? [] : [{ at, problem: `the access log lacks a line with ${missing}` }];
    },
  };
}

/**
 * The line that must be logged of a request; none where an engine may refuse it while parsing, or read it otherwise.
 */
function lineOf(
  { fixture, decision, request, client, refusable, logged }: Expected,
  { response, arrival }: Answered,
): string | undefined {
  const { status } = response;
  const asDecided = decision.kind === 'forward' ? arrival !== undefined : status === decision.status;
  const isPlain = /^[A-Z_-]+$/.test(request.method) && /^\/[\x21-\x7e]*$/.test(request.target);
  // A misdirected request may be logged by any proxy of its socket.
  const isOwn = decision.kind !== 'deny' || decision.reason !== 'misdirected';
  if (!asDecided || !isPlain || !isOwn || refusable !== undefined) return undefined;
  return lineWith({
    proxy: fixture.proxy.id,
    client: formatAddress(client),
    method: request.method,
    status,
    ...logged,
  });
}

function lineWith(said: Readonly<Record<string, unknown>>): string {
  const { proxy, client, method, path, status, reason, route, key, shadow, shadowRoute } = said;
  return JSON.stringify({ proxy, client, method, path, status, reason, route, key, shadow, shadowRoute });
}

const TYPES = { ...LOG_FIELDS, ...SHADOW_FIELDS };
const SHADOWED = Object.keys(SHADOW_FIELDS).filter((name): name is keyof ShadowLine => name in SHADOW_FIELDS);

function lineProblem(line: string, said: unknown, fields: readonly (keyof typeof TYPES)[]): string | undefined {
  if (!isRecord(said)) return `has a line that is no JSON object: ${line.slice(0, 200)}`;
  const missing = fields.find((field) => !(field in said));
  if (missing !== undefined) return `has a line without "${missing}": ${line.slice(0, 200)}`;
  const mistyped = fields.find((field) => !isOfField(field, said[field]));
  if (mistyped !== undefined)
    return `has a line whose "${mistyped}" is not a ${TYPES[mistyped]}: ${line.slice(0, 200)}`;
  const other = Object.keys(said).find((field) => !fields.some((each) => each === field));
  if (other !== undefined) return `has a line with "${other}": ${line.slice(0, 200)}`;
  return String(said['path']).includes('?') ? `shows a query: ${line.slice(0, 200)}` : undefined;
}

/** What a line says: its id, and the rest as text. */
interface Said {
  readonly id: string;
  readonly key: string;
}

function saidBy(said: Readonly<Record<string, unknown>>): Said {
  // An IPv4 address may arrive and be logged as IPv6, ::ffff:10.0.0.1.
  const address = parseAddress(String(said['client']));
  return {
    id: String(said['id']),
    key: lineWith({ ...said, client: address ? formatAddress(address) : said['client'] }),
  };
}

/** The first id of an error whose line is not in the log: a user who reports this id could not be helped. */
function missingIds(found: ReadonlyMap<string, string>, due: ReadonlyMap<string, string>): string | undefined {
  const [id, line] = [...due].find(([each, due]) => found.get(each) !== due) ?? [];
  return id && `the id ${id} and ${line}`;
}

function missingFrom(found: ReadonlyMap<string, number>, due: ReadonlyMap<string, number>): string | undefined {
  return [...due].find(([line, times]) => (found.get(line) ?? 0) < times)?.[0];
}
