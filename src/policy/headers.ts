/**
 * Request headers of the client that pass to the upstream; everything else stays behind. Lower case.
 * Content-Length, Transfer-Encoding, Host and the X-Forwarded family are written afresh by the engine.
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

/** What `auth: passthrough` lets through beside the default list: the ways a client of GitLab authenticates itself. */
export const PASSTHROUGH_CREDENTIAL_HEADERS: readonly string[] = [
  'authorization',
  'deploy-token',
  'job-token',
  'private-token',
  'runner-token',
];

/** A route that takes WebSocket upgrades also forwards these. Servers such as ActionCable take no page but their own. */
export const WEBSOCKET_HEADERS: readonly string[] = [
  'origin',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
];

/** Headers of the upstream's answer that the client never sees, because they are orders to the proxy or its session. */
export const HIDDEN_RESPONSE_HEADERS: readonly string[] = [
  'set-cookie',
  'x-accel-buffering',
  'x-accel-charset',
  'x-accel-expires',
  'x-accel-limit-rate',
  'x-accel-redirect',
];
