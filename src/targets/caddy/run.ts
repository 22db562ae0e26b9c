import type { RequestRunner } from '../target.ts';
import type { CaddyOptions } from './options.ts';

export const run: RequestRunner<CaddyOptions> = {
  program: 'caddy',
  args: () => ['run', '--config', 'Caddyfile'],
  leaves: ['*.log', '*.log.gz', '*.sock', 'data/', 'config/'],
  serves: 'requests',
  alone: ({ sites, ...proxies }) => proxies,
  // Every rewrite with an upstream gets a site, whatever the options say.
  rendersSites: () => true,
  accessLog: 'access.log',
};
