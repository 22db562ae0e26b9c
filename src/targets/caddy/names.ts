/** Names of the placeholders that tables of a decision exchange. */
export interface Names {
  /** Variables with the row of the path, and with the route class. */
  readonly row: string;
  readonly route: string;
  /** What the query is: a variable where it is worked out once, since each use of a placeholder does it anew. */
  readonly query: string;
  /** Placeholders with the caller's class: before its end is compared with the time, and after. */
  readonly found: string;
  readonly caller: string;
  /** The reason of a refusal, likewise. */
  readonly reason: string;
  /** Variable with the class, where a check of addresses may clear it. */
  readonly bound: string;
  /** Start of the names of placeholders about the client's address. */
  readonly client: string;
  readonly made: Readonly<Record<'route' | 'body' | 'pass' | 'fault' | 'reason' | 'status', string>>;
}

export const ENFORCED: Names = {
  row: 'http.vars.row',
  route: 'http.vars.route',
  query: 'http.vars.query',
  found: 'caller.found',
  caller: 'caller.class',
  reason: 'http.vars.reason',
  bound: 'http.vars.class',
  client: 'client',
  made: {
    route: 'request.route',
    body: 'request.body',
    pass: 'decision.pass',
    fault: 'key.fault',
    reason: 'decision.reason',
    status: 'decision.status',
  },
};

/** The names for a shadow, which is decided but not enforced. */
export const SHADOW: Names = {
  row: 'http.vars.shadow_row',
  route: 'http.vars.shadow_route',
  query: 'request.query',
  found: 'shadow.found',
  caller: 'shadow.class',
  reason: 'shadow.reason',
  bound: 'http.vars.shadow_class',
  client: 'shadow',
  made: {
    route: 'shadow.route',
    body: 'shadow.body',
    pass: 'shadow.pass',
    fault: 'shadow.fault',
    reason: 'shadow.reason',
    status: 'shadow.refusal',
  },
};
