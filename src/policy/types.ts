import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { SecretScheme } from '../spec/scalars.ts';
import type { VAULT_TOKEN_TYPES } from '../spec/vaultSchema.ts';
import type { AddressRange, CidrSet } from './cidr.ts';
import type { PathPattern } from './pattern.ts';

/**
 * What a spec means, in no engine's words: references resolved, defaults applied, lists in a canonical
 * order. Every node keeps the place in the spec that it came from.
 */
export interface Policy {
  readonly name: string;
  readonly upstreams: readonly Upstream[];
  readonly routes: readonly Route[];
  readonly apiKeys: readonly ApiKey[];
  readonly proxies: readonly Proxy[];
  readonly rewrites: readonly DomainRewrite[];
  readonly registries: readonly RegistryRewrite[];
  readonly vault: readonly VaultMount[];
  readonly addressSets: readonly AddressSet[];
  /** A policy with the same proxies that is decided and logged for every request, and never enforced. */
  readonly shadow?: Policy;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface Upstream {
  readonly id: string;
  readonly scheme: 'http' | 'https';
  /**
   * Name or address of the url, lower case. It is sent as Host, with the port where that is not the scheme's default.
   */
  readonly host: string;
  readonly port: number;
  /** What is connected to; `[{host, port}]` of the url where the spec names no pool. */
  readonly servers: readonly HostPort[];
  readonly tokenHeader: string;
  /** The word before the token, and a blank; absent: the token alone. */
  readonly tokenScheme?: 'Bearer' | 'token' | 'Basic';
  /** Absent for plain http. */
  readonly tls?: { readonly serverName: string; readonly caFile?: string; readonly insecureSkipVerify: boolean };
  /** Milliseconds. */
  readonly timeouts: { readonly connect: number; readonly read: number; readonly send: number };
  readonly origin: SpecPath;
}

/** How an allowed request is forwarded. Patterns that overlap must agree on all of it. */
export interface Forwarding {
  readonly upstream: string;
  readonly auth: 'apiKey' | 'passthrough';
  /** Request headers that pass beside the default list; lower case, sorted. */
  readonly headers: readonly string[];
  /** Lower case, sorted. */
  readonly contentTypes: 'any' | readonly string[];
  /** Bytes; `undefined` for no limit. */
  readonly maxBody: number | undefined;
  readonly websocket: boolean;
}

/** One entry of a group's `allow`. */
export interface Route {
  /** The key under `routes`; what logs show. */
  readonly group: string;
  /** Sorted; HEAD is not listed where it comes with GET. */
  readonly methods: readonly string[];
  readonly pattern: PathPattern;
  readonly forwarding: Forwarding;
  /** How the entry differs from its group, in a few words: `9MB`; "" where it does not. */
  readonly variant: string;
  readonly reason?: string;
  readonly origin: SpecPath;
}

export interface SecretReference {
  readonly scheme: SecretScheme;
  /** The reference as written, such as `env:POSTERN_KEY`. */
  readonly text: string;
  readonly origin: SpecPath;
}

export interface ApiKey {
  readonly id: string;
  /** One, or two while the key is being rotated. */
  readonly keys: readonly SecretReference[];
  readonly token: SecretReference;
  /** Route groups with `auth: apiKey` that it may use, sorted. */
  readonly groups: readonly string[];
  /** Whether the spec lists no groups for the key, so that `groups` is every such group. */
  readonly allGroups: boolean;
  /** Absent: the proxy's own ranges are all that counts. */
  readonly ranges?: CidrSet;
  /** Seconds since the epoch; the key works before this moment, not at it. */
  readonly expires?: number;
  readonly rateLimit?: { readonly requests: number; readonly per: 's' | 'm'; readonly burst: number };
  readonly owner?: string;
  readonly origin: SpecPath;
}

export type ClientAddress =
  | { readonly kind: 'direct' }
  | { readonly kind: 'header'; readonly trusted: CidrSet; readonly header: string }
  | { readonly kind: 'proxyProtocol'; readonly trusted: CidrSet };

/** A request that the proxy answers itself. */
export interface Answer {
  /** `["*"]` for every method. */
  readonly methods: readonly string[];
  readonly pattern: PathPattern;
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  /** `none`: nobody is asked for a key. */
  readonly auth: 'apiKey' | 'none';
  /** Who may ask, in place of the addresses that the proxy admits. */
  readonly ranges?: CidrSet;
  readonly origin: SpecPath;
}

/** The answer to a health check: it says that the proxy runs. */
export interface Health extends Answer {
  readonly ranges: CidrSet;
}

/** Which pages of other origins browsers let use a proxy. */
export interface Cors {
  /** As browsers write them, sorted: `https://app.example.com`. */
  readonly origins: 'any' | readonly string[];
  /** Request headers that pages may set, as `Access-Control-Allow-Headers` lists them: that of the key is the first. */
  readonly headers: readonly string[];
  /** Seconds. */
  readonly maxAge: number;
}

export interface Proxy {
  readonly id: string;
  /** `address` absent: every IPv4 address. IPv6 addresses without brackets. */
  readonly listen: { readonly address?: string; readonly port: number };
  /** Names that clients ask for, lower case, sorted. Empty: every name that no other proxy of the socket has. */
  readonly hosts: readonly string[];
  /** Files of the certificate that the proxy shows, paths on its machine. Absent: it speaks plain HTTP. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly ranges: CidrSet;
  readonly clientIp: ClientAddress;
  readonly apiKeyHeader: string;
  /** The word before the key, byte for byte, and a blank; absent: the key alone. */
  readonly apiKeyScheme?: 'Bearer';
  /** `scheme://host[:port]` without a trailing slash. */
  readonly publicUrl?: string;
  readonly groups: readonly string[];
  /** The routes of these groups, in canonical order. */
  readonly routes: readonly Route[];
  readonly answers: readonly Answer[];
  readonly health?: Health;
  /** Absent: nothing is said to pages of other origins. */
  readonly cors?: Cors;
  readonly methodNotAllowed: 404 | 405;
  /** Bytes of the largest request line with all header lines that is taken. */
  readonly maxRequestHead: number;
  /** In the order of the spec. */
  readonly responseHeaders: readonly { readonly name: string; readonly value: string }[];
  readonly origin: SpecPath;
}

export interface DomainRewrite {
  /** A-labels, lower case, no trailing dot; without the `*.` of a wildcard. */
  readonly from: string;
  readonly to: string;
  /** `*.from`: every name below, at any depth, not the name itself. */
  readonly wildcard: boolean;
  /** True for `*.from` to `to`: every name below `from` becomes `to`. False: `x.from` becomes `x.to`. */
  readonly oneTarget: boolean;
  readonly upstream?: string;
  readonly containerRegistry: boolean;
  readonly origin: SpecPath;
}

/** A rewrite with a port on either side. It is for nodes alone, because DNS knows no ports. */
export interface RegistryRewrite {
  /** Lower case, as images name it: `registry.example.com:5050`. */
  readonly from: string;
  readonly to: string;
  readonly origin: SpecPath;
}

export type VaultTokenType = (typeof VAULT_TOKEN_TYPES)[number];

/** Where the GitLab plugin of Vault or OpenBao is mounted, and what it is told there. */
export interface VaultMount {
  /** Without a slash at its end. */
  readonly path: string;
  readonly configs: readonly VaultConfig[];
  readonly roles: readonly VaultRole[];
}

export interface VaultConfig {
  readonly name: string;
  readonly url: string;
  readonly type: 'self-managed' | 'saas' | 'dedicated';
  /** Seconds before its end that the plugin's own token is replaced; absent: never. */
  readonly autoRotate?: number;
  readonly origin: SpecPath;
}

export interface VaultRole {
  readonly id: string;
  readonly config: VaultConfig;
  readonly type: VaultTokenType;
  readonly path: string;
  /** Whether the reader of a token names the path of its user, project or group, and `path` is an expression for it. */
  readonly dynamicPath: boolean;
  readonly name: string;
  readonly accessLevel?: string;
  /** Sorted. */
  readonly scopes: readonly string[];
  /** Seconds; absent where this type of token has no end. */
  readonly ttl?: number;
  readonly gitlabRevokes: boolean;
  readonly origin: SpecPath;
}

/** What stands under one name of `ipRanges`. */
export interface AddressSet {
  readonly id: string;
  readonly set: CidrSet;
  /** Its entries with an owner, an end or a reason, in the order of the spec. */
  readonly notes: readonly AddressNote[];
  readonly origin: SpecPath;
}

/** An entry of a list with what the spec says of it beside its addresses. */
export interface AddressNote {
  readonly range: AddressRange;
  readonly owner?: string;
  /** Seconds since the epoch. No engine reads it: an entry that has expired is an error. */
  readonly expires?: number;
  readonly reason?: string;
  readonly origin: SpecPath;
}
