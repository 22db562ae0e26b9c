import { FAILURES, PLAIN_PATH, REFUSALS, type Reason, STATUS_REASONS } from '../../plan/log.ts';
import { oneOf } from '../../plan/regex.ts';
import { type Table, table } from './table.ts';

const PLAIN = "A-Za-z0-9/._~!$&'()*+,;=:@%-";

/** `request.path`: all of it where a route or a site takes the request, else as much as can hold no key. */
export function pathTable(): Table {
  return table({
    source: '{http.vars.route} {http.request.orig_uri}',
    destination: 'request.path',
    entries: [
      [`~^[^ ]+ (/[${PLAIN}]*)`, '$1'],
      [`~^ (${PLAIN_PATH.whole})(?:[?].*)?$`, '$1'],
      [`~^ (${PLAIN_PATH.beginning})/`, '${1}/*'],
    ],
  });
}

/** `log.upstream`: the server that was asked, and a text also where none was. */
export function upstreamTable(): Table {
  const asked = '{http.reverse_proxy.upstream.hostport}';
  return table({ source: asked, destination: 'log.upstream', entries: [], fallback: asked });
}

/**
 * Where the reason of a line comes from: fields that handlers append are fixed before errors are handled, and this
 * placeholder is looked up when the line is written. Nobody logs in to these proxies, so it has no other use.
 */
const REASON = 'http.auth.user.id';

/** What Go says of a connection or of an answer, first match first. */
const WORDS: readonly (readonly [source: string, reason: Reason])[] = [
  ['no such host|server misbehaving|no suitable address|lookup ', FAILURES.unresolved],
  ['x509:|tls: |remote error: |first record does not look like', FAILURES.tls],
  ['i/o timeout|deadline exceeded|timeout awaiting|handshake timeout', FAILURES.timeout],
  ['connection refused|no route to host|network is unreachable|host is down', FAILURES.refused],
  ['malformed |too large|exceeded .* bytes|bad Content-Length|unsupported ', FAILURES.badAnswer],
  ['EOF|connection reset|broken pipe|closed', FAILURES.closed],
];

/** Of the error that is being handled: our own refusals come with their word as the message. */
export function reasonTable(): Table {
  return table({
    source: '{http.error.status_code} {http.error.message}',
    destination: REASON,
    entries: [
      [`~^4[0-9]{2} (${oneOf(Object.keys(REFUSALS))})$`, '$1'],
      ...Object.entries(STATUS_REASONS).map(([status, reason]) => [`~^${status} `, reason] as const),
      ...WORDS.map(([source, reason]) => [`~^50[24] .*(?:${source})`, reason] as const),
      ['~^504 ', FAILURES.timeout],
    ],
    fallback: FAILURES.unknown,
  });
}
