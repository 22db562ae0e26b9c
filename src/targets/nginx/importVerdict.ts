import { ANY_ADDRESS, type CidrSet, intersect } from '../../policy/cidr.ts';
import { addressesOf, admittedBy, type Facts, type KeyMap } from './importFacts.ts';
import { directivesIn, type Written } from './importTree.ts';

/** What a location does with requests of one method, as far as it can be told. */
export type Verdict =
  | {
      readonly kind: 'forward';
      readonly at: Written;
      /** Blocks around it, outermost first, itself last. */
      readonly scope: readonly Written[];
      /** Argument of `proxy_pass`, in which variables of `set` are replaced by their values. */
      readonly target: string;
      /** Whether it had variables: nginx then sends a path that it names as it is, whatever was asked for. */
      readonly isComputed: boolean;
      readonly ranges: CidrSet;
      /** Set where any text was key enough, as far as this location is concerned. */
      readonly anyKey: boolean;
      /** Absent where no key is asked for. */
      readonly keys?: KeyMap;
    }
  | {
      readonly kind: 'answer';
      readonly at: Written;
      readonly status: number;
      readonly ranges: CidrSet;
      readonly keys?: KeyMap;
    }
  | { readonly kind: 'refuse' }
  /** It may forward, and it is not known where to. */
  | { readonly kind: 'unknown'; readonly at: Written; readonly reason: string };

/** Directives that may refuse requests in ways that this importer cannot read, with the reason for people. */
const OTHER_CHECKS: Readonly<Record<string, string>> = {
  auth_basic: 'callers give a user and a password, which a spec does not know',
  auth_jwt: 'callers give a token that nginx itself checks',
  access_by_lua: 'a program decides',
  access_by_lua_block: 'a program decides',
  access_by_lua_file: 'a program decides',
  rewrite_by_lua_block: 'a program decides',
  js_access: 'a program decides',
  perl: 'a program decides',
  include: 'the file is not here, and may refuse',
  ssl_verify_client: 'callers show a certificate, which a spec does not know',
  valid_referers: 'it looks at the page that a request comes from',
  try_files: 'it looks for files first',
  proxy_method: 'it sends another method than it was asked for',
  proxy_set_body: 'it sends another body than it was given',
  mirror: 'it sends requests to another place too',
  post_action: 'it sends requests to another place too',
};
const REAL_IP = ['set_real_ip_from', 'real_ip_header', 'real_ip_recursive'];
const HANDLERS = new Set([
  'fastcgi_pass',
  'uwsgi_pass',
  'scgi_pass',
  'grpc_pass',
  'memcached_pass',
  'content_by_lua_block',
  'js_content',
  'empty_gif',
  'stub_status',
]);

interface Asked {
  readonly facts: Facts;
  readonly server: Written;
  readonly method: string;
  /** Blocks around the location, outermost first, itself last. */
  readonly scope: readonly Written[];
}

/** Returns what nginx does with a request of this method that has come to this location. */
export function verdictOf(asked: Asked): Verdict {
  const { scope, method } = asked;
  const location = scope.at(-1);
  if (!location) return { kind: 'refuse' };
  const inner = directivesIn(location, 'limit_except').find((one) => isLimited(one, method));
  const whole = inner ? [...scope, inner] : scope;
  const check = otherCheck(whole);
  if (check) return check;
  const state: State = { ranges: ANY_ADDRESS, keys: undefined, anyKey: false, values: new Map() };
  // Directives of the rewrite module do not hold for the locations inside of a location.
  for (const block of [asked.server, inner ?? location]) {
    const verdict = followRewrites(block, asked, state);
    if (verdict) return verdict;
  }
  // Locations inside of one that is internal are too.
  if (scope.some((block) => directiveIn(block, 'internal'))) return { kind: 'refuse' };
  const guard = authRequest(whole, asked, state);
  if (guard) return guard;
  const rules = nearest(whole, ['allow', 'deny']);
  const admitted = admittedBy(rules);
  const [first] = rules;
  if (!admitted)
    return { kind: 'unknown', at: first ?? location, reason: 'it names clients otherwise than by address' };
  const ranges = intersect(state.ranges, admitted);
  const pass = directiveIn(inner ?? location, 'proxy_pass') ?? directiveIn(location, 'proxy_pass');
  const other = (location.block ?? []).find(({ name }) => HANDLERS.has(name));
  if (other)
    return { kind: 'unknown', at: other, reason: 'a proxy of a spec speaks HTTP to its upstreams, and nothing else' };
  if (pass) {
    const [text = ''] = pass.args;
    const keys = state.keys && { keys: state.keys };
    const { anyKey, values } = state;
    const target = filled(text, values);
    return { kind: 'forward', at: pass, scope: whole, target, isComputed: text.includes('$'), ranges, anyKey, ...keys };
  }
  return { kind: 'unknown', at: location, reason: 'it serves files, which a spec does not' };
}

