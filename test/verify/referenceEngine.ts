import { appendFileSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { MOST_LINKS } from '../../src/plan/bounds.ts';
import { CORS_RESPONSE_HEADERS, corsFields } from '../../src/plan/cors.ts';
import { type LogLine, loggedOf } from '../../src/plan/log.ts';
import { formatAddress, parseAddress } from '../../src/policy/cidr.ts';
import { type Decision, type Evaluator, evaluatorOf } from '../../src/policy/decide.ts';
import {
  DEFAULT_REQUEST_HEADERS,
  HIDDEN_RESPONSE_HEADERS,
  PASSTHROUGH_CREDENTIAL_HEADERS,
  WEBSOCKET_HEADERS,
} from '../../src/policy/headers.ts';
import { listeners, proxyAsked } from '../../src/policy/hosts.ts';
import { credentialText } from '../../src/policy/key.ts';
import { clientAddress, credentialOf } from '../../src/policy/request.ts';
import { statusBody } from '../../src/policy/statuses.ts';
import type { Policy, Proxy, Upstream } from '../../src/policy/types.ts';
import { hostOf } from '../../src/verify/compareUpstream.ts';
import { type Fields, fieldOf, statusOf } from '../../src/verify/http1.ts';
import { type Address, sendRaw } from '../../src/verify/raw.ts';
import { type Reading, type ReadRequest, readAll } from '../../src/verify/reading.ts';
import { reviveBigInt } from './referenceTarget.ts';

/**
 * A proxy that does what the evaluator says, slowly and in the plainest way, so that `verify` can be tested without a real
 * engine: it must find nothing here, and each fault that is named on the first argument.
 */
const fault = process.env['FAULT'] ?? '';
const load = (file: string) => JSON.parse(readFileSync(file, 'utf8'), reviveBigInt);
const policy: Policy = load('policy.json');
const values = new Map<string, string>(load('secrets/values.json'));
const idByKey = new Map(
  policy.apiKeys.flatMap(({ id, keys }) => keys.map(({ text }) => [values.get(text) ?? '', id] as const)),
);

let served = 0;
const evaluators = new Map(policy.proxies.map((proxy) => [proxy, evaluatorOf(policy, proxy)] as const));
for (const [first] of listeners(policy.proxies))
  createServer((socket) => serve(socket, first)).listen(first.listen.port, '127.0.0.1');

/** Where the client found the proxy. */
function outsideOf({ publicUrl }: Proxy, fields: Fields): Fields {
  if (publicUrl === undefined)
    return [
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Host', fieldOf(fields, 'host') ?? ''],
    ];
  const { protocol, host, port } = new URL(publicUrl);
  return [
    ['X-Forwarded-Proto', protocol.slice(0, -1)],
    ['X-Forwarded-Host', host],
    ['X-Forwarded-Port', port || (protocol === 'https:' ? '443' : '80')],
  ];
}

function serve(socket: Socket, proxy: Proxy): void {
  let received = '';
  let peer = socket.remoteAddress ?? '';
  let handled = 0;
  let answered = 0;
  let prefaced = proxy.clientIp.kind !== 'proxyProtocol';
  let work = Promise.resolve();
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
    if (!prefaced && received.includes('\r\n')) {
      peer = received.split(' ')[2] ?? '';
      received = received.slice(received.indexOf('\r\n') + 2);
      prefaced = true;
    }
    if (!prefaced) return;
    work = work.then(async () => {
      const readings = readAll(received);
      if (await losesAnswers(socket, readings.slice(handled), { proxy, peer })) return;
      for (const reading of readings.slice(handled)) {
        if (reading.kind === 'incomplete') {
          // What is refused is refused before its body has arrived.
          const [only] = readAll(received.replace(/^content-length: \d{7,}\r\n/im, ''));
          if (only?.kind !== 'request' || !/^content-length: \d{7,}/im.test(received)) return;
          return void (await answerRequest(socket, only.request, { ...askedOf(proxy, only.request), peer }));
        }
        handled += 1;
        if (reading.kind === 'malformed') return void socket.end(answer(400, proxy));
        const { version, fields, target } = reading.request;
        answered += 1;
        const isMarked = target.includes('007');
        if (fault === 'drops' && answered > 1 && isMarked) return void socket.destroy();
        if (fault === 'hidden' && answered > 1 && isMarked) await askUnseen(reading.request);
        await answerRequest(socket, reading.request, { ...askedOf(proxy, reading.request), peer });
        if (version === '1.0' || /close/i.test(fieldOf(fields, 'connection') ?? '')) return void socket.end();
      }
      received = '';
      handled = 0;
    });
  });
}

/** Whether the connection ends behind the answer to a request. */
const endsAt = (target: string) => fault === 'resets' && target.includes('0');

/**
 * Closes a connection with requests unread behind one that ends it. The kernel takes along what the client has not
 * received yet, here all that was answered since the client wrote.
 */
