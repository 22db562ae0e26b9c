import type { NginxToken } from './quote.ts';

/** The configuration in nginx's terms. Every string is quoted already; `null` means that the part is absent. */
export interface NginxModel {
  readonly main: MainModel;
  readonly maps: SharedModel;
  /** The maps that split request lines; `null` without proxies, because only they use them. */
  readonly paths: PathsModel | null;
  readonly upstreams: {
    /** DNS servers for upstreams without a block of their own, see `resolversOf`. */
    readonly resolvers: readonly NginxToken[] | null;
    readonly upstreams: readonly UpstreamModel[];
    /** Milliseconds that an unused connection to an upstream is kept. */
    readonly kept: number;
  };
  /** Tables of paths that several proxies share. */
  readonly sharedRoutes: readonly SharedRoutesModel[];
  readonly proxies: readonly ProxyModel[];
  readonly shadows: readonly ShadowModel[];
  readonly sites: SitesModel | null;
}

export interface MainModel {
  /** Whether it is for somebody else's http block. */
  readonly included: boolean;
  /** Whether nginx knows the directive `http2`. */
  readonly http2: boolean;
  /** Bytes of an answer that may be on their way to the client. */
  readonly busy: number;
  readonly workerProcesses: NginxToken;
  readonly workerConnections: number;
  /** File descriptors that a worker may have open. */
  readonly openFiles: number;
  /** Bytes of the largest head of an answer. */
  readonly answerHead: number;
  /** Milliseconds. */
  readonly phases: Readonly<Record<'head' | 'idle' | 'unwantedBody' | 'unwantedPause', number>>;
  readonly hashes: HashSizes;
  readonly written: Readonly<Record<'pid' | 'clientBody' | 'proxy' | 'fastcgi' | 'uwsgi' | 'scgi', NginxToken>>;
  /** Whether any server has a `server_name`. */
  readonly names: boolean;
  readonly includes: readonly NginxToken[];
}

export interface HashSizes {
  readonly mapMax: number;
  readonly mapBucket: number;
  readonly variablesMax: number;
}

export interface MapEntry {
  readonly key: NginxToken;
  readonly value: NginxToken;
  readonly comments: readonly NginxToken[];
}

export interface MapModel {
  readonly comment: NginxToken | null;
  readonly source: NginxToken;
  readonly variable: NginxToken;
  readonly volatile: boolean;
  /** Printed on one line: a small map to which routes add no rows. */
  readonly oneLine: boolean;
  readonly fallback: NginxToken;
  readonly entries: readonly MapEntry[];
  /** Files with further rows, or globs of such files. */
  readonly includes: readonly NginxToken[];
}

/** A `geo` table: a value for each network. */
export interface GeoModel {
  readonly comment: NginxToken | null;
  readonly fallback: NginxToken;
  readonly address: NginxToken;
  readonly variable: NginxToken;
  readonly cidrs: readonly { readonly cidr: NginxToken; readonly value: NginxToken }[];
}

/** Tables that all proxies share. */
export interface SharedModel {
  readonly lists: readonly GeoModel[];
  readonly identities: readonly IdentityModel[];
  /** Fields of the access log that are the same for every proxy. */
  readonly log: readonly MapModel[];
  /** Addresses of upstreams in their answers to proxies without a `publicUrl`. */
  readonly answers: readonly MapModel[];
  readonly zones: readonly {
    readonly key: NginxToken;
    readonly name: NginxToken;
    readonly size: NginxToken;
    readonly rate: NginxToken;
  }[];
}

export interface IdentityModel {
  readonly header: NginxToken;
  readonly maps: readonly MapModel[];
}

export interface PathsModel {
  readonly maps: readonly MapModel[];
  /**
   * Rows that several maps share, in files of their own: the type tests of parameters, and the marks of capital
   * letters.
   */
  readonly tables: readonly { readonly file: string; readonly entries: readonly MapEntry[] }[];
}

export interface UpstreamModel {
  readonly name: NginxToken;
  readonly servers: readonly NginxToken[];
  /** Whether a server is given by a name instead of an address. */
  readonly names: boolean;
  /** DNS servers, where names are resolved again while nginx runs, for which the block needs shared memory. */
  readonly resolvers: readonly NginxToken[] | null;
}

/** The limit of concurrent requests of one client address. */
export interface PerAddress {
  /** The variable that is counted: the client's address, or the network of an IPv6 address. */
  readonly key: NginxToken;
  readonly zone: NginxToken;
  readonly size: NginxToken;
  readonly most: number;
}

export interface HeaderModel {
  readonly name: NginxToken;
  readonly value: NginxToken;
}

export interface SharedRoutesModel {
  readonly file: string;
  /** Maps with the routes of the spec. */
  readonly routes: readonly MapModel[];
  readonly routing: readonly MapModel[];
  readonly log: readonly MapModel[];
}

