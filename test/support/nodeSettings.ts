import { parse, TomlError } from 'smol-toml';
import { liveCase } from './live.ts';
import { type Json, mutatedJson, mutatedText } from './mutated.ts';
import type { Subject } from './mutationTrial.ts';

/** What a node has been told before, by somebody else. */
export const USER_DATA = `[settings.kubernetes]
cluster-name = "prod"
max-pods = 110

[settings.network]
hostname = "node"
https-proxy = "proxy.example.net:3128"
no-proxy = ["10.0.0.0/8", "localhost"]
hosts = [["10.0.0.1", ["mirror.example.net"]]]

[settings.dns]
name-servers = ["10.0.0.2"]

[settings.pki.company]
data = "Q09NUEFOWQ=="
trusted = true

[settings.pki.former]
data = "Rk9STUVS"
trusted = false

[[settings.container-registry.mirrors]]
registry = "quay.io"
endpoint = ["https://quay.example.net"]

[[settings.container-registry.credentials]]
registry = "quay.io"
username = "reader"
password = "never-shown"

[[settings.container-registry.credentials]]
registry = "ghcr.io"
auth = "never-shown-either"
`;

const REGISTRIES = [
  ...[
    'docker.io',
    'gcr.io',
    'ghcr.io',
    'quay.io',
    'registry.example.com',
    'registry.link.example.com',
    'other.example.com',
  ],
  ...['a.example.com', 'b.example.com', 'evil.example.com', '*'],
];

/** A Bottlerocket node, as apiclient prints its settings or as its user data tells them. */
export function nodeSettings(form: 'JSON' | 'TOML'): Subject {
  const here = liveCase(
    `version: 1
name: mutated
domainRewrites: [{ from: registry.example.com, to: registry.link.example.com, containerRegistry: true }]
targets:
  bottlerocket:
    merge: node.toml
    mirrors: { docker.io: ["https://a.example.com", "https://b.example.com"], "*": ["https://all.example.com"] }
`,
    { 'node.toml': USER_DATA },
  );
  const text = here.file('bottlerocket');
  const isJson = form === 'JSON';
  return {
    name: `Bottlerocket, ${form}`,
    target: 'bottlerocket',
    here,
    capture: isJson ? JSON.stringify(parse(text)) : text,
    asked: Number.POSITIVE_INFINITY,
    mutate: isJson ? (own, random) => JSON.stringify(mutatedJson(JSON.parse(own), random)) : mutatedText,
    decisions: async (own) => {
      try {
        return sources(isJson ? JSON.parse(own) : parse(own));
      } catch (error) {
        if (error instanceof Refused || error instanceof TomlError) return undefined;
        throw error;
      }
    },
  };
}

class Refused extends Error {}

/** Where a node gets the images of each registry, whom it trusts, and through whom it asks. Throws what Bottlerocket refuses. */
function sources(value: unknown): string[] {
  const { settings, ...others } = fields(value);
  if (Object.keys(others).length > 0) throw new Refused();
  const { 'container-registry': registry, pki = {}, network = {}, dns = {}, ...rest } = fields(settings);
  for (const name of Object.keys(rest)) if (name !== 'kubernetes') throw new Refused();
  const { mirrors = [], credentials = [] } = only(registry, ['mirrors', 'credentials']);
  const known = mirrorsOf(mirrors);
  const keys = list(credentials).map((each) =>
    only(each, ['registry', 'username', 'password', 'auth', 'identitytoken']),
  );
  const named = keys.map(({ registry: name }) => text(name));
  const trusted = Object.values(fields(pki)).flatMap((each) => {
    const { data, trusted: isTrusted = false } = only(each, ['data', 'trusted']);
    if (typeof isTrusted !== 'boolean') throw new Refused();
    // Bottlerocket refuses what is not the base64 of some text.
    const own = text(data);
    if (Buffer.from(own, 'base64').toString('base64') !== own) throw new Refused();
    return isTrusted ? [own] : [`not ${own}`];
  });
  const { 'https-proxy': proxy, hosts } = only(network, ['hostname', 'https-proxy', 'no-proxy', 'hosts']);
  const { 'name-servers': servers } = only(dns, ['name-servers', 'search-list']);
  return [
    ...REGISTRIES.map((name) => `${name} from ${endpointsOf(name, known, named).join(', ')}`),
    `trusts ${[...new Set(trusted)].sort().join(', ')}`,
    `asks through ${JSON.stringify([proxy, hosts, servers])}`,
  ];
}

/** A registry that is there twice is a table of containerd's configuration that is there twice, and nothing starts. */
function mirrorsOf(value: unknown): ReadonlyMap<string, readonly string[]> {
  // Older user data has a table.
  if (!Array.isArray(value))
    return new Map(Object.entries(fields(value)).map(([name, endpoints]) => [name, list(endpoints).map(text)]));
  const found = new Map<string, readonly string[]>();
  for (const each of value) {
    const { registry, endpoint } = only(each, ['registry', 'endpoint']);
    found.set(text(registry), found.has(text(registry)) ? ['nothing starts'] : list(endpoint).map(text));
  }
  return found;
}

/** containerd asks the mirrors of a registry in their order, else those of "*", unless it knows the registry by its credentials. */
function endpointsOf(
  name: string,
  mirrors: ReadonlyMap<string, readonly string[]>,
  named: readonly string[],
): readonly string[] {
  const own = mirrors.get(name) ?? (named.includes(name) ? [] : (mirrors.get('*') ?? []));
  return [...own, name];
}

function fields(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refused();
  return value as Json;
}

function only(value: unknown, names: readonly string[]): Json {
  const own = fields(value);
  if (Object.keys(own).some((name) => !names.includes(name))) throw new Refused();
  return own;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Refused();
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Refused();
  return value;
}
