import type { CidrSet } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { CannotTell, matches, type Part, StartOver } from '../../prove/explore.ts';
import { lazily } from '../../prove/lazily.ts';
import { wholly } from '../../prove/matching.ts';
import type { Answered, Cuts, FileModel, FilePlace, Outcome } from '../../prove/model.ts';
import { atMost } from '../../prove/numbers.ts';
import type { SymbolicRequest } from '../../prove/request.ts';
import { type CaddyFile, readCaddyfile } from './caddyfile.ts';
import { type Condition, type Handler, type Network, templateOf } from './handlers.ts';
import { ipv4Texts, languageOf, takesKeyAndMore } from './lookups.ts';
import { METHOD, Meaning, NotOfTarget, OPTIONS, type Sight } from './meaning.ts';
import { isPlain, PLAIN } from './pathTables.ts';
import { asWritten } from './placeholders.ts';
import { cutName, NOTHING_SET, type Scope, withHandler } from './scope.ts';
import { forwarded } from './sending.ts';
import { type Site, siteOf } from './site.ts';
import { rowsOf, traceOf } from './trace.ts';

/** Reads back the files of a proxy. They are understood whole, or this throws `CannotTell`. */
export function readBack(files: readonly CaddyFile[], proxy: Proxy, proxies: readonly Proxy[]): FileModel {
  const site = siteOf(readCaddyfile(files), proxy, proxies);
  const all = flat(site.routes.flatMap(({ handlers }) => handlers));
  const finder = site.own.findLast(findsClient);
  return {
    sets: setsOf(all),
    depth: undefined,
    methods: 'token',
    oddHosts: 'go',
    looksAtEnds: false,
    takesFollowed: all.some(takesFollowed),
    client: (request) => clientOf(site, request),
    cuts: (request) => cutsOf(site, request),
    trace: traceOf,
    rowsOf: (tables) =>
      rowsOf(
        tables,
        all.flatMap((handler) => (handler.kind === 'map' ? [handler.table] : [])),
      ),
    decide: (request, cuts) => new Execution(request, { cuts, targetOnly: false, finder }).site(site),
  };
}

const DECODED = 'http.request.uri.path';
/** Beside the values of variables: whether Go passes the path on as it was sent. */
const KEPT = 'kept path';

/** Whatever else is in a path, Go writes the whole of it anew. */
const GO_PATH = lazily(() => wholly("(?:[A-Za-z0-9._~!$&'()*+,;=:@/\\[\\]-]|%[0-9A-Fa-f]{2})*"));

function flat(handlers: readonly Handler[]): readonly Handler[] {
  return handlers.flatMap((handler) => (handler.kind === 'route' ? [handler, ...flat(handler.handlers)] : [handler]));
}

function takesFollowed(handler: Handler): boolean {
  return (
    handler.kind === 'map' && handler.table.rows.some(({ source }) => source !== undefined && takesKeyAndMore(source))
  );
}

function findsClient(handler: Handler): boolean {
  return handler.kind === 'vars' && handler.values.has('client_ip');
}

function clientOf({ own }: Site, request: SymbolicRequest) {
  const last = own.findLastIndex(findsClient);
  if (flat(own).filter(findsClient).length > own.filter(findsClient).length)
    throw new CannotTell('the client is found in a route of its own');
  let scope = NOTHING_SET;
  for (const handler of own.slice(0, last + 1)) {
    if (!['map', 'vars', 'secrets'].includes(handler.kind))
      throw new CannotTell('something is decided before the client is found');
    scope = withHandler(scope, handler);
  }
  return new Meaning(request, { cuts: new Map(), targetOnly: false }).clientHop(scope);
}

