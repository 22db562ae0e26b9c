import { type Endpoint, isRoute } from '../../policy/access.ts';
import { credentialText, KEY_MAX_LENGTH, KEY_MIN_LENGTH } from '../../policy/key.ts';
import { type Draft, type Probe, raw, replaceField, withField, withoutField } from '../draft.ts';
import { HEAD_SLACK } from '../expect.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import { type Random, randomOf } from '../random.ts';
import { mutateAddress } from './addresses.ts';
import { type Attempt, attempt, attemptAt, BODY_METHODS, type ProbeContext, sentAs, wordsOf } from './base.ts';
import { mutateHeaders } from './headers.ts';
import { mutateHost, strangeHosts } from './hosts.ts';
import { ownNameProbes } from './ownNames.ts';
import { mutatePage, pagesAt } from './pages.ts';
import { mutatePath } from './paths.ts';
import { fineQuery, mutateQuery } from './queries.ts';
import { fill, STRANGERS } from './segments.ts';
import { mutateWire } from './wire.ts';

type Mutation = (attempt: Attempt, context: ProbeContext) => Attempt;

const onDraft =
  (change: (draft: Draft, context: ProbeContext) => Draft): Mutation =>
  ({ draft, peer }, context) => ({ draft: change(draft, context), peer });

/** The mutations; one that is listed three times is tried three times as often. */
const MUTATIONS: readonly Mutation[] = [
  onDraft((draft, { random }) => mutatePath(draft, random)),
  onDraft((draft, { random }) => mutatePath(draft, random)),
  onDraft((draft, { random }) => mutatePath(draft, random)),
  onDraft((draft, { random }) => mutateQuery(draft, random)),
  onDraft((draft, { random }) => mutateQuery(draft, random)),
  onDraft((draft, { random }) => fineQuery(draft, random)),
  onDraft((draft, { random }) => mutateMethod(draft, random)),
  onDraft(mutateKey),
  onDraft(mutateKey),
  onDraft(mutateHeaders),
  onDraft(mutateHeaders),
  onDraft(mutateHeaders),
  onDraft(mutateBody),
  onDraft(mutateSize),
  onDraft(mutateHost),
  mutateAddress,
];

const PAGE = onDraft(mutatePage);

/** Those of a proxy that answers pages of other origins. */
const WITH_PAGES: readonly Mutation[] = [...MUTATIONS, PAGE, PAGE, PAGE];

/** The chance that a probe is followed by one that spells a name of the generated files. */
const OWN_NAMES = 0.2;

/**
 * A part of the probes of one seed. All parts together have as many probes as one run, and no probe is in two of them.
 */
export interface Shard {
  /** From 1. */
  readonly part: number;
  readonly of: number;
}

export const WHOLE: Shard = { part: 1, of: 1 };

export interface ProbeSource {
  readonly fixtures: readonly ProxyFixture[];
  /** See `ownTargets`. */
  readonly ownTargets: readonly string[];
  readonly seed: string;
  readonly shard: Shard;
  /** Seconds since the epoch. */
  readonly now: number;
}

/**
 * Endless probes, the same for the same seed. Probes from the lists of the endpoints alternate with random mutations of
 * allowed requests. The lists take turns, so that even few probes reach all endpoints.
 */
export function* probesOf({ fixtures, ownTargets, seed, shard, now }: ProbeSource): Generator<Probe> {
  const contextsWith = (random: Random) => fixtures.map((fixture): ProbeContext => ({ fixture, random, now }));
  // Every part goes through the same lists, so that no two of them have a probe in common.
  const lists = randomOf(`${seed} lists`);
  const listed = partOf(listedProbes(contextsWith(lists), lists), shard);
  const names = randomOf(`${seed} names`);
  const own = partOf(ownNameProbes(contextsWith(names), ownTargets), shard);
  const random = randomOf(shard.of === 1 ? seed : `${seed} ${shard.part}/${shard.of}`);
  const alive = contextsWith(random).filter(({ fixture }) => fixture.aims.length > 0);
  if (alive.length === 0) return;
  for (;;) {
    const next = listed.next();
    if (!next.done) yield next.value;
    yield chanceProbe(random.pick(alive));
    if (next.done) yield chanceProbe(random.pick(alive));
    const name = random.chance(OWN_NAMES) ? own.next() : undefined;
    if (name?.done === false) yield name.value;
  }
}

