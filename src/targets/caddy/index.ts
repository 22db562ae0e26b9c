import { renderTemplate } from '../../render/render.ts';
import { certificateOf } from '../sites.ts';
import { defineTarget, type RenderedFile } from '../target.ts';
import { SECRETS } from './caddyfile.ts';
import { certify } from './certificate.ts';
import { importCaddyfile } from './import.ts';
import { formatCaddyfile } from './layout.ts';
import { compareCaddy } from './live.ts';
import { renderedKeys } from './liveKeys.ts';
import { moved } from './moved.ts';
import { caddyAccess, caddyOptions } from './options.ts';
import { plan } from './plan.ts';
import { readBack } from './readBack.ts';
import type { RoutesModel } from './routes.ts';
import { run } from './run.ts';
import { secrets } from './secrets.ts';

export const caddy = defineTarget({
  name: 'caddy',
  summary: 'the proxies, and one site for each domain rewrite with an upstream',
  options: caddyOptions,
  access: caddyAccess,
  plan,
  files: (model) => [
    { path: 'caddy/Caddyfile', text: formatCaddyfile(renderTemplate('caddy', 'Caddyfile.njk', model)), comment: '#' },
    ...model.sharedRoutes.map(({ file, routes }) => routesFile(file, routes)),
    ...model.proxies.flatMap(({ name, routes, shadow }) => [
      ...(routes ? [routesFile(`${name}.routes`, routes)] : []),
      ...(shadow ? [routesFile(`${name}.shadow.routes`, shadow.routes)] : []),
    ]),
  ],
  secrets,
  importer: {
    kind: 'caddyfile',
    remedy: 'give a Caddyfile, with the files that it imports',
    read: importCaddyfile,
  },
  renderedKeys: { included: [SECRETS], compare: renderedKeys },
  live: compareCaddy,
  readBack: { decides: 'requests', read: readBack, certify },
  moved,
  siteCertificate: ({ options, at }) => certificateOf(options.sites, at),
  run,
});

function routesFile(name: string, routes: RoutesModel): RenderedFile {
  return { path: `caddy/${name}`, text: renderTemplate('caddy', 'routes.njk', routes), comment: '#' };
}
