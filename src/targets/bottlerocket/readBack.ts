import { CannotTell } from '../../prove/explore.ts';
import { ITSELF, type NodeModel } from '../../prove/pulls.ts';
import { isRecord, memberOf } from '../../source/value.ts';
import {
  chainFrom,
  fieldsOf,
  jsonOf,
  listIn,
  onlyFile,
  textOf,
  tomlOf,
  type Url,
  urlOf,
  yamlOf,
} from '../readMirrors.ts';
import type { ReadFileText } from '../target.ts';

/** Reads settings of Bottlerocket in any form: mirrors of registries, after which the registry is always tried. */
export function readBottlerocket(files: readonly ReadFileText[]): readonly NodeModel[] {
  const file = onlyFile(files);
  const registry = memberOf(settingsOf(file), 'container-registry') ?? {};
  const { mirrors: all, ...others } = fieldsOf(registry, ['mirrors', 'credentials', 'creds'], 'container-registry');
  const credentials = [others.credentials, others.creds].flatMap((list) => listIn(list, 'credentials'));
  const known = credentials.map((each) => textOf(memberOf(each, 'registry'), 'the registry of credentials'));
  const mirrors = mirrorsIn(all);
  const registries = [...mirrors.keys(), ...known];
  const of = (order: (urls: readonly string[]) => readonly string[], sourceOf: (url: Url) => string) =>
    new Map(
      [...mirrors].map(([name, urls]) => {
        const sources = order(urls).map((url) => sourceOf(urlOf(url, `an endpoint of ${name}`)));
        return [name, [...sources, ITSELF]] as const;
      }),
    );
  // containerd 1.7 takes a path as it is; containerd 2 keeps endpoints in a sorted table, and has a file for each
  // registry that it has credentials for, so that the mirrors of "*" do not count there.
  const old = of(
    (urls) => urls,
    ({ origin, path }) => `${origin}${path === '' ? '/v2' : path}`,
  );
  const sorted = of(
    (urls) => urls.toSorted((a, b) => (a < b ? -1 : 1)),
    ({ origin, path }) => `${origin}${/^\/?$/.test(path) ? '/v2' : path}`,
  );
  return [
    { kind: 'containerd 1.7', registries, chain: chainFrom(file, old) },
    { kind: 'containerd 2', registries, chain: chainFrom(file, sorted, known) },
  ];
}

function mirrorsIn(all: unknown): ReadonlyMap<string, readonly string[]> {
  // Older user data has a table.
  const entries = isRecord(all)
    ? Object.entries(all).map(([registry, endpoint]) => ({ registry, endpoint }))
    : listIn(all, 'mirrors');
  const found = new Map<string, readonly string[]>();
  for (const entry of entries) {
    const { registry, endpoint } = fieldsOf(entry, ['registry', 'endpoint'], 'a mirror');
    const name = textOf(registry, 'the registry of a mirror');
    if (found.has(name)) throw new CannotTell(`two mirrors are for ${name}`);
    found.set(
      name,
      listIn(endpoint, `the endpoints of ${name}`).map((each) => textOf(each, `an endpoint of ${name}`)),
    );
  }
  return found;
}

/** Settings of ours, of which one is there. */
const KNOWN = ['container-registry', 'pki'];

/** Returns the settings in a file: user data, or what holds them in another form. */
function settingsOf(file: ReadFileText): unknown {
  if (/^\s*\{/.test(file.text)) {
    const value = jsonOf(file);
    const settings = memberOf(value, 'settings') ?? value;
    const isOther = isRecord(settings) && Object.keys(settings).length > 0 && !KNOWN.some((name) => name in settings);
    if (isOther) throw new CannotTell('there are no settings of registries');
    return settings;
  }
  if (!/^(?:bottlerocket|apiVersion):/m.test(file.text)) return inUserData(tomlOf(file));
  const [value, ...others] = yamlOf(file);
  if (others.length > 0) throw new CannotTell('there are several documents');
  const eksctl = memberOf(value, 'bottlerocket');
  if (eksctl !== undefined) return memberOf(eksctl, 'settings');
  const text = textOf(memberOf(memberOf(value, 'spec'), 'userData'), 'spec.userData');
  return inUserData(tomlOf({ path: file.path, text }));
}

function inUserData(value: unknown): unknown {
  const settings = memberOf(value, 'settings');
  if (settings === undefined) throw new CannotTell('there are no settings');
  return settings;
}