/** Variables that follow from method and path alone. */
function cutsOf({ own }: Site, request: SymbolicRequest): Cuts {
  const cuts = new Map<string, string>();
  // Small automata first.
  cuts.set(KEPT, matches(request.run, request.wholePath(), GO_PATH()) ? 'yes' : '');
  const isDecoded = (handler: Handler) =>
    handler.kind === 'map' && handler.table.source.some((part) => typeof part === 'object' && part.name === DECODED);
  if (flat(own).some(isDecoded)) cuts.set(PLAIN, isPlain(request) ? 'yes' : '');
  const meaning = new Meaning(request, { cuts: new Map(), targetOnly: true });
  let scope = NOTHING_SET;
  for (const handler of own) {
    scope = withHandler(scope, handler);
    if (handler.kind !== 'vars' || handler.condition.length > 0) continue;
    const others = beyondTarget.get(handler) ?? new Set();
    beyondTarget.set(handler, others);
    for (const name of handler.values.keys()) {
      const value = others.has(name) ? undefined : valueOfTarget(meaning, name, scope);
      if (value !== undefined) cuts.set(cutName(handler, name), value);
      else if (!others.has(name)) {
        others.add(name);
        // The choices that were made for it are not made in other runs.
        throw new StartOver();
      }
    }
  }
  return cuts.set(
    METHOD,
    request.world.proxy.cors && matches(request.run, request.method(), OPTIONS()) ? 'OPTIONS' : '',
  );
}

/** Variables that follow from something else in some way through; nobody need try them again. */
const beyondTarget = new WeakMap<Handler, Set<string>>();

function valueOfTarget(meaning: Meaning, name: string, scope: Scope): string | undefined {
  try {
    const parts = meaning.value(`http.vars.${name}`, scope);
    return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
  } catch (error) {
    if (error instanceof NotOfTarget || error instanceof CannotTell) return undefined;
    throw error;
  }
}

/** One way through the handlers of a site. */
class Execution {
  private readonly request: SymbolicRequest;
  private readonly cuts: Cuts;
  private readonly meaning: Meaning;
  private scope = NOTHING_SET;
  /** Headers of the answer that matter, and those that are set only where it is written. */
  private readonly headers = new Map<string, readonly Part[]>();
  private readonly deferred = new Map<string, readonly Part[]>();
  private maxBody = 0;

  constructor(request: SymbolicRequest, sight: Sight) {
    this.request = request;
    this.cuts = sight.cuts;
    this.meaning = new Meaning(request, sight);
  }

  site({ routes, errors, headLimit }: Site): Outcome | undefined {
    const { run } = this.request;
    if (!matches(run, this.request.requestLength(), atMost(headLimit.bytes)))
      return {
        kind: 'answer',
        status: 431,
        body: undefined,
        allow: undefined,
        pages: new Map(),
        place: placeIn(headLimit.place),
      };
    for (const route of routes) {
      if (!this.meaning.all(route.condition, this.scope)) continue;
      if (route.isOfAnother) return undefined;
      const before = this.scope;
      const outcome = this.handlers(route.handlers, errors);
      if (outcome) return outcome;
      // It holds in the routes behind, and what follows from the target was worked out without it.
      if (this.scope !== before) throw new CannotTell('a route sets something, and requests go on to another one');
    }
    throw new CannotTell('a request comes to the end of the site');
  }

  private handlers(handlers: readonly Handler[], errors: readonly Handler[] | undefined): Outcome | undefined {
    for (const handler of handlers) {
      const outcome = this.handler(handler, errors);
      if (outcome) return outcome;
      this.scope = withHandler(this.scope, handler);
    }
    return undefined;
  }

  private handler(handler: Handler, errors: readonly Handler[] | undefined): Outcome | undefined {
    if (handler.kind === 'map' || handler.kind === 'secrets' || handler.kind === 'vars') return undefined;
    if (!this.meaning.all(handler.condition, this.scope)) return undefined;
    switch (handler.kind) {
      case 'header': {
        const value = this.meaning.resolved(this.meaning.evaluate(asWritten(handler.value, this.scope), this.scope));
        (handler.deferred ? this.deferred : this.headers).set(handler.name, value);
        return undefined;
      }
      case 'body':
        this.maxBody = this.maxBody === 0 ? handler.largest : Math.min(this.maxBody, handler.largest);
        return undefined;
      case 'route':
        return this.handlers(handler.handlers, errors);
      case 'respond':
      case 'error':
        return this.answer(handler, errors);
      case 'proxy': {
        const isWhole = this.cuts.get(KEPT) === 'yes';
        const { meaning, scope, maxBody } = this;
        const own = forwarded(handler.proxying, { meaning, scope, maxBody, isWhole });
        if (!own) return this.failed('502', handler.place, errors);
        return { ...own, ...this.written(), place: placeIn(handler.place) };
      }
    }
  }

