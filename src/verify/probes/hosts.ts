import { type Draft, replaceField, withField } from '../draft.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import type { ProbeContext } from './base.ts';

const MOST_STRANGERS = 50;

/** Texts that begin or end like a name, and that some servers take for it. */
export function nearHosts(name: string): readonly string[] {
  return [
    `[${name}]`,
    `[${name}`,
    `${name}]`,
    `${name}]:80`,
    `${name}..`,
    `${name}:b`,
    `${name}:8x`,
    `${name}.:x`,
    `${name}:-1`,
    `${name}:80:80`,
    `u@${name}`,
    `${name}%2e`,
    `${name}"`,
    `${name}'`,
  ];
}

/** Names that are not the proxy's own, and texts that are close to one that is; none where no proxy has names. */
export function strangeHosts({ policy, proxy }: ProxyFixture): string[] {
  const names = policy.proxies.flatMap(({ hosts }) => hosts);
  const others = names.filter((name) => !proxy.hosts.includes(name));
  const near = proxy.hosts.slice(0, 1).flatMap(nearHosts);
  return names.length === 0 ? [] : [...near, 'nobody.example', ...others].slice(0, MOST_STRANGERS);
}

/** The same request under another name, or under one name in several places. */
export function mutateHost(draft: Draft, { fixture, random }: ProbeContext): Draft {
  const name = random.pick([...fixture.policy.proxies.flatMap(({ hosts }) => hosts), 'nobody.example']);
  const capital = name.toUpperCase();
  const ports = [':8080', '.:1', ':', ':0', ':00080', ':65536'];
  const spelled = random.pick([name, name, `${name}.`, capital, ...ports.map((port) => `${capital}${port}`)]);
  const other = random.pick([
    `x.${name}`,
    `${name}.x`,
    name.replace(/^[^.]*[.]/, ''),
    fixture.proxy.id,
    '~^(?!)',
    ...nearHosts(name),
    '127.0.0.1',
    '[::1]:80',
    '[fe80::1%25eth0]',
    '_',
    '',
  ]);
  const user = random.pick(['', 'u', 'u:p', ':', `${name}:80`, 'u@v']);
  return random.pick<() => Draft>([
    () => replaceField(draft, 'Host', spelled),
    () => replaceField(draft, 'Host', spelled),
    () => replaceField(draft, 'Host', spelled),
    () => replaceField(draft, 'Host', other),
    () => ({ ...draft, target: `http://${spelled}${draft.target}` }),
    () => ({ ...draft, target: `http://${other}${draft.target}` }),
    () => ({ ...draft, target: `p://${user}@${spelled}${random.pick(['', draft.target])}` }),
    () => withField(draft, 'Host', spelled),
    () => withField(draft, 'Host', other),
    () => withField(draft, 'X-Forwarded-Host', spelled),
    () => ({ ...draft, version: 'HTTP/1.0', fields: draft.fields.filter(([field]) => field !== 'Host') }),
  ])();
}
