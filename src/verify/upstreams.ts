import { urlHost } from '../policy/origin.ts';
import type { Policy, Upstream } from '../policy/types.ts';
import { type Identity, identityFor } from './certificate.ts';
import type { Fields } from './http1.ts';
import { type Answer, type Recorded, type Recorder, startRecorder } from './recorder.ts';

/** One request that an upstream was sent, and what it answered. */
export interface Arrival {
  readonly upstream: string;
  readonly request: Recorded;
  readonly answer: Answer;
}

export interface Upstreams {
  /** Ports by id of the upstream, one for each server of its pool. */
  readonly ports: ReadonlyMap<string, readonly number[]>;
  /** PEM of every authority that a proxy has to trust; "" where no upstream speaks TLS. */
  readonly authorities: string;
  /** How an upstream shows that it has this name; `undefined` where none asks for the name. */
  identityOf(serverName: string): Identity | undefined;
  /** The arrival whose answer carried this number. Each can be claimed once. */
  claim(number: string): Arrival | undefined;
  /** Arrivals whose answer no client has received yet, by number. */
  readonly unclaimed: ReadonlyMap<string, Arrival>;
  forgetUnclaimed(): void;
  /** From now on requests get the answers that `other` gives, and the usual one where it gives none. */
  answerWith(other: OtherAnswer | undefined): void;
  /** From now on every WebSocket handshake is accepted. */
  acceptUpgrades(): void;
  /** From now on every TLS server presents a certificate with the right name that no trusted authority has signed. */
  impersonate(): void;
  close(): Promise<void>;
}

/** An answer in place of the usual one; `undefined` for the usual one. */
export type OtherAnswer = (upstream: Upstream, request: Recorded) => Answer | undefined;

/** The most servers of one pool that are started: more than one, because some faults need two. */
const MOST_SERVERS = 4;

/**
 * Headers whose value is a URL that clients follow; written out here, apart from the list that engines are generated
 * from.
 */
export const FOLLOWED_HEADERS = ['Location', 'Content-Location', 'Operation-Location', 'Azure-AsyncOperation'] as const;

/** These, and headers that have such URLs among other words; a client sends its password to that of a challenge. */
export const ADDRESSED_HEADERS = ['Link', 'WWW-Authenticate', ...FOLLOWED_HEADERS] as const;

/** Carries the number of an arrival back to the client, so that no request has to carry one to the upstream. */
export const ARRIVAL_HEADER = 'X-Arrival';

/** A recording server for each upstream, answering with everything that a proxy has to map or hide. */
export async function startUpstreams(policy: Policy): Promise<Upstreams> {
  const unclaimed = new Map<string, Arrival>();
  let count = 0;
  let upgrading = false;
  let other: OtherAnswer | undefined;
  const answer = (upstream: Upstream) => (request: Recorded) => {
    if (upgrading && asksForUpgrade(request)) return { upgrade: true };
    count += 1;
    const given = other?.(upstream, request);
    if (given) return given;
    const arrival = { upstream: upstream.id, request, answer: answerOf(upstream, count) };
    unclaimed.set(String(count), arrival);
    return arrival.answer;
  };
  const recorders = new Map<string, readonly Recorder[]>();
  // Upstreams of one name share a certificate: OpenSSL finds the authority of a certificate by its name alone.
  const identities = identitiesOf(policy.upstreams);
  for (const upstream of policy.upstreams) {
    const tls = identities.get(upstream.tls?.serverName ?? '');
    const start = () => startRecorder({ answer: answer(upstream), keep: false, ...(tls ? { tls } : {}) });
    recorders.set(upstream.id, await Promise.all(upstream.servers.slice(0, MOST_SERVERS).map(start)));
  }
  return {
    authorities: [...identities.values()].map(({ cert }) => cert).join(''),
    identityOf: (name) => identities.get(name),
    answerWith(next) {
      other = next;
    },
    acceptUpgrades() {
      upgrading = true;
    },
    impersonate() {
      const strangers = identitiesOf(policy.upstreams);
      for (const { id, tls } of policy.upstreams) {
        const stranger = strangers.get(tls?.serverName ?? '');
        if (stranger) for (const recorder of recorders.get(id) ?? []) recorder.become(stranger);
      }
    },
    ports: new Map([...recorders].map(([id, pool]) => [id, pool.map(({ port }) => port)])),
    claim(number) {
      const arrival = unclaimed.get(number);
      unclaimed.delete(number);
      return arrival;
    },
    unclaimed,
    forgetUnclaimed: () => unclaimed.clear(),
    close: async () => void (await Promise.all([...recorders.values()].flat().map((recorder) => recorder.close()))),
  };
}

function asksForUpgrade(request: Recorded): boolean {
  const names = (field: string, value: string) => request.field(field)?.toLowerCase() === value;
  return names('upgrade', 'websocket') && names('connection', 'upgrade');
}

/** Certificates by server name. */
function identitiesOf(upstreams: readonly Upstream[]): ReadonlyMap<string, Identity> {
  const names = new Set(upstreams.flatMap(({ tls }) => (tls ? [tls.serverName] : [])));
  return new Map([...names].map((name) => [name, identityFor(name)]));
}

/** Every origin by which an upstream may name itself. */
export function originsOf({ host: name, port }: Pick<Upstream, 'host' | 'port'>): string[] {
  const host = urlHost(name);
  const plain = [`https://${host}`, `http://${host}`, `https://${host}:443`, `http://${host}:80`];
  return port === 80 || port === 443 ? plain : [...plain, `http://${host}:${port}`, `https://${host}:${port}`];
}

function answerOf(upstream: Upstream, number: number): Answer {
  const origins = originsOf(upstream);
  const origin = origins[number % origins.length] ?? '';
  const foreign = `https://${urlHost(upstream.host)}.evil.example`;
  const links = `<${origin}/api/v4/x?page=2>; rel="next", <${foreign}/x>; rel="other", </relative>; rel="first", <${origin}/last>; rel="last"`;
  const there = `${number % 8 === 1 ? origin : foreign}/there?x=${encodeURIComponent(origin)}`;
  const realms = `Bearer realm="${origin}/jwt/auth",service="x", Basic realm="${foreign}/", Token realm="${origin}"`;
  const fields: Fields = [
    [ARRIVAL_HEADER, String(number)],
    ['X-Next-Page', '2'],
    ...(number % 2 === 0 ? ([['Link', links]] as const) : []),
    ...(number % 4 === 1 ? FOLLOWED_HEADERS.map((name): [string, string] => [name, there]) : []),
    ...(number % 6 === 5 ? ([['WWW-Authenticate', realms]] as const) : []),
    ...(number % 5 === 2
      ? ([
          ['Access-Control-Allow-Origin', 'https://upstream.example'],
          ['Access-Control-Allow-Credentials', 'true'],
          ['Vary', 'Accept'],
        ] as const)
      : []),
    ...(number % 3 === 0
      ? ([
          ['Set-Cookie', '_gitlab_session=upstream; path=/'],
          ['X-Accel-Redirect', '/elsewhere'],
          ['X-Accel-Limit-Rate', '1000000'],
          ['X-Accel-Buffering', 'yes'],
          ['X-Accel-Expires', '60'],
          ['X-Accel-Charset', 'evil'],
          ['Alt-Svc', 'h2="elsewhere.example:443"'],
        ] as const)
      : []),
  ];
  const status = number % 4 === 1 ? 302 : number % 7 === 0 ? 404 : 200;
  return { status, fields, body: JSON.stringify({ arrival: number }) };
}