function* partOf<T>(all: Iterable<T>, { part, of }: Shard): Generator<T> {
  let index = 0;
  for (const each of all) {
    index = (index % of) + 1;
    if (index === part) yield each;
  }
}

function chanceProbe(context: ProbeContext): Probe {
  const { random, fixture } = context;
  let made = attemptAt(random.pick(fixture.aims), context);
  const mutations = fixture.proxy.cors ? WITH_PAGES : MUTATIONS;
  const times = random.pick([1, 1, 1, 1, 2, 3]);
  for (let i = 0; i < times; i += 1) made = random.pick(mutations)(made, context);
  if (!random.chance(0.12)) return probe(made, context);
  return { proxy: fixture.proxy.id, peer: made.peer, raw: mutateWire(made.draft, random) };
}

function probe({ draft, peer }: Attempt, { fixture }: ProbeContext): Probe {
  return { proxy: fixture.proxy.id, peer, raw: raw(draft) };
}

/** The lists of all endpoints, one probe of each in turn. */
function* listedProbes(contexts: readonly ProbeContext[], random: Random): Generator<Probe> {
  const lists = contexts.flatMap((context) => [
    ...context.fixture.aims.map((endpoint) => listFor(endpoint, context)),
    namesFor(context),
    pagesFor(context),
  ]);
  for (let round = random.shuffled(lists); round.length > 0; ) {
    const left: Generator<Probe>[] = [];
    for (const list of round) {
      const next = list.next();
      if (next.done) continue;
      yield next.value;
      left.push(list);
    }
    round = left;
  }
}

/** Allowed requests under other names: one that no proxy has, and those of every other proxy. */
function* namesFor(context: ProbeContext): Generator<Probe> {
  const { fixture, random } = context;
  for (const name of fixture.aims.length === 0 ? [] : strangeHosts(fixture)) {
    const { draft, peer } = attemptAt(random.pick(fixture.aims), context);
    yield probe({ draft: replaceField(draft, 'Host', name), peer }, context);
  }
}

/** What pages of other origins ask of each endpoint, where the proxy answers them. */
function* pagesFor(context: ProbeContext): Generator<Probe> {
  for (const endpoint of context.fixture.aims)
    for (const page of pagesAt(endpoint, context)) yield probe(page, context);
}

/** The probes that every endpoint gets. */
function* listFor(endpoint: Endpoint, context: ProbeContext): Generator<Probe> {
  const { random } = context;
  yield probe(attemptAt(endpoint, context), context);
  yield* sizesFor(endpoint, context);
  const send = (target: string, method = sentAs(random.pick(wordsOf(endpoint)), random)) =>
    probe(attempt({ endpoint, method, target }, context), context);
  const { example } = endpoint.state;
  for (const method of endpoint.allow) yield send(example, sentAs(method, random));
  for (const rule of endpoint.state.accepts) {
    const path = fill(rule.pattern, random);
    yield send(path, isRoute(rule) ? rule.methods[0] : undefined);
    yield send(path.replace(/\/[^/]*$/, '') || '/');
    yield send(`${path}/x`);
    yield send(`${path}/`);
    for (const [index] of path.slice(1).split('/').entries()) yield* near(path, index, send);
  }
  for (const method of METHODS) yield send(example, method);
}

/** Bodies as long as each route of an endpoint takes, and one byte longer. */
function* sizesFor(endpoint: Endpoint, context: ProbeContext): Generator<Probe> {
  for (const rule of endpoint.state.accepts) {
    if (!isRoute(rule)) continue;
    const { maxBody = LARGEST_SENT, contentTypes } = rule.forwarding;
    const method = rule.methods.find((one) => BODY_METHODS.includes(one));
    if (method === undefined || maxBody >= LARGEST_SENT) continue;
    const type = contentTypes === 'any' ? 'text/plain' : contentTypes[0];
    for (const length of type === undefined ? [] : [maxBody, maxBody + 1]) {
      const { draft, peer } = attempt({ endpoint, method, target: endpoint.state.example }, context);
      const typed = withField(withoutField(draft, 'content-type'), 'Content-Type', type ?? '');
      yield probe({ draft: { ...typed, body: 'z'.repeat(length), chunked: false }, peer }, context);
    }
  }
}

