import { systemProblem } from '../output/disk.ts';
import { epochSeconds } from '../policy/apiKeys.ts';
import type { HeaderFields } from '../policy/request.ts';
import { readBytes } from '../source/read.ts';
import { isRecord, parseJson } from '../source/value.ts';
import { jsonDecision } from './explainRequest.ts';
import type { Io, Status } from './io.ts';
import { locator } from './location.ts';
import { type Asked, decider, type Problem, problemText } from './request.ts';
import type { Understood } from './spec.ts';

/** One JSON request or line of an access log in, one JSON decision a line out; a bad line gets an error in its place. */
export function explainRequests(file: string, { policy, document }: Understood, io: Io): Status {
  const text = readRequests(file, io);
  if (typeof text !== 'string') {
    io.err(`postern: cannot read ${file}: ${text.problem}\n`);
    return 2;
  }
  const decide = decider(policy);
  const locate = locator(document);
  let status: Status = 0;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) {
    io.err(`postern: there is no request in ${file}\n`);
    return 2;
  }
  const answers = lines.map((line, index) => {
    const asked = askedBy(line, io.now);
    const decided = 'problem' in asked ? asked : decide(asked);
    if (!('problem' in decided)) return jsonDecision(decided, locate);
    status = 2;
    return { error: problemText(decided), line: index + 1 };
  });
  io.out(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
  return status;
}

function readRequests(file: string, io: Io): string | { readonly problem: string } {
  try {
    const found = file === '-' ? { bytes: io.readStdin() } : readBytes(file, { pipes: true });
    return 'problem' in found ? found : new TextDecoder().decode(found.bytes);
  } catch (error) {
    return { problem: systemProblem(error) };
  }
}

const FIELDS =
  'the fields are method, target, apiKey, from, headers, proxy and at; lines of our own access logs are taken as they are';

function askedBy(line: string, now: number): Asked | Problem {
  const value = parseJson(line);
  if (!isRecord(value)) return { problem: 'not a JSON object', hint: FIELDS };
  if (typeof value['path'] === 'string' && value['target'] === undefined)
    return loggedRequest(value, value['path'], now);
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

/** A line of an access log that a generated configuration wrote: it names neither query nor body nor headers. */
function loggedRequest(line: Record<string, unknown>, path: string, now: number): Asked | Problem {
  const { method, client, key, proxy, time } = line;
  const moment = typeof time === 'string' ? Date.parse(time) / 1000 : now;
  if (typeof method !== 'string' || typeof client !== 'string' || Number.isNaN(moment))
    return { problem: 'not a line of an access log', hint: 'it has the fields time, client, method, path and key' };
  const given = (text: unknown) => (typeof text === 'string' && text !== '' ? text : undefined);
  return { method, target: path, apiKey: given(key), from: client, proxy: given(proxy), headers: [], at: moment };
}

function headerFields(headers: unknown): HeaderFields | undefined {
  if (headers === undefined || headers === null) return [];
  if (!isRecord(headers)) return undefined;
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, unknown] => [name, one]),
  );
  return fields.every((field): field is [string, string] => typeof field[1] === 'string') ? fields : undefined;
}

/** Logs write a missing key as null. */
function isOptionalText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string';
}