  private answer(
    handler: Extract<Handler, { kind: 'error' | 'respond' }>,
    errors: readonly Handler[] | undefined,
  ): Outcome {
    const { meaning, scope } = this;
    const { place } = handler;
    const text = meaning.text(handler.status, scope, 'a status');
    if (handler.status.length === 0) throw new CannotTell(`${place}: a status without a number`);
    // What begins with 1 is no answer yet.
    const isStatus = /^[2-5][0-9]{2}$/.test(text);
    if (!isStatus && /[0-9]/.test(text)) throw new CannotTell(`${place}: "${text}" is no status`);
    // Where a status is no number, the handler itself fails.
    if (!isStatus) return this.failed('500', place, errors);
    if (handler.kind === 'error') return this.failed(text, place, errors);
    const body =
      meaning.status === ''
        ? meaning.text(asWritten(templateOf(handler.text, place), scope), scope, 'a body')
        : undefined;
    return this.answered(text, body, place);
  }

  /** An error with this status, which the handlers of errors answer. */
  private failed(status: string, place: string, errors: readonly Handler[] | undefined): Outcome {
    const { meaning } = this;
    // What waits for an answer of the route itself is forgotten.
    this.deferred.clear();
    // Where answering an error fails, its status is all that is left.
    if (!errors || meaning.status !== '') return this.answered(meaning.status || status, undefined, place);
    meaning.status = status;
    const outcome = this.handlers(errors, undefined);
    if (outcome?.kind === 'forward') throw new CannotTell('an error is forwarded');
    return outcome ? { ...outcome, body: undefined, place: placeIn(place) } : this.answered(status, undefined, place);
  }

  private answered(status: string, body: string | undefined, place: string): Outcome {
    return { kind: 'answer', status: Number(status), body, ...this.written(), place: placeIn(place) };
  }

  private written(): Pick<Answered, 'allow' | 'pages'> {
    const all = new Map([...this.headers, ...this.deferred]);
    const allow = all.get('allow');
    all.delete('allow');
    return { allow, pages: all };
  }
}

/** `Caddyfile:12 "error 404"`. */
function placeIn(text: string): FilePlace {
  const [, file = '', line = '', what = ''] = /^(.*?):(\d+) (.*)$/s.exec(text) ?? [];
  return { file, line: Number(line), what };
}

function setsOf(handlers: readonly Handler[]): CidrSet[] {
  const inside = (condition: Condition): readonly Network[] =>
    condition.flatMap((matcher) => {
      if (matcher.kind === 'not') return inside(matcher.all);
      return matcher.kind === 'client_ip' ? matcher.networks : [];
    });
  const networks = handlers.flatMap((handler) => ('condition' in handler ? inside(handler.condition) : []));
  return [...new Map(networks.map(({ cidr, set }) => [cidr, set])).values(), ...textSetsOf(handlers)];
}

/** Addresses in tables that look at their texts. */
function textSetsOf(handlers: readonly Handler[]): CidrSet[] {
  return handlers.flatMap((handler) => {
    if (handler.kind !== 'map') return [];
    const { source, rows, place } = handler.table;
    const [only, ...more] = source;
    if (typeof only !== 'object' || only.name !== 'http.vars.client_ip' || more.length > 0) return [];
    return rows.flatMap((row) => (row.source === undefined ? [] : ipv4Texts(languageOf(row.source, place))));
  });
}
