import { CannotTell } from '../../prove/explore.ts';
import { ITSELF, type NodeModel } from '../../prove/pulls.ts';
import { apiOf, endsInVersion, type Fields, fieldsOf, isOn, listIn, textOf, tomlOf, urlOf } from '../readMirrors.ts';
import type { ReadFileText } from '../target.ts';

const SERVER_FIELDS = ['capabilities', 'override_path', 'ca', 'skip_verify'];

/** Reads the files of containerd: one in the folder of each registry, and one for all others. */
export function readContainerd(files: readonly ReadFileText[]): readonly NodeModel[] {
  const hosts = new Map(
    files.map((file) => {
      const [, folder] = /certs\.d\/([^/]+)\/hosts\.toml$/.exec(file.path) ?? [];
      if (folder === undefined) throw new CannotTell(`${file.path} is for no registry`);
      return [folder, file] as const;
    }),
  );
  const registries = [...hosts.keys()].filter((name) => name !== '_default').map(registryOf);
  const chain = (registry: string) => {
    const names = [registry.replace(/:([0-9]+)$/, '_$1_'), registry, '_default'];
    const folder = names.find((name) => hosts.has(name));
    const file = folder === undefined ? files[0] : hosts.get(folder);
    const place = { file: file?.path ?? 'hosts.toml', line: 1, what: `folder ${folder ?? 'of no registry'}` };
    return { sources: file && folder !== undefined ? sourcesIn(file, registry) : [ITSELF], place };
  };
  return [{ registries, chain }];
}

function registryOf(folder: string): string {
  return folder.replace(/_([0-9]+)_$/, ':$1');
}

/** The hosts in their order, and then the server, which is the registry itself where none is named. */
function sourcesIn(file: ReadFileText, registry: string): readonly string[] {
  const what = file.path;
  const { host = {}, server, ...own } = fieldsOf(tomlOf(file), ['host', 'server', ...SERVER_FIELDS], what);
  const hosts = Object.entries(fieldsOf(host, Object.keys(host as object), `the hosts of ${what}`)).map(
    ([url, fields]) => sourceOf(url, fieldsOf(fields, SERVER_FIELDS, `${url} in ${what}`)),
  );
  // A table without hosts is that of the server.
  return [...hosts, server === undefined ? ITSELF : lastOf(textOf(server, `the server of ${what}`), own, registry)];
}

function lastOf(server: string, fields: Fields, registry: string): string {
  const name = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const isPlain = Object.keys(fields).length === 0;
  return isPlain && server === `https://${name}` ? ITSELF : sourceOf(server, fields);
}

function sourceOf(url: string, fields: Fields): string {
  const own = urlOf(url, url);
  const able = listIn(fields.capabilities, `the capabilities of ${url}`);
  // Without the list a host may do everything.
  if (able.length > 0 && !['pull', 'resolve'].every((one) => able.includes(one)))
    throw new CannotTell(`${url} serves only some of what a pull needs`);
  const isWhole = isOn(fields.override_path, `override_path of ${url}`) || endsInVersion(own);
  const unsure = isOn(fields.skip_verify, `skip_verify of ${url}`) ? ' without a check of the certificate' : '';
  return `${apiOf(own, isWhole)}${unsure}`;
}
