import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { SecretScheme } from '../spec/scalars.ts';
import type { VAULT_TOKEN_TYPES } from '../spec/vaultSchema.ts';
import type { AddressRange, CidrSet } from './cidr.ts';
import type { PathPattern } from './pattern.ts';

/**
 * The meaning of a spec, independent of engines: references resolved, defaults applied, lists in a canonical order.
 * Every node keeps its place in the spec.
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
  /** Name or address of the url, lower case. It is sent as Host, with the port unless that is the scheme's default. */
  readonly host: string;
  readonly port: number;
  /** Servers to connect to; `[{host, port}]` of the url if the spec names no pool. */
  readonly servers: readonly HostPort[];
  readonly tokenHeader: string;
  /** The scheme before the token, followed by a blank; absent for the token alone. */
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

/** An entry of a group's `allow`. */
export interface Route {
  /** The key under `routes`, which logs show. */
  readonly group: string;
  /** Sorted methods; HEAD is not listed beside GET, which includes it. */
  readonly methods: readonly string[];
  readonly pattern: PathPattern;
  readonly forwarding: Forwarding;
  /** The difference of the entry from its group, as a short name: `9MB`; "" if there is none. */
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
  /** One reference, or two during a rotation. */
  readonly keys: readonly SecretReference[];
  readonly token: SecretReference;
  /** Route groups with `auth: apiKey` that the key may use, sorted. */
  readonly groups: readonly string[];
  /** Whether the spec lists no groups for the key, so that `groups` is every such group. */
  readonly allGroups: boolean;
  /** Addresses from which the key may be used; absent for all that the proxy admits. */
  readonly ranges?: CidrSet;
  /** Seconds since 1970. The key works before this moment, not at it. */
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
  /** `none`: no key is needed. */
  readonly auth: 'apiKey' | 'none';
  /** Addresses that get this answer, instead of those that the proxy admits. */
  readonly ranges?: CidrSet;
  readonly origin: SpecPath;
}

/** The answer to a health check: it says that the proxy runs. */
export interface Health extends Answer {
  readonly ranges: CidrSet;
}

/** The pages of other origins that may use a proxy through browsers. */
export interface Cors {
  /** Origins as browsers send them, sorted: `https://app.example.com`. */
  readonly origins: 'any' | readonly string[];
  /** Request headers that pages may set, as `Access-Control-Allow-Headers` lists them. That of the key is the first. */
  readonly headers: readonly string[];
  /** Seconds. */
  readonly maxAge: number;
}

export interface Proxy {
  readonly id: string;
  /** `address` absent: every IPv4 address. IPv6 addresses without brackets. */
  readonly listen: { readonly address?: string; readonly port: number };
  /** Host names of the proxy, lower case, sorted; empty for every name that no other proxy of the socket has. */
  readonly hosts: readonly string[];
  /** Paths of the certificate's files on the machine of the proxy; absent for plain HTTP. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly ranges: CidrSet;
  readonly clientIp: ClientAddress;
  readonly apiKeyHeader: string;
  /** The scheme before the key, byte for byte, followed by a blank; absent for the key alone. */
  readonly apiKeyScheme?: 'Bearer';
  /** `scheme://host[:port]` without a trailing slash. */
  readonly publicUrl?: string;
  readonly groups: readonly string[];
  /** The routes of these groups, in canonical order. */
  readonly routes: readonly Route[];
  readonly answers: readonly Answer[];
  readonly health?: Health;
  /** Absent if pages of other origins get no permission. */
  readonly cors?: Cors;
  readonly methodNotAllowed: 404 | 405;
  /** Most bytes of a request line with all header lines. */
  readonly maxRequestHead: number;
  /** In the order of the spec. */
  readonly responseHeaders: readonly { readonly name: string; readonly value: string }[];
  readonly origin: SpecPath;
}

export interface DomainRewrite {
  /** Name in A-labels, lower case, no trailing dot, without the `*.` of a wildcard. */
  readonly from: string;
  readonly to: string;
  /** True for `*.from`, which means every name below at any depth, and not the name itself. */
  readonly wildcard: boolean;
  /** True for `*.from` to `to`: every name below `from` becomes `to`. False: `x.from` becomes `x.to`. */
  readonly oneTarget: boolean;
  readonly upstream?: string;
  readonly containerRegistry: boolean;
  readonly origin: SpecPath;
}

/** A rewrite with a port on either side. It is for nodes only, because DNS knows no ports. */
export interface RegistryRewrite {
  /** Lower case, as written in image names: `registry.example.com:5050`. */
  readonly from: string;
  readonly to: string;
  readonly origin: SpecPath;
}

export type VaultTokenType = (typeof VAULT_TOKEN_TYPES)[number];

/** A mount of the GitLab plugin in Vault or OpenBao, with its configuration. */
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
  /** Seconds before its expiry at which the plugin's own token is replaced; absent for never. */
  readonly autoRotate?: number;
  readonly origin: SpecPath;
}

export interface VaultRole {
  readonly id: string;
  readonly config: VaultConfig;
  readonly type: VaultTokenType;
  readonly path: string;
  /**
   * Whether the reader of a token names the path of its user, project or group. `path` is then an expression that this
   * path must match.
   */
  readonly dynamicPath: boolean;
  readonly name: string;
  readonly accessLevel?: string;
  /** Sorted. */
  readonly scopes: readonly string[];
  /** Seconds; absent if tokens of this type do not expire. */
  readonly ttl?: number;
  readonly gitlabRevokes: boolean;
  readonly origin: SpecPath;
}

/** A set under `ipRanges`. */
export interface AddressSet {
  readonly id: string;
  readonly set: CidrSet;
  /** Entries with an owner, an expiry or a reason, in the order of the spec. */
  readonly notes: readonly AddressNote[];
  readonly origin: SpecPath;
}

/** The range of an entry, with what the spec says about it. */
export interface AddressNote {
  readonly range: AddressRange;
  readonly owner?: string;
  /** Seconds since 1970. Engines do not know it: an expired entry is an error. */
  readonly expires?: number;
  readonly reason?: string;
  readonly origin: SpecPath;
}