async function losesAnswers(
  socket: Socket,
  readings: readonly Reading[],
  { proxy, peer }: { readonly proxy: Proxy; readonly peer: string },
): Promise<boolean> {
  const requests = readings.flatMap((reading) => (reading.kind === 'request' ? [reading.request] : []));
  const last = requests.findIndex(({ target }) => endsAt(target));
  if (last < 0 || last === readings.length - 1) return false;
  for (const request of requests.slice(0, last + 1))
    await answerRequest({ write: () => true }, request, { ...askedOf(proxy, request), peer });
  socket.resetAndDestroy();
  return true;
}

/** Asks an upstream for what no client has asked for. */
async function askUnseen({ target }: ReadRequest): Promise<void> {
  const upstream = policy.upstreams.find(({ tls }) => !tls);
  if (!upstream) return;
  await sendRaw(addressOf(upstream), Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
}

/** The proxy that a request is for, where this one listens. */
function askedOf(first: Proxy, { target, fields }: ReadRequest): Omit<Context, 'peer'> {
  const proxy = proxyAsked(policy.proxies, first, { target, headers: fields });
  const evaluator = evaluators.get(proxy);
  if (!evaluator) throw new Error('no evaluator');
  return { proxy, evaluator };
}

function answer(
  status: number,
  proxy: Proxy,
  {
    fields = [],
    id = `00000-${served}`,
    body = statusBody(status, id),
    head = false,
  }: { fields?: Fields; id?: string; body?: string; head?: boolean } = {},
): string {
  const own = proxy.responseHeaders.map(({ name, value }) => [name, value] as const);
  const all: Fields = [
    ['Content-Type', 'application/json'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ...own,
    ...fields,
  ];
  return `HTTP/1.1 ${status} X\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${head || status === 204 ? '' : body}`;
}

interface Context {
  readonly proxy: Proxy;
  readonly evaluator: Evaluator;
  readonly peer: string;
}

async function answerRequest(socket: Pick<Socket, 'write'>, request: ReadRequest, context: Context): Promise<void> {
  served += 1;
  const id = `00000-${served}`;
  if (fault === 'ends' && served > 300) process.exit(7);
  const { proxy, evaluator, peer } = context;
  const address = parseAddress(peer);
  if (!address) throw new Error(`a peer without address: ${peer}`);
  const client = clientAddress(proxy.clientIp, address, request.fields);
  const credential = credentialOf(request.fields, proxy, (key) => idByKey.get(key));
  const asked = {
    method: request.method,
    target: request.target,
    headers: request.fields,
    client,
    credential,
    at: Date.now() / 1000,
  };
  const decision = faultyDecision(evaluator, asked);
  const write = (response: string) => {
    log(asked, decision, { id, response, evaluator });
    socket.write(endsAt(request.target) ? response.replace('\r\n', '\r\nConnection: close\r\n') : response);
  };
  const head = request.method === 'HEAD';
  const origin = fault === 'origins' ? allowedAnyway(proxy, request.fields) : request.fields;
  const told = corsFields(proxy, decision, origin);
  if (decision.kind === 'deny') {
    const allow: Fields = decision.allow ? [['Allow', decision.allow.join(', ')]] : [];
    const challenge: Fields =
      decision.status === 401 && proxy.apiKeyScheme
        ? [['WWW-Authenticate', `${proxy.apiKeyScheme} realm="${proxy.id}"`]]
        : [];
    return write(answer(decision.status, proxy, { id, head, fields: [...allow, ...challenge, ...told] }));
  }
  if (decision.kind === 'answer')
    return write(answer(decision.status, proxy, { head, body: decision.body, fields: told }));
  const forwarded = () => forward(request, decision, { id, proxy, client: formatAddress(client), told });
  if (fault === 'twice' && request.target.includes('007')) await forwarded();
  write(await forwarded());
}

/** The fields of a request whose page is taken for one that is allowed. */
function allowedAnyway({ cors }: Proxy, fields: Fields): Fields {
  const [first] = cors && cors.origins !== 'any' ? cors.origins : [];
  return first === undefined ? fields : [['Origin', first], ...fields];
}

function log(
  asked: Asked,
  decision: Decision,
  { id, response, evaluator }: { id: string; response: string; evaluator: Evaluator },
): void {
  const { path, reason, route, key } = loggedOf(decision, asked, evaluator.access);
  const line: LogLine = {
    time: '',
    id,
    proxy: fault === 'names' ? (policy.proxies[0]?.id ?? '') : evaluator.proxy.id,
    client: formatAddress(asked.client),
    method: asked.method,
    path,
    status: statusOf(response.slice(0, response.indexOf('\r'))),
    reason: fault === 'reasons' && reason !== '' ? 'path' : reason,
    route,
    key: fault === 'log' ? '' : key,
    keyPosition: '',
    upstream: '',
    upstreamStatus: null,
    size: 0,
    duration: 0,
    upstreamTime: null,
  };
  appendFileSync('access.log', `${JSON.stringify(line)}\n`);
}

type Asked = Parameters<Evaluator['decide']>[0];

function faultyDecision(evaluator: Evaluator, asked: Asked): Decision {
  const decision = evaluator.decide(asked);
  if (decision.kind !== 'deny') return decision;
  if (fault === 'decoded' && decision.reason === 'path')
    return evaluator.decide({
      ...asked,
      target: decodeURIComponent(asked.target.replace(/%(?![0-9a-f]{2})|[^\x20-\x7e]|%[89a-f]./gi, '')),
    });
  if (fault === 'unanchored' && decision.reason === 'path')
    return evaluator.decide({ ...asked, target: asked.target.replace(/\/[^/]*$/, '') || '/' });
  if (fault === 'methods' && decision.reason === 'method')
    return evaluator.decide({ ...asked, method: decision.allow?.[0] ?? 'GET' });
  return decision;
}

/** What is written anew. */
const FRAMING = ['content-length', 'content-type', 'trailer', 'transfer-encoding'];

async function forward(
  request: ReadRequest,
  decision: Extract<Decision, { kind: 'forward' }>,
  { id, proxy, client, told }: { id: string; proxy: Proxy; client: string; told: Fields },
): Promise<string> {
  const upstream = policy.upstreams.find(({ id }) => id === decision.forwarding.upstream);
  if (!upstream) throw new Error('no upstream');
  const { auth, headers, websocket } = decision.forwarding;
  const passing = new Set([
    ...DEFAULT_REQUEST_HEADERS,
    ...headers,
    ...(auth === 'passthrough' ? PASSTHROUGH_CREDENTIAL_HEADERS : []),
    ...(websocket ? WEBSOCKET_HEADERS : []),
  ]);
  if (fault === 'headers') passing.add('sudo');
  const token = decision.key
    ? [[upstream.tokenHeader, credentialText(upstream.tokenScheme, values.get(decision.key.token.text) ?? '')] as const]
    : [];
  const fields: Fields = [
    ['Host', hostOf(upstream)],
    ['Connection', 'close'],
    ...token,
    ['X-Forwarded-For', client],
    ['X-Real-IP', client],
    ...outsideOf(proxy, request.fields),
    ...request.fields.filter(([name]) => passing.has(name.toLowerCase())),
    ...(request.body === '' ? [] : [['Content-Length', String(request.body.length)] as const]),
  ];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const sent = Buffer.from(`${request.method} ${request.target} HTTP/1.1\r\n${lines}\r\n${request.body}`, 'latin1');
  const response = await sendRaw(addressOf(upstream), sent).catch(() => undefined);
  if (!response) return answer(502, proxy, { id, fields: told });
  const own = proxy.publicUrl ?? `http://${fieldOf(request.fields, 'host') ?? ''}`;
  const kept = response.fields.filter(
    ([name, value]) =>
      ![...HIDDEN_RESPONSE_HEADERS, ...FRAMING, ...(proxy.cors ? CORS_RESPONSE_HEADERS : [])].includes(
        name.toLowerCase(),
      ) &&
      (name.toLowerCase() !== 'link' || value.split('<').length - 1 <= MOST_LINKS),
  );
  const mapped = kept.flatMap(([name, value]) => {
    if (/^(?:location|content-location|operation-location|azure-asyncoperation)$/i.test(name))
      return [[name, mapUrl(value, upstream, own) ?? '/'] as const];
    if (/^www-authenticate$/i.test(name))
      return [[name, value.replace(/"([^"]*)"/g, (all, url) => `"${mapUrl(url, upstream, own) ?? all}"`)] as const];
    if (!/^link$/i.test(name)) return [[name, value] as const];
    const urls = [...value.matchAll(/<([^>]*)>/g)].map(([, url = '']) => mapUrl(url, upstream, own));
    return urls.includes(undefined) ? [] : [[name, value.replace(/<[^>]*>/g, () => `<${urls.shift()}>`)] as const];
  });
  return answer(response.status, proxy, {
    fields: [...mapped, ...told],
    body: response.text(),
    head: request.method === 'HEAD',
  });
}

function addressOf({ servers, tls }: Upstream): Address {
  const port = servers[0]?.port ?? 0;
  if (!tls) return { port };
  const { serverName, caFile = '' } = tls;
  return { port, tls: fault === 'certificate' ? { serverName } : { serverName, ca: readFileSync(caFile, 'utf8') } };
}

/** Returns a URL of an answer as clients get it; nothing if it leads away in a way that clients read as they like. */
function mapUrl(url: string, { host, port }: Upstream, own: string): string | undefined {
  const leads = (scheme: string) => URL.canParse(url, `${scheme}://own`) && new URL(url, `${scheme}://own`).hostname;
  if (leads('http') === 'own' && leads('https') === 'own') return url;
  const [written, name = '', given] = /^(?:https?:)?\/\/([\w.-]+?)[.]?(?::([1-9]\d*))?(?=[/?#]|$)/i.exec(url) ?? [];
  if (written === undefined) return undefined;
  const isOwn = given === undefined || [80, 443, port].includes(Number(given));
  return isOwn && name.toLowerCase() === host ? own + url.slice(written.length) : url;
}
