/** The private names of the sites that the tests of every engine ask for. */
export const GITLAB = 'gitlab.privatelink.example.com';
export const REGISTRY = 'gitlab-registry.privatelink.example.com';

/** Names that a certificate for these sites and for what is behind them must cover. */
export const SITE_NAMES = ['gitlab.example.com', 'registry.example.com', GITLAB, REGISTRY];

/** What clients could say of themselves. */
export const SPOOFED = [
  'Forwarded',
  'X-Real-IP',
  ...['For', 'Host', 'Port', 'Proto', 'Scheme', 'Server', 'Ssl'].map((name) => `X-Forwarded-${name}`),
];
