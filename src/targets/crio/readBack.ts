import { CannotTell } from '../../prove/explore.ts';
import { ITSELF, type NodeModel } from '../../prove/pulls.ts';
import { chainFrom, fieldsOf, isOn, listIn, onlyFile, textOf, tomlOf } from '../readMirrors.ts';
import type { ReadFileText } from '../target.ts';

/** Reads the registries of CRI-O: mirrors in their order, and then the location. */
export function readCrio(files: readonly ReadFileText[]): readonly NodeModel[] {
  const file = onlyFile(files);
  const { registry: all } = fieldsOf(tomlOf(file), ['registry'], file.path);
  const mirrors = new Map<string, readonly string[]>();
  for (const each of listIn(all, 'registry')) {
    const { prefix, location, insecure, mirror } = fieldsOf(
      each,
      ['prefix', 'location', 'insecure', 'mirror'],
      'a registry',
    );
    const name = textOf(prefix ?? location, 'prefix');
    if (/[/*]/.test(name) || mirrors.has(name)) throw new CannotTell(`the prefix ${name} is not understood`);
    const others = listIn(mirror, `the mirrors of ${name}`).map((one) => {
      const own = fieldsOf(one, ['location', 'insecure'], `a mirror of ${name}`);
      return sourceOf(textOf(own.location, 'location'), isOn(own.insecure, 'insecure'));
    });
    const last = textOf(location ?? prefix, 'location');
    const isPlain = isOn(insecure, 'insecure');
    mirrors.set(name, [...others, last === name && !isPlain ? ITSELF : sourceOf(last, isPlain)]);
  }
  return [{ registries: [...mirrors.keys()], chain: chainFrom(file, mirrors) }];
}

/** A location stands for what follows /v2/. Where it is insecure, plain HTTP is asked, too. */
function sourceOf(location: string, isInsecure: boolean): string {
  const [, host = '', path = ''] = /^([^/]+)(.*)$/.exec(location) ?? [];
  return `${isInsecure ? 'http' : 'https'}://${host}/v2${path}`;
}