interface State {
  ranges: CidrSet;
  keys: KeyMap | undefined;
  anyKey: boolean;
  /** What variables were set to. */
  readonly values: Map<string, string>;
}

function directiveIn(block: Written, name: string): Written | undefined {
  return directivesIn(block, name)[0];
}

/** Returns the directives of these names in the innermost block that has any. */
export function nearest(scope: readonly Written[], names: readonly string[]): readonly Written[] {
  const block = scope.findLast((one) => directivesIn(one, ...names).length > 0);
  return block ? directivesIn(block, ...names) : [];
}

/** Returns whether a `limit_except` is about a method: GET in its list includes HEAD. */
function isLimited({ args }: Written, method: string): boolean {
  const listed = args.map((one) => one.toUpperCase());
  return !listed.includes(method) && !(method === 'HEAD' && listed.includes('GET'));
}

function otherCheck(scope: readonly Written[]): Verdict | undefined {
  for (const [name, reason] of Object.entries(OTHER_CHECKS)) {
    // Files that a server looks for are not looked for in its locations.
    const [at] = nearest(name === 'try_files' ? scope.slice(2) : scope, [name]);
    if (at && at.args[0] !== 'off' && at.args[0] !== 'optional_no_ca') return { kind: 'unknown', at, reason };
  }
  // Behind `http` and `server` come the locations.
  const [realIp] = scope.slice(2).flatMap((block) => directivesIn(block, ...REAL_IP));
  if (realIp) return { kind: 'unknown', at: realIp, reason: 'a header says the address of a client here only' };
  const [satisfy] = nearest(scope, ['satisfy']);
  if (satisfy?.args[0] === 'any')
    return { kind: 'unknown', at: satisfy, reason: 'one check of several is enough, which a spec cannot say' };
  return undefined;
}

/** Follows the directives of the rewrite module in their order, until one of them decides. */
function followRewrites(block: Written, asked: Asked, state: State): Verdict | undefined {
  for (const one of directivesIn(block, 'return', 'rewrite', 'break', 'set', 'if')) {
    if (one.name === 'return') return returned(one, state);
    if (one.name === 'break') return undefined;
    if (one.name === 'set') {
      const [variable = '', value = ''] = one.args;
      if (variable === '$args' || asked.facts.keys.has(variable) || asked.facts.geos.has(variable))
        return { kind: 'unknown', at: one, reason: `it sets ${variable}, which decides what is sent or who may` };
      state.values.set(variable, filled(value, state.values));
    }
    if (one.name === 'rewrite')
      return { kind: 'unknown', at: one, reason: 'it sends another path than it was asked for' };
    if (one.name !== 'if') continue;
    const [then] = (one.block ?? []).filter(({ name }) => name === 'return');
    const condition = conditionOf(one.args);
    const truth = condition && decide(condition, asked);
    if (!condition || truth === undefined || !then || (one.block ?? []).length > 1)
      return { kind: 'unknown', at: one, reason: 'it decides by a condition that this importer does not read' };
    if (truth === true) return returned(then, state);
    if (truth === false) continue;
    if (then && Number(then.args[0]) < 400)
      return { kind: 'unknown', at: one, reason: 'it answers some callers itself' };
    if ('anyKey' in truth) state.anyKey ||= !state.keys;
    if ('keys' in truth) {
      if (!('anyKey' in truth)) state.anyKey = false;
      state.keys = bothKeys(state.keys, truth.keys);
      if (!state.keys) return { kind: 'unknown', at: one, reason: 'it asks for two keys' };
    } else state.ranges = intersect(state.ranges, truth.ranges);
  }
  return undefined;
}

