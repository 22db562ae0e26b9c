import { corsFields } from '../plan/cors.ts';
import { forwardPlan, toldAddress } from '../plan/forwards.ts';
import { HIDDEN_ADDRESS_HEADERS } from '../policy/answerHeaders.ts';
import { formatAddress } from '../policy/cidr.ts';
import type { Decision } from '../policy/decide.ts';
import { credentialText } from '../policy/key.ts';
import { authorityOf, hostAndPort } from '../policy/origin.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { exampleOf, type Part, pieceOf, type Run } from './explore.ts';
import type { Forwarded, ForwardedTls, Outcome } from './model.ts';
import { CALLER, CALLERS_TOKEN, type ExampleRequest, PEER } from './request.ts';
import { upgradeHeaders } from './upgrades.ts';

/** What the reader says that an engine does with one request. */
export type Said = SaidAnswer | SaidForward;

interface Told {
  /** Headers for pages of other origins, in lower case. */
  readonly pages: ReadonlyMap<string, string>;
}

export interface SaidAnswer extends Told {
  readonly kind: 'answer';
  readonly status: number;
  /** "" where it is not sent. */
  readonly allow: string;
  /** `undefined` where it is not compared. */
  readonly body: string | undefined;
}

type Spoken = 'scheme' | 'servers' | 'isWhole' | 'hidden' | 'passesOthers' | 'obeys';

/** As in `ForwardedTls`; a name that is not known is `undefined`. */
interface SaidTls extends Omit<ForwardedTls, 'name'> {
  readonly name: string | undefined;
}

export interface SaidForward extends Told, Pick<Forwarded, Spoken> {
  readonly kind: 'forward';
  readonly tls: SaidTls;
  /** Headers that go upstream; tokens as `<token of one>`, and `undefined` for what is not known. */
  readonly headers: ReadonlyMap<string, string | undefined>;
  /** What these may be instead, in lower case. */
  readonly upgrade?: ReturnType<typeof upgradeHeaders>;
}

/** Returns the bytes of the body that a request announces; `undefined` for none. */
export function bodyLength({ headers, body }: Pick<ExampleRequest, 'headers' | 'body'>): number | undefined {
  return body === 'length' ? Number(headers.find(([name]) => name === 'Content-Length')?.[1]) : undefined;
}

/** Returns the outcome for the example of a run, see `SymbolicRequest.example`. */
export function saidOf(outcome: Outcome, run: Run, example: ExampleRequest): Said {
  const length = bodyLength(example);
  const pages = new Map([...outcome.pages].map(([name, value]) => [name, textIn(value, run) ?? '']));
  if (outcome.kind === 'answer') {
    const { status, body } = outcome;
    return { kind: 'answer', status, body, pages, allow: textIn(outcome.allow ?? [], run) ?? '' };
  }
  const { scheme, servers, isWhole, hidden, passesOthers, obeys, maxBody, tooLarge } = outcome;
  if (maxBody > 0 && length !== undefined && length > maxBody)
    return { kind: 'answer', status: tooLarge, body: undefined, pages: new Map(), allow: '' };
  const tls = { ...outcome.tls, name: outcome.tls.name && textIn(outcome.tls.name, run) };
  const peer = formatAddress(example.peer);
  const headers = new Map([...outcome.headers].map(([name, value]) => [name, textIn(value, run, peer)]));
  return { kind: 'forward', scheme, servers, isWhole, tls, hidden, passesOthers, obeys, pages, headers };
}

function textIn(parts: readonly Part[], run: Run, peer?: string): string | undefined {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else if ('secret' in part) text += `<${secretIn(part.secret, run)}>`;
    else if ('later' in part) return undefined;
    else {
      const known = run.pieces.has(part.piece) ? exampleOf(pieceOf(run, part.piece)) : undefined;
      const own = part.piece === PEER ? peer : known;
      if (own === undefined) return undefined;
      text += own;
    }
  }
  return text;
}

function secretIn(name: string, run: Run): string {
  return name === CALLERS_TOKEN ? `token of ${exampleOf(pieceOf(run, CALLER))}` : name;
}

/** Returns what an engine does with a request if it does what the spec says. */
export function saidBySpec(decision: Decision, request: ExampleRequest, { policy, proxy }: SpecOf): Said {
  const pages = new Map(
    corsFields(proxy, decision, request.headers).map(([name, value]) => [name.toLowerCase(), value] as const),
  );
  if (decision.kind !== 'forward') {
    const allow = decision.kind === 'deny' ? (decision.allow?.join(', ') ?? '') : '';
    const body = decision.kind === 'answer' ? decision.body : undefined;
    return { kind: 'answer', status: decision.status, allow, body, pages };
  }
  const { forwarding, key } = decision;
  const upstream = policy.upstreams.find(({ id }) => id === forwarding.upstream);
  if (!upstream) throw new Error('a forwarding has an upstream');
  const client = formatAddress(request.client);
  const headers = new Map<string, string | undefined>([
    ['host', authorityOf(upstream)],
    ['x-forwarded-for', client],
    ['x-real-ip', client],
    ...toldAddress(proxy),
  ]);
  const valueOf = (name: string) => request.headers.find(([sent]) => sent.toLowerCase() === name)?.[1] ?? '';
  if (proxy.publicUrl === undefined) headers.set('x-forwarded-host', valueOf('host'));
  for (const name of forwardPlan(forwarding, policy).passed) headers.set(name, valueOf(name));
  if (key && forwarding.auth === 'apiKey')
    headers.set(upstream.tokenHeader.toLowerCase(), credentialText(upstream.tokenScheme, `<token of ${key.id}>`));
  return {
    kind: 'forward',
    scheme: upstream.scheme,
    servers: upstream.servers.map(hostAndPort),
    isWhole: true,
    tls: { verified: !(upstream.tls?.insecureSkipVerify ?? true), name: upstream.tls?.serverName, tellsName: true },
    hidden: new Set(HIDDEN_ADDRESS_HEADERS),
    passesOthers: false,
    obeys: false,
    headers,
    ...(forwarding.websocket && { upgrade: upgradeHeaders(request.headers) }),
    pages,
  };
}

interface SpecOf {
  readonly policy: Policy;
  readonly proxy: Proxy;
}
