import type { Address, CidrSet } from '../policy/cidr.ts';
import type { Part } from './explore.ts';
import type { SymbolicRequest } from './request.ts';

/** What a file does with a request. */
export type Outcome = Answered | Forwarded;

export interface Answered {
  readonly kind: 'answer';
  readonly status: number;
  readonly body: string | undefined;
  readonly allow: readonly Part[] | undefined;
  /** Where it is written, such as a location. */
  readonly place: string;
}

export interface Forwarded {
  readonly kind: 'forward';
  readonly scheme: string;
  /** `host:port` of each server, sorted. */
  readonly servers: readonly string[];
  /** Whether the upstream's certificate is checked, and for which name; without meaning for plain http. */
  readonly tls: { readonly verified: boolean; readonly name: string | undefined };
  /** Whether the target goes upstream byte for byte. */
  readonly isWhole: boolean;
  /** What is sent, by name in lower case. Those that are empty are not sent. */
  readonly headers: ReadonlyMap<string, readonly Part[]>;
  /** Bytes of the largest body; 0 for any. */
  readonly maxBody: number;
  /** Status of a body that is larger. */
  readonly tooLarge: number;
  readonly place: string;
}

/** What was worked out of method and path. */
export type Cuts = ReadonlyMap<string, string>;

/** The files of one proxy as their engine understands them. */
export interface FileModel {
  /** Sets of addresses and moments that the files tell apart. */
  readonly sets: readonly CidrSet[];
  readonly moments: readonly number[];
  /** How many segments of a path are told apart. */
  readonly depth: number;
  /** Whom the file takes for the client; `undefined` for nobody. */
  client(request: SymbolicRequest): Address | undefined;
  /** Everything that depends on method and path alone, and that something else needs. */
  cuts(request: SymbolicRequest): Cuts;
  decide(request: SymbolicRequest, cuts: Cuts): Outcome;
}
