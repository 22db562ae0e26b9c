import { CannotTell } from '../../prove/explore.ts';
import { ITSELF, type NodeModel } from '../../prove/pulls.ts';
import { isRecord } from '../../source/value.ts';
import { chainFrom, fieldsOf, isOn, listIn, onlyFile, urlOf, yamlOf } from '../readMirrors.ts';
import type { ReadFileText } from '../target.ts';

/** Reads the registries of k3s and RKE2: endpoints in their order, and then always the registry. */
export function readK3s(files: readonly ReadFileText[]): readonly NodeModel[] {
  const file = onlyFile(files);
  const [value, ...others] = yamlOf(file);
  if (others.length > 0) throw new CannotTell('there are several documents');
  const { mirrors: all = {}, configs = {} } = fieldsOf(value, ['mirrors', 'configs'], file.path);
  if (!isRecord(all) || !isRecord(configs)) throw new CannotTell('mirrors or configs are not what they should be');
  const unsure = new Set(Object.entries(configs).flatMap(([host, config]) => (skipsCheck(host, config) ? [host] : [])));
  const mirrors = new Map(
    Object.entries(all).map(([name, mirror]) => {
      const { endpoint } = fieldsOf(mirror, ['endpoint'], `the mirror of ${name}`);
      const sources = listIn(endpoint, `the endpoints of ${name}`).map((each) => {
        const { origin, path } = urlOf(each, `an endpoint of ${name}`);
        const host = origin.replace(/^https?:\/\//, '');
        const isUnsure = origin.startsWith('https:') && unsure.has(Object.hasOwn(configs, host) ? host : '*');
        const how = isUnsure ? ' without a check of the certificate' : '';
        return `${origin}${path === '' || path === '/' ? '/v2' : path}${how}`;
      });
      return [name, [...sources, ITSELF]] as const;
    }),
  );
  return [{ registries: [...mirrors.keys()], chain: chainFrom(file, mirrors) }];
}

/** Returns whether the certificate of a host is not checked. Credentials do not matter here. */
function skipsCheck(host: string, config: unknown): boolean {
  const { tls = {} } = fieldsOf(config, ['auth', 'tls'], `the config of ${host}`);
  const known = ['ca_file', 'cert_file', 'key_file', 'insecure_skip_verify'];
  const { insecure_skip_verify } = fieldsOf(tls, known, `tls of ${host}`);
  return isOn(insecure_skip_verify, 'insecure_skip_verify');
}
