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
  'wildcard-site': code<{ from: string }>({
    severity: 'error',
    message: ({ from }) =>
      `no proxy site can be made for the wildcard "*.${from}": each name needs its own Host and certificate name`,
    hint: () => 'list the names one by one, or leave out upstream, so that only DNS is rewritten',
  }),
  'site-twice': code<{ name: string; from: string }>({
    severity: 'error',
    message: ({ name, from }) => `"${name}" already stands for "${from}", and one site cannot be two`,
    hint: () => 'give each name its own, or leave out upstream, so that only DNS is rewritten',
  }),
  'site-port': code<{ port: number; proxy: string }>({
    severity: 'error',
    message: ({ port, proxy }) => `the sites of the domain rewrites listen on port ${port}, as proxy "${proxy}" does`,
    hint: () => 'choose another port in targets.caddy.sites.listen or in the proxy',
  }),
  'old-version': code<{ version: string }>({
    severity: 'error',
    message: ({ version }) =>
      `Caddy ${version} expands placeholders in what clients send, so no policy can be enforced with it`,
    hint: () => 'use Caddy 2.11.3 or later',
  }),
});
