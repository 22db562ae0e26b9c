import { type Draft, replaceField, withField } from '../draft.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import type { ProbeContext } from './base.ts';

const MOST_STRANGERS = 50;

/** Names that are not the proxy's own; none where no proxy has names. */
export function strangeHosts({ policy, proxy }: ProxyFixture): string[] {
  const names = policy.proxies.flatMap(({ hosts }) => hosts);
  const others = names.filter((name) => !proxy.hosts.includes(name));
  return names.length === 0 ? [] : ['nobody.example', ...others].slice(0, MOST_STRANGERS);
}

/** The same request under another name, or under one name in several places. */
export function mutateHost(draft: Draft, { fixture, random }: ProbeContext): Draft {
  const names = fixture.policy.proxies.flatMap(({ hosts }) => hosts);
  // Where no proxy has names, every name reaches the same one.
  if (names.length === 0) return draft;
  const name = random.pick([...names, 'nobody.example']);
  const capital = name.toUpperCase();
  const spelled = random.pick([name, name, `${name}.`, capital, `${name}:8080`, `${capital}.:1`, `${name}:`]);
  const other = random.pick([
    `x.${name}`,
    `${name}.x`,
    name.replace(/^[^.]*[.]/, ''),
    fixture.proxy.id,
    '~^(?!)',
    `${name}..`,
    `${name}%2e`,
    '127.0.0.1',
    '[::1]:80',
    `[${name}]`,
    '_',
    '',
  ]);
  return random.pick<() => Draft>([
    () => replaceField(draft, 'Host', spelled),
    () => replaceField(draft, 'Host', spelled),
    () => replaceField(draft, 'Host', spelled),
    () => replaceField(draft, 'Host', other),
    () => ({ ...draft, target: `http://${spelled}${draft.target}` }),
    () => ({ ...draft, target: `http://${other}${draft.target}` }),
    () => withField(draft, 'Host', spelled),
    () => withField(draft, 'X-Forwarded-Host', spelled),
    () => ({ ...draft, version: 'HTTP/1.0', fields: draft.fields.filter(([field]) => field !== 'Host') }),
  ])();
}
