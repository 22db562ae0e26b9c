import { CORS_RESPONSE_HEADERS } from '../plan/cors.ts';
import { HIDDEN_ADDRESS_HEADERS } from '../policy/answerHeaders.ts';
import { parseAddress } from '../policy/cidr.ts';
import type { ExampleRequest } from '../prove/request.ts';
import type { Said } from '../prove/said.ts';
import { isOfUpgrade, OF_UPGRADE } from '../prove/upgrades.ts';
import type { Recorded } from './recorder.ts';
import type { Secrets } from './secrets.ts';
import type { Arrival, Tried } from './trial.ts';

/** Returns in words what an engine did otherwise than the reader says; `undefined` where it did the same. */
export function disagreement(
  said: Said,
  { response, arrival, isStranger }: Tried,
  { request, secrets }: { readonly request: ExampleRequest; readonly secrets: Secrets },
): string | undefined {
  if (!response) return 'the connection was closed without an answer';
  const { status } = response;
  const pages = CORS_RESPONSE_HEADERS.find((name) => (said.pages.get(name) ?? '') !== (response.field(name) ?? ''));
  if (said.kind === 'answer') {
    if (arrival) return `forwarded to ${arrival.server} instead of ${said.status}`;
    if (status !== said.status) return `${status} instead of ${said.status}`;
    const allow = response.field('allow') ?? '';
    if (allow !== said.allow) return `Allow: ${allow} instead of ${said.allow}`;
    if (said.body !== undefined && request.method !== 'HEAD' && response.body.toString('latin1') !== said.body)
      return `the body ${JSON.stringify(response.text())} instead of ${JSON.stringify(said.body)}`;
    return pages && `${pages}: ${response.field(pages)} instead of ${said.pages.get(pages)}`;
  }
  if (said.servers.length === 0) return arrival && `forwarded to ${arrival.server} instead of nowhere`;
  if (said.obeys) return arrival && 'an order of the upstream is not obeyed';
  if (isStranger && said.scheme === 'https' && said.tls.verified && arrival?.request.serverName !== undefined)
    return 'forwarded to a server with the certificate of a stranger';
  if (isStranger && said.scheme === 'https' && said.tls.verified && !arrival) return undefined;
  if (!arrival) return `${status} instead of forwarding`;
  const own = forwardingDisagreement(said, arrival, { request, secrets });
  const hidden = HIDDEN_ADDRESS_HEADERS.find((name) => said.hidden.has(name) === (response.field(name) !== undefined));
  return (
    own ??
    (pages && `${pages}: ${response.field(pages)} instead of ${said.pages.get(pages)}`) ??
    (hidden && `${hidden} of the upstream ${said.hidden.has(hidden) ? 'passes' : 'does not pass'}`)
  );
}

function forwardingDisagreement(
  said: Extract<Said, { kind: 'forward' }>,
  { server, request: sent }: Arrival,
  { request, secrets }: { readonly request: ExampleRequest; readonly secrets: Secrets },
): string | undefined {
  if (!said.servers.includes(server)) return `forwarded to ${server} instead of ${said.servers.join(' or ')}`;
  const isTls = sent.serverName !== undefined;
  if (isTls !== (said.scheme === 'https')) return `forwarded ${isTls ? 'by' : 'without'} TLS instead of ${said.scheme}`;
  const told = isTls ? toldName(said.tls) : undefined;
  if (told !== undefined && sent.serverName !== told)
    return `${sent.serverName || 'no name'} in TLS instead of ${told || 'no name'}`;
  if (said.isWhole !== (sent.target === request.target))
    return `forwarded as ${sent.target}, which is ${said.isWhole ? 'not ' : ''}the target`;
  const real = (value: string | undefined) =>
    value?.replace(/<token of ([^>]+)>/g, (_, id: string) => secrets.tokenOf(id));
  for (const [name, value] of said.headers) {
    if (isOfUpgrade(name)) continue;
    const wanted = real(value);
    const found = sent.field(name);
    if (wanted !== undefined && (found ?? '') !== wanted) return `${name}: ${found} instead of ${wanted}`;
    if (wanted === '' && found !== undefined && !OWN.test(name)) return `${name} is sent without a value`;
  }
  if (said.passesOthers) return undefined;
  const upgrade = upgradeDisagreement(said, sent, real);
  if (upgrade !== undefined) return upgrade;
  const others = sent.fields.find(([name]) => !said.headers.has(name.toLowerCase()) && !OWN.test(name));
  return others && `${others[0]}: ${others[1]} is sent too`;
}

/** The case of letters says nothing here, and whether the connection is kept says nothing of an upgrade. */
function upgradeDisagreement(
  { headers, upgrade }: Extract<Said, { kind: 'forward' }>,
  sent: Recorded,
  real: (value: string | undefined) => string | undefined,
): string | undefined {
  const plain = (value: string) => value.toLowerCase().replace(/^(?:close|keep-alive)$/, '');
  for (const name of OF_UPGRADE) {
    const own = headers.has(name) ? real(headers.get(name)) : '';
    const wanted = upgrade?.[name] ?? (own === undefined ? undefined : [plain(own)]);
    const found = plain(sent.field(name) ?? '');
    if (wanted && !wanted.includes(found))
      return `${name}: ${found || 'nothing'} instead of ${wanted.map((each) => each || 'nothing').join(' or ')}`;
  }
  return undefined;
}

/** The name in TLS, "" for none; `undefined` where it is not known, such as that of the server, which is another here. */
function toldName({ name, tellsName }: Extract<Said, { kind: 'forward' }>['tls']): string | undefined {
  if (tellsName === undefined || (tellsName && name === undefined)) return undefined;
  // No engine tells an address.
  return tellsName && name !== undefined && parseAddress(name) === undefined ? name : '';
}

/** What an engine says of the connection and the body by itself. */
const OWN = /^(?:connection|content-length|transfer-encoding|host|upgrade|x-forwarded-.*|x-real-ip|via)$/i;
