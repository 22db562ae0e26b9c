import { defineCodes, error, warning } from '../../diagnostics/codes.ts';

export const caddyCodes = defineCodes('caddy', {
  unquotable: error(
    ({ what, text }: { what: string; text: string }) =>
      `a Caddyfile cannot hold this ${what}: ${JSON.stringify(text).slice(0, 80)}`,
  ).hint(
    'leave out control characters and line ends, "{$", lone braces, and a backtick together with a backslash before a quote',
  ),
  'rate-limit': error('Caddy has no rate limits, so rateLimit of key "{key}" would not hold').hint(
    'take it out, limit in front of Caddy, or use the nginx target',
  ),
  'unannounced-trailers': warning(
    'Caddy {version} passes on trailers that an upstream did not announce in the head of its answer, X-Accel-* too',
  ).hint('see to it that no upstream sends such, or that nothing in front of Caddy obeys them'),
  'old-version': error(
    'Caddy {version} expands placeholders in what clients send, so no policy can be enforced with it',
  ).hint('use Caddy 2.11.3 or later'),
});
