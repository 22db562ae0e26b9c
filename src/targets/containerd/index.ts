import * as z from 'zod';
import { ok } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import type { Token } from '../../render/token.ts';
import {
  endpointParts,
  fallbackTouch,
  jsonString,
  type Mirror,
  mirrorCodes,
  mirrorsOf,
  mirrorsOption,
  mirrorsTouch,
  nodeCaTouch,
  nodeFile,
} from '../mirrors.ts';
import { defineTarget } from '../target.ts';
import { readContainerd } from './readBack.ts';

const quoted = (text: string) => jsonString('containerd', text);

const options = z
  .strictObject({
    mirrors: mirrorsOption,
    caFile: nodeFile
      .optional()
      .describe('PEM bundle on the node that the endpoints are verified with; those of the system where absent'),
    fallback: z.boolean().optional().describe('Whether the registry itself is tried last; true where absent'),
  })
  .describe('Registry mirrors for containerd, in the folder that config_path names');

interface Endpoint {
  readonly url: Token<'containerd'>;
  /** Whether the URL has the whole path; otherwise containerd appends /v2. */
  readonly wholePath: boolean;
  /** Authorities that the endpoint is verified with. With one, containerd would try HTTPS for a plain HTTP endpoint. */
  readonly ca: Token<'containerd'> | null;
}

interface HostsModel {
  /** Server that containerd tries last. */
  readonly server: Endpoint | null;
  readonly serverIsMirror: boolean;
  readonly hosts: readonly Endpoint[];
}

interface HostsFile {
  readonly folder: string;
  readonly model: HostsModel;
}

export const containerd = defineTarget({
  name: 'containerd',
  summary: 'registry mirrors of nodes with containerd (hosts.toml)',
  options,
  access: { mirrors: mirrorsTouch, caFile: nodeCaTouch, fallback: fallbackTouch },
  plan({ policy, options: { mirrors = {}, caFile, fallback = true }, at }) {
    const all = mirrorsOf(policy, mirrors, [...at, 'mirrors']);
    const files = all.map((mirror) => ({
      folder: folderOf(mirror.registry),
      model: hostsModel(mirror, { caFile, fallback }),
    }));
    return ok<readonly HostsFile[]>(files, all.length === 0 ? [mirrorCodes.report('none', at, {})] : []);
  },
  files: (files) =>
    files.map(({ folder, model }) => ({
      path: `containerd/certs.d/${folder}/hosts.toml`,
      text: renderTemplate('containerd', 'hosts.toml.njk', model),
      comment: '#' as const,
    })),
  readBack: { decides: 'pulls', read: readContainerd },
  nodes: ({ mirrors = {}, fallback = true }) => ({ mirrors, fallsBack: fallback ? 'configured' : 'never' }),
});

/** Returns the folder of a registry: `host_port_` for `host:port`, because not every file system allows a colon. */
function folderOf(registry: string): string {
  return registry === '*' ? '_default' : registry.replace(/:(\d+)$/, '_$1_');
}

function hostsModel(
  { registry, endpoints }: Mirror,
  { caFile, fallback }: { caFile: string | undefined; fallback: boolean },
): HostsModel {
  const hosts = endpoints.map((endpoint) => endpointOf(endpoint, caFile));
  // containerd always tries `server` last, and the registry itself where there is none. The only way not to fall back
  // is to name the last mirror as the server.
  if (!fallback) return { server: hosts.at(-1) ?? null, serverIsMirror: true, hosts: hosts.slice(0, -1) };
  // All registries together have no single server.
  const server =
    registry === '*' ? null : endpointOf(`https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`);
  return { server, serverIsMirror: false, hosts };
}

function endpointOf(endpoint: string, caFile?: string): Endpoint {
  const { plain, path } = endpointParts(endpoint);
  return { url: quoted(endpoint), wholePath: path !== '', ca: caFile === undefined || plain ? null : quoted(caFile) };
}
