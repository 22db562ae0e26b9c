import { isDenial } from '../plan/log.ts';
import { epochSeconds } from '../policy/dates.ts';
import { type Decision, type Denial, splitTarget } from '../policy/decide.ts';
import type { HeaderFields } from '../policy/request.ts';
import type { Policy } from '../policy/types.ts';
import { isRecord, parseJson } from '../source/value.ts';
import { jsonDecision } from './explainRequest.ts';
import { type Io, type Status, unable, withHint } from './io.ts';
import { locator } from './location.ts';
import { type LoggedLine, loggedRequest, type SiteLine } from './loggedRequest.ts';
import { eachLogLine } from './logLines.ts';
import { reasonOf } from './reason.ts';
import { type Asked, type Decided, decider, type Problem, problemText } from './request.ts';
import type { Understood } from './spec.ts';

/**
 * Reads one JSON request or access log line a line, and writes one JSON decision a line; a bad line gets an error
 * instead. For a line of a log, the answer also says whether the decision is the same as then.
 */
export function explainRequests(file: string, { policy, document }: Understood, io: Io): Status {
  const lines: string[] = [];
  const unread = eachLogLine(file, io, (line) => void lines.push(line));
  if (unread !== undefined) return unable(withHint(`cannot read ${file}: ${unread}`, REQUESTS), io);
  const decide = decider(policy);
  const locate = locator(document);
  if (lines.length === 0) return unable(withHint(`there is no request in ${file}`, REQUESTS), io);
  const found: (boolean | null)[] = [];
  const refusal = refusals();
  let unclear = 0;
  let sites = 0;
  const answers = lines.map((line, index) => {
    const read = readLine(line, policy, io.now);
    if ('site' in read) {
      sites += 1;
      return { site: read.site, logged: read.logged, same: null };
    }
    const decided = 'problem' in read ? read : decide(read.asked);
    if ('problem' in decided) {
      unclear += 1;
      return { error: problemText(decided), line: index + 1 };
    }
    const answer = jsonDecision(decided, locate);
    if ('problem' in read || !read.logged) return { ...answer, ...refusal(decided) };
    const then = replayed(read.logged, decided.decision);
    found.push(then.same);
    return { ...answer, ...(then.same === null ? {} : refusal(decided)), ...then };
  });
  io.out(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
  if (found.length + sites > 0) io.err(summary(found, sites));
  if (unclear > 0)
    return unable(withHint(`of ${lines.length} lines of ${file}, ${unclear} cannot be decided`, REQUESTS), io);
  if (sites === lines.length) return unable(withHint(`no line of ${file} is of a proxy`, REQUESTS), io);
  return found.includes(false) ? 1 : 0;
}

const REQUESTS =
  'write one JSON object a line, such as {"method":"GET","target":"/api/v4/user"}, or give an access log of ours';

/** The most paths that a pattern near them is looked for, which takes as long as the spec has routes. */
const MOST_NEAR = 10_000;

/** Returns a function that says why a request is refused; the same path is compared with the patterns once. */
function refusals(): (decided: Decided) => { readonly reason?: string } {
  const known = new Map<string, string>();
  return (decided) => {
    const { decision, proxy, request } = decided;
    if (decision.kind !== 'deny') return {};
    if (decision.reason !== 'path') return { reason: reasonOf(decided) };
    const name = `${proxy.id} ${splitTarget(request.target)[0]}`;
    const reason = known.get(name) ?? (known.size < MOST_NEAR ? reasonOf(decided) : undefined);
    if (reason === undefined) return {};
    known.set(name, reason);
    return { reason };
  };
}

function summary(found: readonly (boolean | null)[], sites: number): string {
  const count = (same: boolean | null) => found.filter((each) => each === same).length;
  const untold = count(null) === 0 ? '' : `, ${count(null)} cannot be told from what a log says`;
  const ofSites =
    sites === 0 ? '' : `; ${sites} ${sites === 1 ? 'line is' : 'lines are'} of sites, which pass on everything`;
  return `postern: of ${found.length} logged decisions ${count(true)} are the same now, ${count(false)} are not${untold}${ofSites}\n`;
}

const FIELDS =
  'the fields are method, target, apiKey, from, headers, proxy and at; lines of our own access logs are taken as they are';

interface Line {
  readonly asked: Asked;
  /** The logged request and decision, if the line comes from an access log. */
  readonly logged?: LoggedLine;
}

function readLine(line: string, policy: Policy, now: number): Line | SiteLine | Problem {
  const value = parseJson(line);
  if (!isRecord(value)) return { problem: 'not a JSON object', hint: FIELDS };
  if (typeof value['path'] === 'string' && value['target'] === undefined) return loggedRequest(value, policy);
  const asked = askedBy(value, now);
  return 'problem' in asked ? asked : { asked };
}

function askedBy(value: Record<string, unknown>, now: number): Asked | Problem {
  const { method, target, apiKey, from, headers, proxy, at, ...rest } = value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) return { problem: `unknown field "${unknown}"`, hint: FIELDS };
  if (typeof method !== 'string' || typeof target !== 'string')
    return { problem: 'method and target must be texts', hint: FIELDS };
  const fields = headerFields(headers);
  if (!isOptionalText(apiKey) || !isOptionalText(from) || !isOptionalText(proxy) || !fields) {
    return {
      problem: 'a field is of the wrong type',
      hint: 'apiKey, from and proxy are texts, headers an object of texts or of lists of texts',
    };
  }
  const moment = at === undefined ? now : typeof at === 'string' ? epochSeconds(at) : at;
  if (typeof moment !== 'number') return { problem: 'at is not a moment', hint: 'a UTC date, or seconds since 1970' };
  return {
    method,
    target,
    apiKey: apiKey ?? undefined,
    from: from ?? undefined,
    proxy: proxy ?? undefined,
    headers: fields,
    at: moment,
  };
}

/** Reasons that cannot be decided again, because a log has no query, no body and no headers, not even Host. */
const UNTOLD: readonly string[] = ['head-size', 'misdirected', 'query', 'content-type', 'body-size'] satisfies Denial[];

/** Compares the logged decision with the one now. `same` is null if the line does not say enough. */
function replayed(
  { method, reason, upstream, path }: LoggedLine,
  now: Decision,
): { logged: string; same: boolean | null } {
  // Where the target was no path, engines log none.
  const isCut = path === '' || (path.endsWith('/*') && (reason === 'path' || reason === 'method'));
  if (UNTOLD.includes(reason) || isCut) return { logged: reason, same: null };
  // The headers that make a request a preflight are not logged.
  const isAnswered = reason === '' && upstream === '';
  if (isAnswered && method === 'OPTIONS' && now.kind === 'deny') return { logged: 'answer', same: null };
  if (isDenial(reason)) return { logged: reason, same: now.kind === 'deny' && now.reason === reason };
  if (upstream !== '') return { logged: 'allow', same: now.kind === 'forward' };
  // Other reasons come from an engine, such as too many requests: the policy has neither allowed nor denied them.
  return reason === '' ? { logged: 'answer', same: now.kind === 'answer' } : { logged: reason, same: null };
}

function headerFields(headers: unknown): HeaderFields | undefined {
  if (headers === undefined || headers === null) return [];
  if (!isRecord(headers)) return undefined;
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, unknown] => [name, one]),
  );
  return fields.every((field): field is [string, string] => typeof field[1] === 'string') ? fields : undefined;
}

/** Accepts null, as logs write for a missing key. */
function isOptionalText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string';
}
