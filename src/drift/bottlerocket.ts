import { type Diagnostic, ok, type SpecPath } from '../diagnostics/diagnostic.ts';
import { bottlerocketOptions } from '../targets/bottlerocket/options.ts';
import { authoritiesOf } from '../targets/bottlerocket/pki.ts';
import { type Mirror, mirrorsOf } from '../targets/mirrors.ts';
import { type Authorities, type Mirrors, settingsIn } from './bottlerocketSettings.ts';
import { driftCodes } from './codes.ts';
import { type CompareLive, optionsPath, unreadable } from './live.ts';

/**
 * What `apiclient get settings.container-registry` prints, or user data. Read for this: apiclient, apiserver and
 * models of bottlerocket-core-kit 3.1.1 and bottlerocket-settings-models 0.6.0. It prints JSON under `settings`, and
 * `{}` on a node where nothing of it is set. Mirrors go by registry, endpoints in their order.
 */
export const compareBottlerocket: CompareLive = (live, expected) => {
  const at = optionsPath(expected);
  const { mirrors = {}, pki } = bottlerocketOptions.parse(expected.options);
  const wanted = mirrorsOf(expected.policy, mirrors, [...at, 'mirrors']);
  const asks = pki ? 'settings.container-registry settings.pki' : 'settings.container-registry';
  const hint = `give what "apiclient get ${asks}" prints on a node, or its user data`;
  const found = settingsIn(live.text, pki !== undefined);
  if ('problem' in found) return unreadable(expected, `${live.name}: ${found.problem}`, hint);
  const authorities = authoritiesOf({ pki, at, read: expected.read }, []);
  const drift = [
    ...wanted.flatMap((mirror) => mirrorDrift(mirror, found.mirrors, live.name)),
    ...authorities.flatMap(({ name, data }) => trustDrift({ name, data, at }, found.authorities, live.name)),
  ];
  const others = [
    ...[...found.mirrors.keys()].filter((name) => !wanted.some(({ registry }) => registry === name)).map(mirrorOf),
    ...[...found.authorities.keys()].filter((name) => !authorities.some((one) => one.name === name)).map(authorityOf),
  ];
  return ok({ drift, foreign: others.map((what) => driftCodes.report('foreign', at, { what, where: live.name })) });
};

const mirrorOf = (registry: string) => `a mirror of ${registry}`;
const authorityOf = (name: string) => `the certificate authority "${name}"`;

function mirrorDrift({ registry, endpoints, origin }: Mirror, found: Mirrors, where: string): Diagnostic[] {
  const live = found.get(registry);
  const expected = `${registry} from ${endpoints.join(', ')}`;
  if (!live) return [driftCodes.report('missing', origin, { what: `the mirror of ${expected}`, where })];
  if (live === endpoints.join(', ')) return [];
  return [driftCodes.report('changed', origin, { where, expected, live: live || 'no endpoint' })];
}

interface WantedAuthority {
  readonly name: string;
  readonly data: string;
  readonly at: SpecPath;
}

/** A certificate says nothing to a reader, so that only its being another is told. */
function trustDrift({ name, data, at }: WantedAuthority, found: Authorities, where: string): Diagnostic[] {
  const place = [...at, 'pki', name];
  const live = found.get(name);
  if (!live) return [driftCodes.report('missing', place, { what: authorityOf(name), where })];
  const expected = `the one of ${authorityOf(name)}`;
  if (pemOf(live.data) !== pemOf(data))
    return [driftCodes.report('changed', place, { where, expected, live: 'another certificate' })];
  const distrusted = driftCodes.report('changed', place, {
    where,
    expected,
    live: 'a certificate that is not trusted',
  });
  return live.trusted ? [] : [distrusted];
}

function pemOf(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8').replace(/\s+/g, '');
}
