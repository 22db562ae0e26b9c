import { ITSELF, type NodeModel } from '../../prove/pulls.ts';
import { apiOf, chainFrom, fieldsOf, jsonOf, listIn, onlyFile, urlOf } from '../readMirrors.ts';
import type { ReadFileText } from '../target.ts';

/** Reads the configuration of Docker's daemon, whose mirrors are those of Docker Hub, which is always tried last. */
export function readDocker(files: readonly ReadFileText[]): readonly NodeModel[] {
  const file = onlyFile(files);
  const { 'registry-mirrors': all } = fieldsOf(jsonOf(file), ['registry-mirrors'], file.path);
  const sources = listIn(all, 'registry-mirrors').map((each) => apiOf(urlOf(each, 'a mirror'), false));
  const mirrors = new Map([['docker.io', [...sources, ITSELF]]]);
  return [{ registries: ['docker.io'], chain: chainFrom(file, mirrors) }];
}