/** A path with one segment changed by one byte, left out, and replaced by each stranger. */
function* near(path: string, index: number, send: (target: string) => Probe): Generator<Probe> {
  const parts = path.slice(1).split('/');
  const part = parts[index] ?? '';
  const instead = (text: string) => send(`/${parts.with(index, text).join('/')}`);
  yield instead(`${part}x`);
  yield instead(part.slice(0, -1));
  yield instead(part.toUpperCase());
  yield instead(part.toLowerCase());
  yield instead(`${part.slice(0, -1)}${part.endsWith('a') ? 'b' : 'a'}`);
  yield instead(`%${(part.charCodeAt(0) || 0x41).toString(16).padStart(2, '0')}${part.slice(1)}`);
  yield send(`/${parts.toSpliced(index, 1).join('/')}`);
  yield send(`/${parts.toSpliced(index, 0, 'x').join('/')}`);
  for (const stranger of STRANGERS) if (!/[\x00-\x20\x7f]/.test(stranger)) yield instead(stranger);
}

/** A draft with a head of exactly the largest size that the proxy takes, or too large for any engine. */
function mutateSize(draft: Draft, { fixture, random }: ProbeContext): Draft {
  const limit = fixture.proxy.maxRequestHead;
  const padded = (size: number) => withField(draft, 'X-Pad', 'x'.repeat(Math.max(0, size)));
  const head = raw(padded(0)).indexOf('\r\n\r\n') + 4;
  return padded(random.pick([limit - 1, limit, limit + HEAD_SLACK + 1, 2 * limit]) - head);
}

const TYPES = [
  'application/json',
  'Application/JSON',
  'application/json; charset=utf-8',
  'application/json;',
  'application/json ; a=b',
  'application/json, text/plain',
  'application/json,application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; application/json',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/json',
  'application/jsonx',
  'application/jso',
  'xapplication/json',
  'application /json',
  'application/json x',
  'json',
  '',
  ',',
  ';',
  '; application/json',
  ', application/json',
  '*/*',
  'application/*',
  'application/octet-stream',
  'application/json\xff',
  '"application/json"',
];
const BODIES = [
  '',
  '{}',
  '{"a":1}',
  '_method=DELETE',
  'private_token=evil&sudo=root',
  '\0',
  '\xff\xfe',
  'GET /admin HTTP/1.1\r\nHost: evil\r\n\r\n',
  '0\r\n\r\n',
  'x'.repeat(1_000),
  'y'.repeat(20_000),
];

/** Limits up to this size are probed with real bodies. */
const LARGEST_SENT = 70_000;

function bodyFor({ fixture, random }: ProbeContext): string {
  const limits = fixture.bodyLimits.filter((limit) => limit < LARGEST_SENT);
  if (limits.length === 0 || random.chance(0.8)) return random.pick(BODIES);
  return 'z'.repeat(random.pick(limits) + random.pick([-1, 0, 1]));
}

function mutateBody(draft: Draft, context: ProbeContext): Draft {
  const { random } = context;
  const { body, ...bare } = withoutField(draft, 'content-type');
  const type = random.pick(TYPES);
  const typed = random.chance(0.12)
    ? bare
    : withField(bare, random.pick(['Content-Type', 'content-type']), random.chance(0.5) ? (TYPES[0] ?? '') : type);
  const twice = random.chance(0.05) ? withField(typed, 'Content-Type', type) : typed;
  if (random.chance(0.06)) return { ...replaceField(twice, 'Content-Length', zeros(random)) };
  return { ...twice, body: bodyFor(context), chunked: random.chance(0.4) };
}

/** A Content-Length that says there is no body. */
function zeros(random: Random): string {
  return random.pick(['0', '00', '000000']);
}

const swapCase = (text: string) =>
  text.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()));

