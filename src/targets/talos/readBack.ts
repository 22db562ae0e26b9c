import { CannotTell } from '../../prove/explore.ts';
import { ITSELF, type NodeModel } from '../../prove/pulls.ts';
import {
  apiOf,
  chainFrom,
  endsInVersion,
  fieldsOf,
  isOn,
  listIn,
  onlyFile,
  textOf,
  urlOf,
  yamlOf,
} from '../readMirrors.ts';
import type { ReadFileText } from '../target.ts';

/** Reads documents of Talos: endpoints in their order, and then the registry unless that is skipped. */
export function readTalos(files: readonly ReadFileText[]): readonly NodeModel[] {
  // Nothing is written where there is no mirror.
  if (files.length === 0)
    return [{ registries: [], chain: () => ({ sources: [ITSELF], place: { file: '', line: 1, what: 'nothing' } }) }];
  const file = onlyFile(files);
  const mirrors = new Map<string, readonly string[]>();
  for (const document of yamlOf(file)) {
    const known = ['apiVersion', 'kind', 'name', 'endpoints', 'skipFallback'];
    const { apiVersion, kind, name, endpoints, skipFallback } = fieldsOf(document, known, 'a document');
    if (apiVersion !== 'v1alpha1' || kind !== 'RegistryMirrorConfig')
      throw new CannotTell('a document is of a kind that is not understood');
    const registry = textOf(name, 'name');
    if (mirrors.has(registry)) throw new CannotTell(`two documents are for ${registry}`);
    const sources = listIn(endpoints, 'endpoints').map((each) => {
      const { url, overridePath } = fieldsOf(each, ['url', 'overridePath'], `an endpoint of ${registry}`);
      const own = urlOf(url, `an endpoint of ${registry}`);
      return apiOf(own, isOn(overridePath, 'overridePath') || endsInVersion(own));
    });
    const isLast = isOn(skipFallback, 'skipFallback') && sources.length > 0;
    mirrors.set(registry, [...sources, ...(isLast ? [] : [ITSELF])]);
  }
  return [{ registries: [...mirrors.keys()], chain: chainFrom(file, mirrors) }];
}