/** Returns the callers that pass two checks of one header; `undefined` where neither check implies the other. */
function bothKeys(known: KeyMap | undefined, more: KeyMap): KeyMap | undefined {
  const implies = (one: KeyMap, other: KeyMap) =>
    one.header.toLowerCase() === other.header.toLowerCase() &&
    one.entries.every(({ key }) => other.entries.some((entry) => entry.key === key));
  if (!known || implies(more, known)) return more;
  return implies(known, more) ? known : undefined;
}

function returned(at: Written, { keys, ranges }: State): Verdict {
  const status = Number(at.args[0]);
  if (status >= 200 && status < 300) return { kind: 'answer', at, status, ranges, ...(keys && { keys }) };
  if (status >= 400) return { kind: 'refuse' };
  return { kind: 'unknown', at, reason: 'it sends callers elsewhere, which a spec does not' };
}

interface Condition {
  readonly variable: string;
  readonly operator: '=' | '!=' | '~' | '~*' | '!~' | '!~*' | 'set';
  readonly value: string;
}

function conditionOf(args: readonly string[]): Condition | undefined {
  const [first = '', ...rest] = args;
  const words = [first.replace(/^\(/, ''), ...rest];
  const last = words.length - 1;
  if (words[last] === ')') words.pop();
  else words[last] = (words[last] ?? '').replace(/\)$/, '');
  if (words[0] === '') words.shift();
  const [variable = '', operator = 'set', value = '', ...more] = words;
  if (!/^\$\w+$/.test(variable) || more.length > 0) return undefined;
  if (!/^(?:=|!=|!?~\*?|set)$/.test(operator)) return undefined;
  return { variable, operator: operator as Condition['operator'], value };
}

function holds({ operator, value }: Condition, actual: string): boolean | undefined {
  switch (operator) {
    case 'set':
      return actual !== '' && actual !== '0';
    case '=':
      return actual === value;
    case '!=':
      return actual !== value;
    default: {
      const isSimple = /^[\^(]*[A-Za-z|^$()]*$/.test(value);
      if (!isSimple) return undefined;
      const found = new RegExp(value, operator.endsWith('*') ? 'i' : '').test(actual);
      return operator.startsWith('!') ? !found : found;
    }
  }
}

/**
 * Returns whether a condition holds; or the keys or addresses for which it does not, where it holds for all others;
 * `undefined` where it cannot be read.
 */
function decide(
  condition: Condition,
  { facts, method }: Asked,
): boolean | { readonly keys: KeyMap; readonly anyKey?: true } | { readonly ranges: CidrSet } | undefined {
  const { variable } = condition;
  if (variable === '$request_method') return holds(condition, method);
  const keys = facts.keys.get(variable);
  if (keys) {
    const isCheck =
      holds(condition, keys.fallback) === true && keys.entries.every(({ value }) => holds(condition, value) === false);
    return isCheck ? { keys } : undefined;
  }
  const header = /^\$http_(\w+)$/.exec(variable)?.[1]?.replaceAll('_', '-').toLowerCase();
  const checked = [...facts.keys.values()].find((map) => map.header.toLowerCase() === header);
  // Without the header there is no key either.
  if (checked && condition.operator === '=' && condition.value === '') return { keys: checked, anyKey: true };
  const geo = facts.geos.get(variable);
  if (!geo) return undefined;
  const ranges = addressesOf(geo, (value) => holds(condition, value) === false);
  return ranges && { ranges };
}

/** Reads `auth_request`: a subrequest to a location that only looks at the key is a check of the key. */
function authRequest(scope: readonly Written[], asked: Asked, state: State): Verdict | undefined {
  const [request] = nearest(scope, ['auth_request']);
  if (!request || request.args[0] === 'off') return undefined;
  const path = request.args[0] ?? '';
  const locations = directivesIn(asked.server, 'location');
  // Of several locations, or beside expressions, it is not plain which one is asked.
  const [target, other] = locations.filter(({ args }) => args.at(-1) === path);
  const isPlain = !other && (target?.args[0] === '=' || !locations.some(({ args }) => args[0]?.startsWith('~')));
  const verdict = target && followRewrites(target, { ...asked, scope: [asked.server, target] }, state);
  if (isPlain && verdict?.kind === 'answer' && state.keys) return undefined;
  return { kind: 'unknown', at: request, reason: 'another server decides, or a rule that this importer does not read' };
}

/** Replaces variables by the values that `set` gave them; all others stay. */
function filled(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => values.get(`$${name}`) ?? whole);
}
