import { renderTemplate } from '../../render/render.ts';
import { defineTarget, type RenderedFile } from '../target.ts';
import type { NginxModel } from './model.ts';
import { nginxOptions } from './options.ts';
import { plan } from './plan.ts';
import { secretFiles } from './secrets.ts';

export const nginx = defineTarget({
  name: 'nginx',
  summary: 'the proxies, with nginx 1.22 or newer',
  options: nginxOptions,
  plan,
  files: ({ main, maps, upstreams, proxies }: NginxModel) => [
    file('nginx.conf', 'nginx.conf.njk', main),
    file('maps.conf', 'maps.conf.njk', maps),
    file('upstreams.conf', 'upstreams.conf.njk', upstreams),
    ...proxies.map((proxy) => file(proxy.file, 'proxy.conf.njk', proxy)),
  ],
  secrets: secretFiles,
});

function file(path: string, template: string, model: object): RenderedFile {
  return { path: `nginx/${path}`, text: renderTemplate('nginx', template, model), comment: '#' };
}
