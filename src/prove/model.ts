import type { CidrSet } from '../policy/cidr.ts';
import type { Part, Run } from './explore.ts';
import type { Distinctions, SymbolicRequest } from './request.ts';

/** A part of a file that answers or forwards. */
export interface FilePlace {
  /** With its folder only where several files have one name. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** For people, such as `location = /./path`. */
  readonly what: string;
}

/** What a run has looked up, in the order in which values were found. */
export interface Trace {
  /** Names of tables. */
  readonly tables: readonly string[];
  readonly taken: readonly TakenRow[];
}

export interface TakenRow {
  readonly table: string;
  readonly place: FilePlace;
  /** The table that it leaves the value to. */
  readonly leadsTo: string | undefined;
}

/** What a file does with a request. */
export type Outcome = Answered | Forwarded;

export interface Answered {
  readonly kind: 'answer';
  readonly status: number;
  readonly body: string | undefined;
  readonly allow: readonly Part[] | undefined;
  readonly pages: PageHeaders;
  readonly place: FilePlace;
}

export interface Forwarded {
  readonly kind: 'forward';
  readonly scheme: string;
  /** `host:port` of each server in lower case, sorted; none where no upstream has the name that is used. */
  readonly servers: readonly string[];
  readonly tls: ForwardedTls;
  /** Whether the target goes upstream byte for byte. */
  readonly isWhole: boolean;
  /** Headers that go upstream, by name in lower case; without those that are empty. */
  readonly headers: ReadonlyMap<string, readonly Part[]>;
  /** Whether all other headers of the client go upstream too. */
  readonly passesOthers: boolean;
  /** Whether the upstream can order another answer of the engine's own. */
  readonly obeys: boolean;
  /** Bytes of the largest body; 0 for any. */
  readonly maxBody: number;
  /** Status of a body that is larger. */
  readonly tooLarge: number;
  readonly pages: PageHeaders;
  /** Headers of the upstream's answer that do not pass, in lower case. */
  readonly hidden: ReadonlySet<string>;
  readonly place: FilePlace;
}

/** How an engine speaks to the upstream; without meaning for http. */
export interface ForwardedTls {
  /** Whether the certificate of the upstream is verified, and for which name. */
  readonly verified: boolean;
  readonly name: readonly Part[] | undefined;
  /** Whether the upstream is told this name, by which it picks a site; `undefined`: that of the server itself. */
  readonly tellsName: boolean | undefined;
}

/** What browsers are told of pages of other origins: `access-control-…` in lower case. Those that are empty are not sent. */
export type PageHeaders = ReadonlyMap<string, readonly Part[]>;

/** Values that depend on method and path alone, by the name of a variable. */
export type Cuts = ReadonlyMap<string, string>;

/** The files of one proxy as their engine understands them. */
export interface FileModel extends Distinctions {
  /** Address sets that the files distinguish. */
  readonly sets: readonly CidrSet[];
  /** Number of segments that the files look up one by one; `undefined` where they look at paths as a whole. */
  readonly depth: number | undefined;
  /** Returns which hop the file uses as the client, see `Hops`; `undefined` for none. */
  client(request: SymbolicRequest): number | undefined;
  /** Returns all values that depend on method and path alone, and that other values depend on. */
  cuts(request: SymbolicRequest): Cuts;
  /** Which rows a run has come to, where they can be shown. */
  trace?(run: Run): Trace;
  /** All rows of some tables. */
  rowsOf?(tables: Iterable<string>): readonly FilePlace[];
  /** Whether the engine itself accepts the path that is left; what it refuses never comes to the files. */
  takes?(request: SymbolicRequest): boolean;
  /** What has turned out to be understood for most requests and not for all, so that nothing is proved. */
  unclear?(): readonly string[];
  /** `undefined`: the request does not come to this proxy. */
  decide(request: SymbolicRequest, cuts: Cuts): Outcome | undefined;
}
