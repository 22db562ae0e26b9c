import type { RequestRunner } from '../target.ts';
import type { NginxOptions } from './options.ts';

export const run: RequestRunner<NginxOptions> = {
  program: 'nginx',
  args: (folder) => ['-p', `${folder}/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
  leaves: ['*.log', '*.pid', '*_temp/', 'temp/', 'logs/'],
  serves: 'requests',
  alone: ({ sites, ...proxies }) => proxies,
  rendersSites: ({ sites }) => sites !== undefined,
  accessLog: 'access.log',
};
