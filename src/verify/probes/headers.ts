import {
  DEFAULT_REQUEST_HEADERS,
  HIDDEN_RESPONSE_HEADERS,
  PASSTHROUGH_CREDENTIAL_HEADERS,
  WEBSOCKET_HEADERS,
} from '../../policy/headers.ts';
import { REFUSED_REQUEST_HEADERS } from '../../policy/refusedHeaders.ts';
import { type Draft, withField } from '../draft.ts';
import type { Random } from '../random.ts';
import type { ProbeContext } from './base.ts';

/** Headers with which a client claims another identity or asks for something else. None may reach the upstream. */
const ORDERS: readonly (readonly [name: string, value: string])[] = [
  ['Authorization', 'Bearer evil'],
  ['Authorization', 'Basic cm9vdDpldmls'],
  ['Private-Token', 'evil'],
  ['JOB-TOKEN', 'evil'],
  ['Deploy-Token', 'evil'],
  ['Runner-Token', 'evil'],
  ['Cookie', '_gitlab_session=evil; private_token=evil'],
  ['Sudo', 'root'],
  ['SUDO', '1'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-HTTP-Method', 'DELETE'],
  ['X-Method-Override', 'DELETE'],
  ['X-Original-URL', '/admin'],
  ['X-Rewrite-URL', '/admin'],
  ['X-Original-Method', 'DELETE'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Server', 'evil'],
  ['X-Forwarded-Port', '1'],
  ['X-Forwarded-Prefix', '/evil'],
  ['X-Forwarded-Ssl', 'on'],
  ['X-Real-IP', '127.0.0.1'],
  ['Forwarded', 'for=127.0.0.1;host=evil'],
  ['Via', '1.1 evil'],
  ['Gitlab-Workhorse', '1'],
  ['Gitlab-Workhorse-Api-Request', 'evil'],
  ['X-Gitlab-Token', 'evil'],
  ['X-CSRF-Token', 'evil'],
  ['Proxy-Authorization', 'Basic evil'],
  ['Proxy', 'http://evil'],
  ['X-Accel-Redirect', '/evil'],
  ['X-Sendfile', '/etc/passwd'],
  ['Origin', 'https://evil.example'],
  ['Referer', 'https://evil.example/?private_token=evil'],
  ['Host-Override', 'evil'],
  ['X-Host', 'evil.example'],
  ['Destination', '/evil'],
  ['If', '(<evil>)'],
  ['X-Request-Id', 'evil'],
  ['X-Frob', 'evil'],
  ['Date', 'now'],
  ['Server', 'evil'],
  ['Content-Location', '/evil'],
  ['PRIVATE_TOKEN', 'evil'],
  ['Private_Token', 'evil'],
  ['JOB_TOKEN', 'evil'],
  ['X_HTTP_METHOD_OVERRIDE', 'DELETE'],
  ['HTTP_AUTHORIZATION', 'evil'],
  ['Content_Type', 'text/evil'],
  ['Content_Length', '9'],
  ['Transfer_Encoding', 'chunked'],
  ['User_Agent', 'evil'],
  ['Private.Token', 'evil'],
  ['Private-Token.', 'evil'],
  ['X-{env.HOME}', 'evil'],
  ["X-$'", 'evil'],
  ['~Sudo', 'root'],
];
/** Hop-by-hop fields. A proxy that passes them on or obeys them would drop or leak other fields. */
const HOPS: readonly (readonly [name: string, value: string])[] = [
  ['Connection', 'PRIVATE-TOKEN'],
  ['Connection', 'close, Private-Token, Host'],
  ['Connection', 'keep-alive, X-Forwarded-For'],
  ['Connection', 'X-Real-IP, Authorization'],
  ['Connection', 'User-Agent, Content-Type'],
  ['Connection', 'upgrade'],
  ['Connection', 'close'],
  ['Connection', 'keep-alive'],
  ['Connection', 'Transfer-Encoding'],
  ['Connection', 'Content-Length'],
  ['Keep-Alive', 'timeout=5'],
  ['Proxy-Connection', 'keep-alive'],
  ['TE', 'trailers'],
  ['TE', 'gzip;q=1'],
  ['Trailer', 'Private-Token'],
  ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'],
  ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
  ['Expect', '100-continue'],
  ['Expect', 'evil'],
  ['Max-Forwards', '0'],
];
const VALUES = [
  'x',
  'a, b',
  '*/*',
  'gzip',
  'W/"etag"',
  'bytes=0-9',
  'bytes=-',
  '',
  ' ',
  '\xe9',
  '"',
  '$host',
  '{http.request.host}',
  '{env.HOME}',
  '${x}',
  '\\',
  'a;b=c',
  'x'.repeat(2_000),
  '%00',
  "'",
  'Mon, 01 Jan 2024 00:00:00 GMT',
];

const recase = (name: string, random: Random) => random.pick([name, name, name.toLowerCase(), name.toUpperCase()]);

function oneMore(draft: Draft, context: ProbeContext): Draft {
  const { random, fixture } = context;
  // content-type is left out: probes of bodies repeat it.
  const passing = [...DEFAULT_REQUEST_HEADERS.filter((name) => name !== 'content-type'), ...fixture.addedHeaders];
  const named = (name: string) => withField(draft, recase(name, random), random.pick(VALUES));
  const given = ([name, value]: readonly [string, string]) => withField(draft, recase(name, random), value);
  return random.pick<() => Draft>([
    () => given(random.pick(ORDERS)),
    () => given(random.pick(ORDERS)),
    () => given(random.pick(HOPS)),
    () => named(random.pick(passing)),
    () => named(random.pick(passing)),
    () => named(random.pick(passing).replaceAll('-', '_')),
    () => named(random.pick([...PASSTHROUGH_CREDENTIAL_HEADERS, ...WEBSOCKET_HEADERS, ...HIDDEN_RESPONSE_HEADERS])),
    () => named(random.pick(REFUSED_REQUEST_HEADERS.filter((name) => !FRAMING.includes(name)))),
    () => withField(draft, `X-Name-${random.below(1e6)}`, random.pick(VALUES)),
    () => websocket(draft),
  ])();
}

/** Fields that are left alone, because they would change how the request is framed. */
const FRAMING = ['host', 'content-length', 'transfer-encoding', 'connection', 'expect', 'upgrade'];

function websocket(draft: Draft): Draft {
  const fields: Draft['fields'] = [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ];
  return { ...draft, fields: [...draft.fields, ...fields] };
}

export function mutateHeaders(draft: Draft, context: ProbeContext): Draft {
  const count = context.random.pick([1, 1, 1, 2, 4, 8]);
  let mutated = draft;
  for (let i = 0; i < count; i += 1) mutated = oneMore(mutated, context);
  return context.random.chance(0.15) ? { ...mutated, fields: context.random.shuffled(mutated.fields) } : mutated;
}
