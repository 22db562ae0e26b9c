import { HIDDEN_ADDRESS_HEADERS } from './answerHeaders.ts';

/**
 * Request headers of the client that pass to the upstream, in lower case; all others are dropped. The engine itself
 * writes Content-Length, Transfer-Encoding, Host and the X-Forwarded family.
 */
export const DEFAULT_REQUEST_HEADERS: readonly string[] = [
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-encoding',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'user-agent',
];

/** Headers that `auth: passthrough` passes beside the default list: those by which GitLab authenticates a client. */
export const PASSTHROUGH_CREDENTIAL_HEADERS: readonly string[] = [
  'authorization',
  'deploy-token',
  'job-token',
  'private-token',
  'runner-token',
];

/**
 * Headers that a WebSocket route forwards as well; Origin among them, because ActionCable and others check which page
 * connects.
 */
export const WEBSOCKET_HEADERS: readonly string[] = [
  'origin',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
];

/**
 * Headers of the upstream's answer that clients never get, in lower case: instructions to the proxy, the upstream's
 * session, and other servers that would answer in its place, to which a client would send its key.
 */
export const HIDDEN_RESPONSE_HEADERS: readonly string[] = [
  ...HIDDEN_ADDRESS_HEADERS,
  'x-accel-buffering',
  'x-accel-charset',
  'x-accel-expires',
  'x-accel-limit-rate',
  'x-accel-redirect',
].sort();
