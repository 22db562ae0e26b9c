import { type HeaderFields, headerValues } from '../policy/request.ts';
import { CannotTell, matches, type Part } from './explore.ts';
import { includes, type Language } from './language.ts';
import { lazily } from './lazily.ts';
import { NOTHING, wholly } from './matching.ts';
import type { Forwarded } from './model.ts';
import type { SymbolicRequest } from './request.ts';

/** The headers by which a client asks for a WebSocket, and a proxy asks the upstream for one. */
export const OF_UPGRADE = ['connection', 'upgrade'] as const;

export function isOfUpgrade(name: string): boolean {
  return OF_UPGRADE.some((each) => each === name);
}

const WEBSOCKET = lazily(() => wholly('(?i)websocket'));
const NAMES_WEBSOCKET = lazily(() => wholly('(?i)[^\\n]*websocket[^\\n]*'));
const ASKS = lazily(() => wholly('(?i)(?:[^\\n]*,)?[ \\t]*upgrade[ \\t]*(?:,[^\\n]*)?'));
const UPGRADE = lazily(() => wholly('(?i)upgrade'));
const USUAL = lazily(() => wholly('(?i:close|keep-alive)?'));

/**
 * Returns how a file asks the upstream for a WebSocket otherwise than the spec says: where a route lets one through, it
 * does so for every request that asks for one in full, and for no request that names none.
 */
export function upgradeDifference(
  { headers, place }: Pick<Forwarded, 'headers' | 'place'>,
  request: SymbolicRequest,
  websocket: boolean,
): string | undefined {
  const [connection, upgrade] = OF_UPGRADE.map((name) => headers.get(name) ?? []);
  const is = (value: readonly Part[] = [], language: Language) => isIn(value, language, { request, file: place.file });
  const isNone = is(upgrade, NOTHING());
  const isUsual = is(connection, USUAL());
  const unasked = isNone ? (isUsual ? undefined : 'connection is sent, too') : 'upgrade is sent, too';
  if (!websocket) return unasked;
  const asked = request.header('upgrade');
  const isAsked =
    matches(request.run, asked, WEBSOCKET()) && matches(request.run, request.header('connection'), ASKS());
  const isWhole = !isNone && !isUsual && is(upgrade, WEBSOCKET()) && is(connection, UPGRADE());
  if (isAsked) return isWhole ? undefined : 'the upstream is not asked for the WebSocket';
  const isKnown = (isNone || is(upgrade, WEBSOCKET())) && (isUsual || is(connection, UPGRADE()));
  return isKnown && matches(request.run, asked, NAMES_WEBSOCKET()) ? undefined : unasked;
}

interface Among {
  readonly request: SymbolicRequest;
  readonly file: string;
}

/** Whether a value is one of some texts: those of the client's headers are narrowed until it is certain. */
function isIn(value: readonly Part[], language: Language, { request, file }: Among): boolean {
  const { run } = request;
  for (const part of value) {
    if (typeof part === 'string' || 'later' in part) continue;
    const header = 'piece' in part ? /^header (.*)$/.exec(part.piece)?.[1] : undefined;
    if (header !== undefined) request.header(header);
    if (!('piece' in part) || !run.pieces.has(part.piece))
      throw new CannotTell(`${file} sends a Connection or Upgrade that is not known`);
  }
  return matches(run, value, language);
}

/** What the upstream may get of these headers, in lower case, where the client says this. */
export function upgradeHeaders(fields: HeaderFields): Record<'connection' | 'upgrade', readonly string[]> {
  const [connection = '', upgrade = ''] = OF_UPGRADE.map((name) => headerValues(fields, name)[0]);
  const isNamed = includes(NAMES_WEBSOCKET(), upgrade);
  const isAsked = includes(WEBSOCKET(), upgrade) && includes(ASKS(), connection);
  const or = (word: string) => (isAsked ? [word] : isNamed ? ['', word] : ['']);
  return { connection: or('upgrade'), upgrade: or('websocket') };
}
