import type { NginxToken } from './quote.ts';

/** nginx's own words, every string already quoted; `null` is "not there". */
export interface NginxModel {
  readonly main: MainModel;
  readonly maps: SharedModel;
  /** How request lines are read; without a proxy there is nobody to do so. */
  readonly paths: PathsModel | null;
  readonly upstreams: {
    /** Where names are asked that stand in no pool. */
    readonly resolvers: readonly NginxToken[] | null;
    readonly upstreams: readonly UpstreamModel[];
    /** Milliseconds that a connection is kept without a request. */
    readonly kept: number;
  };
  readonly proxies: readonly ProxyModel[];
  readonly shadows: readonly ShadowModel[];
  readonly sites: SitesModel | null;
}

export interface MainModel {
  readonly workerProcesses: NginxToken;
  readonly workerConnections: number;
  /** Descriptors that a worker may have open. */
  readonly openFiles: number;
  /** Bytes of the head of an answer. */
  readonly answerHead: number;
  /** Milliseconds. */
  readonly phases: Readonly<Record<'head' | 'idle' | 'unwantedBody' | 'unwantedPause', number>>;
  readonly hashes: HashSizes;
  readonly written: Readonly<Record<'pid' | 'clientBody' | 'proxy' | 'fastcgi' | 'uwsgi' | 'scgi', NginxToken>>;
  /** Whether servers have names. */
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
  /** Small, and not what a spec with one route more adds a row to. */
  readonly oneLine: boolean;
  readonly fallback: NginxToken;
  readonly entries: readonly MapEntry[];
  /** Files with further entries, or globs of such. */
  readonly includes: readonly NginxToken[];
}

/** A table of addresses. */
export interface GeoModel {
  readonly comment: NginxToken | null;
  readonly fallback: NginxToken;
  readonly address: NginxToken;
  readonly variable: NginxToken;
  readonly cidrs: readonly { readonly cidr: NginxToken; readonly value: NginxToken }[];
}

/** What all proxies share. */
export interface SharedModel {
  readonly lists: readonly GeoModel[];
  readonly identities: readonly IdentityModel[];
  /** The proxy's own fields of the log. */
  readonly log: readonly MapModel[];
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
  /** What parameters take, and how capital letters are marked: rows that several maps share, in files of their own. */
  readonly tables: readonly { readonly file: string; readonly entries: readonly MapEntry[] }[];
}

export interface UpstreamModel {
  readonly name: NginxToken;
  readonly servers: readonly NginxToken[];
  /** Whether some of them are names. */
  readonly names: boolean;
  /** Names are looked up again while nginx runs, which needs shared memory and a resolver. */
  readonly resolvers: readonly NginxToken[] | null;
}

/** How many requests of one address may be under way. */
export interface PerAddress {
  /** The variable with the address. */
  readonly key: NginxToken;
  readonly zone: NginxToken;
  readonly size: NginxToken;
  readonly most: number;
}

export interface HeaderModel {
  readonly name: NginxToken;
  readonly value: NginxToken;
}

export interface ProxyModel {
  /** Of its two files, without the ending. */
  readonly name: string;
  readonly geos: readonly GeoModel[];
  readonly client: { readonly maps: readonly MapModel[]; readonly address: NginxToken };
  /** What the spec says of its routes, in a file of their own. */
  readonly routes: readonly MapModel[];
  readonly routing: readonly MapModel[];
  readonly decision: readonly MapModel[];
  readonly mapping: readonly MapModel[];
  readonly log: { readonly file: NginxToken; readonly name: NginxToken; readonly format: readonly NginxToken[] };
  readonly listen: NginxToken;
  /** Whether it gets the requests for names that no proxy of its port has. */
  readonly isDefault: boolean;
  /** The first one is what `$host` is for a request without Host: a name that nobody asks for. */
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

/** What is decided and not enforced, in a file of its own. */
export interface ShadowModel {
  /** Of the proxy. */
  readonly name: string;
  readonly maps: readonly MapModel[];
}

/** Statuses that nginx gives by itself, and what is told in their place. */
export interface ErrorPageModel {
  readonly from: readonly number[];
  readonly status: number;
  readonly location: NginxToken;
}

export interface SitesModel {
  readonly maps: readonly MapModel[];
  readonly listen: number;
  readonly ipv6: boolean;
  /** `null` behind a load balancer, whose address is everybody's. */
  readonly perAddress: PerAddress | null;
  /** Milliseconds that an upstream may be silent. */
  readonly silence: number;
  /** Bytes. */
  readonly maxRequestHead: number;
  readonly tls: { readonly certFile: NginxToken; readonly keyFile: NginxToken } | null;
  readonly errorPages: readonly (ErrorPageModel & { readonly body: NginxToken })[];
  readonly answers: readonly HeaderModel[];
  readonly requests: readonly HeaderModel[];
  readonly cookies: { readonly from: NginxToken; readonly to: NginxToken };
  /** Set for a request that has been here before, and what it is answered. */
  readonly looping: NginxToken;
  readonly looped: NginxToken;
  /** Expression for the sizes of heads that are taken, and what larger ones are answered. */
  readonly fitting: NginxToken;
  readonly tooLarge: NginxToken;
  readonly misdirected: NginxToken;
  readonly mark: NginxToken;
  readonly accessLog: NginxToken;
  readonly log: readonly NginxToken[];
  readonly sites: readonly SiteModel[];
}

export interface SiteModel {
  readonly name: NginxToken;
  readonly pass: NginxToken;
  readonly host: NginxToken;
  readonly tls: ForwardLocation['tls'];
  readonly timeouts: ForwardLocation['timeouts'];
  /** Whether clients know this site by the private name, so that nothing may send them to the public one. */
  readonly mapped: boolean;
}

export interface AnswerLocation {
  readonly name: NginxToken;
  readonly status: number;
  /** Whether the connection ends with it. */
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
  readonly redirect: { readonly from: NginxToken; readonly to: NginxToken };
}
