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

/**
 * Headers that `auth: passthrough` lets through beside the default list: those by which GitLab authenticates a client.
 */
export const PASSTHROUGH_CREDENTIAL_HEADERS: readonly string[] = [
  'authorization',
  'deploy-token',
  'job-token',
  'private-token',
  'runner-token',
];

/**
 * Headers that a WebSocket route forwards as well. Origin, because ActionCable and others check which page connects.
 */
export const WEBSOCKET_HEADERS: readonly string[] = [
  'origin',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
];

/** Headers of the upstream's answer that the client never sees: orders to the proxy, and the upstream's session. */
export const HIDDEN_RESPONSE_HEADERS: readonly string[] = [
  'set-cookie',
  'x-accel-buffering',
  'x-accel-charset',
  'x-accel-expires',
  'x-accel-limit-rate',
  'x-accel-redirect',
];