export interface ProxyModel {
  /** Whether its server includes the settings that an http block of ours would have. */
  readonly included: boolean;
  /** Base name of its files, such as `api` for `api.conf` and `api.routes.conf`. */
  readonly name: string;
  readonly geos: readonly GeoModel[];
  readonly client: { readonly maps: readonly MapModel[]; readonly address: NginxToken };
  /** Maps with the routes of the spec, in a file of their own. */
  readonly routes: readonly MapModel[];
  readonly routing: readonly MapModel[];
  /** File with the tables of its paths; `null` where they are its own. */
  readonly sharedRoutes: NginxToken | null;
  readonly decision: readonly MapModel[];
  readonly mapping: readonly MapModel[];
  readonly log: LogFile & { readonly name: NginxToken; readonly format: readonly NginxToken[] };
  readonly listen: NginxToken;
  /** Whether it gets requests for names that no proxy of its port has: `default_server`. */
  readonly isDefault: boolean;
  /** The first is the value of `$host` for a request without Host, and so is a name that no request can have. */
  readonly serverNames: readonly NginxToken[];
  readonly tls: { readonly certFile: NginxToken; readonly keyFile: NginxToken } | null;
  readonly trusted: readonly NginxToken[] | null;
  /** `null` where only callers with keys are forwarded. */
  readonly perAddress: PerAddress | null;
  readonly secureLink: { readonly expected: NginxToken; readonly salted: NginxToken } | null;
  /** Bytes. */
  readonly maxRequestHead: number;
  readonly verdict: NginxToken;
  readonly errorPages: readonly ErrorPageModel[];
  readonly answers: readonly AnswerLocation[];
  readonly forwards: readonly ForwardLocation[];
}

/** The maps of a shadow policy, which is decided but not enforced, in a file of their own. */
export interface ShadowModel {
  /** Id of the proxy. */
  readonly name: string;
  readonly maps: readonly MapModel[];
}

/** Statuses that nginx itself answers with, and the status that clients get instead. */
export interface ErrorPageModel {
  readonly from: readonly number[];
  readonly status: number;
  readonly location: NginxToken;
}

export interface SitesModel {
  readonly included: boolean;
  readonly geos: readonly GeoModel[];
  readonly client: NginxToken;
  /** Whether the client may be nobody: it came through more proxies than are read past. */
  readonly isTold: boolean;
  readonly nobody: NginxToken;
  /** Load balancers whose PROXY protocol is believed. */
  readonly trusted: readonly NginxToken[] | null;
  readonly maps: readonly MapModel[];
  readonly listen: number;
  readonly ipv6: boolean;
  /** `null` behind a load balancer, whose address all clients share. */
  readonly perAddress: PerAddress | null;
  /** Milliseconds that an upstream may be silent. */
  readonly silence: number;
  /** Bytes. */
  readonly maxRequestHead: number;
  readonly tls: { readonly certFile: NginxToken; readonly keyFile: NginxToken } | null;
  readonly errorPages: readonly (ErrorPageModel & { readonly body: NginxToken })[];
  /** Headers of answers that do not pass, under either name. */
  readonly hidden: readonly NginxToken[];
  readonly answers: readonly HeaderModel[];
  readonly requests: readonly HeaderModel[];
  readonly cookies: { readonly from: NginxToken; readonly to: NginxToken };
  /** Variable that is set for a request that passed a site before, and the body of the answer to it. */
  readonly looping: NginxToken;
  readonly looped: NginxToken;
  /** Expression for the sizes of heads that are accepted, and the body of the answer to a larger one. */
  readonly fitting: NginxToken;
  readonly tooLarge: NginxToken;
  readonly misdirected: NginxToken;
  readonly mark: NginxToken;
  readonly accessLog: LogFile;
  readonly log: readonly NginxToken[];
  readonly sites: readonly SiteModel[];
}

export interface LogFile {
  readonly file: NginxToken;
  readonly buffered: boolean;
}

export interface SiteModel {
  readonly name: NginxToken;
  readonly pass: NginxToken;
  readonly host: NginxToken;
  readonly tls: ForwardLocation['tls'];
  readonly timeouts: ForwardLocation['timeouts'];
  /** Whether clients use the private name, so that no answer may send them to the public one. */
  readonly mapped: boolean;
}

export interface AnswerLocation {
  readonly name: NginxToken;
  readonly status: number;
  /** Whether nginx closes the connection after the answer. */
  readonly closes: boolean;
  readonly body: NginxToken;
  readonly headers: readonly HeaderModel[];
}

export interface ForwardLocation {
  readonly name: NginxToken;
  /** Bytes; 0 is no limit. */
  readonly maxBody: number;
  readonly limits: readonly { readonly zone: NginxToken; readonly burst: number }[];
  readonly perAddress: PerAddress | null;
  readonly pass: NginxToken;
  readonly requestHeaders: readonly HeaderModel[];
  readonly tls: { readonly verify: boolean; readonly caFile: NginxToken; readonly name: NginxToken } | null;
  readonly timeouts: { readonly connect: number; readonly read: number; readonly send: number };
  readonly hidden: readonly NginxToken[];
  readonly headers: readonly HeaderModel[];
}
