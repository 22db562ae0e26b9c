import { code, defineCodes } from '../../diagnostics/codes.ts';

export const caddyCodes = defineCodes('caddy', {
  unquotable: code<{ what: string; text: string }>({
    severity: 'error',
    message: ({ what, text }) => `a Caddyfile cannot hold this ${what}: ${JSON.stringify(text).slice(0, 80)}`,
    hint: () =>
      'leave out control characters and line ends, "{$", lone braces, and a backtick together with a backslash before a quote',
  }),
  'rate-limit': code<{ key: string }>({
    severity: 'error',
    message: ({ key }) => `Caddy has no rate limits, so rateLimit of key "${key}" would not hold`,
    hint: () => 'take it out, limit in front of Caddy, or use the nginx target',
  }),
  'old-version': code<{ version: string }>({
    severity: 'error',
    message: ({ version }) =>
      `Caddy ${version} expands placeholders in what clients send, so no policy can be enforced with it`,
    hint: () => 'use Caddy 2.11.3 or later',
  }),
});
