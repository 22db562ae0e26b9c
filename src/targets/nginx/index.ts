import { renderTemplate } from '../../render/render.ts';
import { certificateOf } from '../sites.ts';
import { defineTarget, type RenderedFile } from '../target.ts';
import { audited } from './audit.ts';
import { certify } from './certificate.ts';
import { KEY_FILES, TOKEN_FILES } from './identity.ts';
import { importNginx } from './import.ts';
import { compareNginx, printed, renderedKeys } from './live.ts';
import type { NginxModel } from './model.ts';
import { moved } from './moved.ts';
import { nginxAccess, nginxOptions } from './options.ts';
import { plan } from './plan.ts';
import { readBack } from './readBack.ts';
import { run } from './run.ts';
import { secretFiles } from './secrets.ts';

export const nginx = defineTarget({
  name: 'nginx',
  summary: 'the proxies and the sites of domain rewrites, with nginx 1.22 or newer',
  options: nginxOptions,
  access: nginxAccess,
  plan,
  files: ({ main, maps, paths, upstreams, sharedRoutes, proxies, shadows, sites }: NginxModel) => [
    ...(main.included
      ? [file('http.conf', 'http.conf.njk', main), file('server.conf', 'server.conf.njk', main)]
      : [file('nginx.conf', 'nginx.conf.njk', main)]),
    file('maps.conf', 'maps.conf.njk', maps),
    ...(paths ? [file('paths.conf', 'paths.conf.njk', paths)] : []),
    ...(paths?.tables ?? []).map((table) => file(table.file, 'entries.conf.njk', table)),
    file('upstreams.conf', 'upstreams.conf.njk', upstreams),
    ...sharedRoutes.map((each) => file(each.file, 'sharedRoutes.conf.njk', each)),
    ...proxies.flatMap((proxy) => [
      file(`${proxy.name}.routes.conf`, 'routes.conf.njk', proxy),
      file(`${proxy.name}.conf`, 'proxy.conf.njk', proxy),
    ]),
    ...shadows.map((shadow) => file(`${shadow.name}.shadow.conf`, 'shadow.conf.njk', shadow)),
    ...(sites ? [file('sites.conf', 'sites.conf.njk', sites)] : []),
  ],
  secrets: secretFiles,
  renderedKeys: { included: [KEY_FILES, TOKEN_FILES], compare: renderedKeys },
  live: compareNginx,
  audited,
  importer: {
    kind: 'nginx',
    remedy: 'give what "nginx -T" prints, or the folder of the configuration',
    read: importNginx,
  },
  readBack: { decides: 'requests', read: readBack, certify },
  printed,
  moved,
  siteCertificate: ({ options, at }) => certificateOf(options.sites, at),
  run,
});

function file(path: string, template: string, model: object): RenderedFile {
  return { path: `nginx/${path}`, text: renderTemplate('nginx', template, model), comment: '#' };
}
