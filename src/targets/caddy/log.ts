import { CUT_OFF, FAILURES, PLAIN_PATH, REFUSALS, type Reason, STATUS_REASONS } from '../../plan/log.ts';
import { oneOf } from '../../plan/regex.ts';
import { type Table, table } from './table.ts';

const PLAIN = "A-Za-z0-9/._~!$&'()*+,;=:@%-";

/**
 * Returns the table of `request.path`: the whole path where a route or a site serves the request, else the part that
 * can hold no key.
 */
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

/** Returns the table of `log.upstream`: the server that was asked, or "", so that the field is always a text. */
export function upstreamTable(): Table {
  const asked = '{http.reverse_proxy.upstream.hostport}';
  return table({ source: asked, destination: 'log.upstream', entries: [], fallback: asked });
}

/**
 * Placeholder of the reason in the log, which is read when the line is written. It is free, because nobody logs in to
 * these proxies.
 */
const REASON = 'http.auth.user.id';

/** Parts of Go's messages about a failed connection or answer, and the reason that each means; the first match counts. */
const WORDS: readonly (readonly [source: string, reason: Reason])[] = [
  ['no such host|server misbehaving|no suitable address|lookup ', FAILURES.unresolved],
  ['x509:|tls: |remote error: |first record does not look like', FAILURES.tls],
  ['i/o timeout|deadline exceeded|timeout awaiting|handshake timeout', FAILURES.timeout],
  ['connection refused|no route to host|network is unreachable|host is down', FAILURES.refused],
  [
    'malformed |too |exceeded .* bytes|bad Content-Length|multiple Content-Length|invalid |unsupported |unexpected EOF',
    FAILURES.badAnswer,
  ],
  ['EOF|connection reset|broken pipe|closed', FAILURES.closed],
];

/**
 * What Go says of a body that the client did not send as it should, and the reason that each means. The upstream's own
 * faults are worded alike, but stand after other words or another address. Caddy answers both with 502 or 504.
 */
const CLIENT_WORDS: readonly (readonly [source: string, reason: Reason])[] = [
  [
    'unexpected EOF$|invalid byte in chunk length|malformed chunked encoding|http chunk length too large|empty hex number |chunked line ends |chunked encoding contains |header line too long|malformed MIME header|http: suspiciously long trailer',
    'malformed',
  ],
  // Only the addresses of listeners are of one family.
  ['read tcp[46] [^ ]+: i/o timeout', 'slow'],
  ['read tcp[46] [^ ]+: connection reset', 'client-gone'],
];

/**
 * Returns the table of the reason: status, duration and the upstream's status, then status and message of an error. Our
 * own refusals have the reason as their message.
 */
export function reasonTable(): Table {
  return table({
    source:
      '{http.response.status} {http.response.duration_ms} {http.reverse_proxy.status_code}|{http.error.status_code} {http.error.message}',
    destination: REASON,
    entries: [
      ['~^[1-9][0-9]* [^ |]*[1-9][^ |]* [^|]*[|] $', ''],
      // Nothing was written: the upstream spoke of another protocol, for which nobody had asked, or nobody listens.
      ['~^0 [^ |]* 101[|] $', FAILURES.badAnswer],
      ['~^0 [^|]*[|] $', 'client-gone'],
      // Caddy takes the time of an answer at its end, which this one has not come to.
      ['~[|] $', CUT_OFF],
      ofError(`4[0-9]{2} (${oneOf(Object.keys(REFUSALS))})$`, '$1'),
      ...Object.entries(STATUS_REASONS).map(([status, reason]) => ofError(`${status} `, reason)),
      ...CLIENT_WORDS.map(([source, reason]) => ofError(`50[24] (?:readfrom [^ ]+ [^ ]+: )?(?:${source})`, reason)),
      ...WORDS.map(([source, reason]) => ofError(`50[24] .*(?:${source})`, reason)),
      ofError('504 ', FAILURES.timeout),
    ],
    fallback: FAILURES.unknown,
  });
}

const ofError = (source: string, reason: string) => [`~^[^|]*[|]${source}`, reason] as const;
