/** What placeholders are called that tables of a decision read from each other. */
export interface Names {
  /** The row of the path, and the route class of a request, as variables. */
  readonly row: string;
  readonly route: string;
  /** Whose key it is, by class; the first before anybody asks what time it is. */
  readonly found: string;
  readonly caller: string;
  /** Where the class stands if an address can take it away again. */
  readonly bound: string;
  /** In front of what a table makes of addresses. */
  readonly client: string;
  readonly made: Readonly<Record<'route' | 'body' | 'pass' | 'fault' | 'reason' | 'status', string>>;
}

export const ENFORCED: Names = {
  row: 'http.vars.row',
  route: 'http.vars.route',
  found: 'caller.found',
  caller: 'caller.class',
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

/** The same of a spec that is only decided. */
export const SHADOW: Names = {
  row: 'http.vars.shadow_row',
  route: 'http.vars.shadow_route',
  found: 'shadow.found',
  caller: 'shadow.class',
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