/** Values of a key header derived from a valid key; most are not valid any more. */
function valuesFrom(key: string, { random }: ProbeContext): string {
  const index = random.below(key.length);
  const char = key[index] ?? '';
  return random.pick([
    swapCase(key),
    key.toLowerCase(),
    key.toUpperCase(),
    key.slice(0, index) + swapCase(char) + key.slice(index + 1),
    key.slice(0, index) + (char === 'x' ? 'y' : 'x') + key.slice(index + 1),
    key.slice(0, -1),
    key.slice(1),
    `${key}x`,
    `x${key}`,
    `${key},`,
    `${key},evil`,
    `${key} , ${key}`,
    `,${key}`,
    `evil,${key}`,
    `${key};`,
    `"${key}"`,
    `Bearer ${key}`,
    `${key} x`,
    `${key}\tx`,
    `\t ${key} \t`,
    `${key}%00`,
    `${key}\xff`,
    '',
    ',',
    '*',
    '~',
    '~.*',
    'default',
    '{env.HOME}',
    `{http.request.header.X}`,
    '$http_x',
    'x'.repeat(KEY_MIN_LENGTH - 1),
    'x'.repeat(KEY_MIN_LENGTH),
    'x'.repeat(KEY_MAX_LENGTH),
    'x'.repeat(KEY_MAX_LENGTH + 1),
    'x'.repeat(7_000),
    // Two values that share only the end, or only the beginning, with a valid key.
    'x'.repeat(Math.max(1, key.length - 8)) + key.slice(-8),
    key.slice(0, 8) + 'x'.repeat(Math.max(1, key.length - 8)),
  ]);
}

/** Texts before a key. Few of them are the scheme of a proxy. */
const SCHEMES = [
  '',
  'Bearer ',
  'bearer ',
  'BEARER ',
  'Bearer  ',
  'Bearer\t',
  'Bearer',
  'Bearer:',
  'Basic ',
  'token ',
  ' ',
];

/** Another caller's key, no key, or something close to a key. */
function mutateKey(draft: Draft, context: ProbeContext): Draft {
  const { fixture, random } = context;
  const { apiKeyHeader, apiKeyScheme } = fixture.proxy;
  const bare = withoutField(draft, apiKeyHeader);
  if (fixture.callers.length === 0) return withField(bare, apiKeyHeader, 'x'.repeat(KEY_MIN_LENGTH));
  const anySecret = () => random.pick(fixture.secrets.keysOf(random.pick(fixture.callers).id));
  const anyKey = () => credentialText(apiKeyScheme, anySecret());
  const key = anyKey();
  const twin = (name: string) => withField(bare, name, key);
  return random.pick<() => Draft>([
    () => bare,
    () => withField(bare, apiKeyHeader, key),
    () => withField(bare, apiKeyHeader, key),
    () => withField(bare, apiKeyHeader, valuesFrom(key, context)),
    () => withField(bare, apiKeyHeader, valuesFrom(key, context)),
    () => withField(bare, apiKeyHeader, valuesFrom(key, context)),
    () => withField(withField(bare, apiKeyHeader, anyKey()), apiKeyHeader, key),
    () => withField(withField(bare, apiKeyHeader, key), apiKeyHeader, 'evil'),
    () => withField(withField(bare, apiKeyHeader, 'evil'), apiKeyHeader, key),
    () => withField(withField(bare, apiKeyHeader, ''), apiKeyHeader, key),
    () => twin(apiKeyHeader.toLowerCase()),
    () => twin(apiKeyHeader.toUpperCase()),
    () => twin(apiKeyHeader.replaceAll('-', '_')),
    () => twin(apiKeyHeader.replaceAll('-', '.')),
    () => twin(`X-${apiKeyHeader}`),
    () => withField(twin(apiKeyHeader.replaceAll('-', '_')), apiKeyHeader, 'x'.repeat(30)),
    () => withField(bare, 'Authorization', `Bearer ${key}`),
    () => withField(bare, apiKeyHeader, random.pick(SCHEMES) + anySecret()),
    () => replaceField(bare, 'Cookie', `private_token=${key}`),
  ])();
}

/** Common methods, methods that some servers obey, and words that are methods by grammar only. */
const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'SEARCH',
  'PURGE',
  'LINK',
  'DEBUG',
  'TRACK',
  'QUERY',
  'FROB',
  'G',
  'GETS',
  'GE',
  'XGET',
  'GET-',
  'M-SEARCH',
  'A_B',
  'get',
  'Get',
  'pOST',
  'X'.repeat(64),
  "!#$%&'*+.^`|~",
  'GET2',
  'default',
  '~GET',
];

function mutateMethod(draft: Draft, random: Random): Draft {
  return { ...draft, method: random.chance(0.1) ? draft.method.toLowerCase() : random.pick(METHODS) };
}
