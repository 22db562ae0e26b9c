import { CannotTell } from '../../prove/explore.ts';
import type { FilePlace } from '../../prove/model.ts';
import type { NameSet, NameTaker } from '../../prove/nameModel.ts';
import { endingIn, foundBy, inBoth, inEither, oneOf, outside, startingWith, within } from '../../prove/nameSets.ts';
import type { ReadDirective } from './readCorefile.ts';

/** Plugins that neither change which name is looked up nor make an answer of their own to a usual question. */
const QUIET = new Set([
  ...['any', 'bind', 'bufsize', 'cache', 'cancel', 'chaos', 'debug', 'dnstap', 'errors', 'geoip', 'health', 'header'],
  ...['loadbalance', 'log', 'loop', 'metadata', 'minimal', 'multisocket', 'nsid', 'pprof', 'prometheus', 'ready'],
  ...['reload', 'rewrite', 'root', 'timeouts', 'tls', 'trace', 'transfer'],
]);

/** Plugins that look up the name that the rules have made. */
const LOOKING = new Set([
  ...['auto', 'azure', 'clouddns', 'etcd', 'file', 'forward', 'grpc', 'k8s_external', 'kubernetes', 'nomad'],
  ...['route53', 'secondary'],
]);

interface About {
  readonly file: string;
  /** Zones of the block, without the dot of the root. */
  readonly zones: readonly string[];
}

/** Returns the names for which a plugin makes an answer of its own. */
export function takersOf({ name, words, inner, line }: ReadDirective, { file, zones }: About): NameTaker[] {
  if (QUIET.has(name) || LOOKING.has(name)) return [];
  const place = { file, line, what: `${name} in line ${line}` };
  const own = (given: readonly string[]) =>
    (given.length > 0 ? given.map(zoneName) : zones).map(within).reduce(inEither);
  switch (name) {
    case 'local':
      return [{ on: localNames(), when: 'before', place }];
    case 'erratic':
    case 'whoami':
      return [{ on: own(name === 'whoami' ? [] : words), when: 'after', place }];
    case 'template':
      return templateTaker({ words, inner, line }, own, place);
    case 'hosts':
      return hostsTaker({ words, inner, line }, own, place);
    default:
      throw new CannotTell(`line ${line} has the plugin ${name}, which may answer for our names`);
  }
}

function zoneName(zone: string): string {
  if (!/^(?:\.|[a-z0-9._-]+)$/i.test(zone)) throw new CannotTell(`the zone ${zone} is not understood`);
  return zone.toLowerCase().replace(/\.$/, '');
}

/** A zone that a plugin looks up, without the dot of the root, and zones below it that it leaves to others. */
export interface Asked {
  readonly zone: string;
  readonly except: readonly string[];
}

/** Returns what plugins of a block look up. */
export function askedIn(directives: readonly ReadDirective[], zones: readonly string[]): readonly Asked[] {
  const looking = directives.filter(({ name }) => LOOKING.has(name));
  const asked = looking.flatMap(({ name, words, inner }) => {
    const isForward = name === 'forward' || name === 'grpc';
    const given = isForward ? words.slice(0, 1) : name === 'kubernetes' ? words : [];
    const except = isForward ? inner.filter(([what]) => what === 'except').flatMap(([, ...each]) => each) : [];
    // An address range stands for names of reverse look-ups.
    const own = given.length > 0 ? given.filter((zone) => !zone.includes('/')).map(zoneName) : zones;
    return own.map((zone): Asked => ({ zone, except: except.map(zoneName) }));
  });
  return [...new Map(asked.map((each) => [JSON.stringify(each), each])).values()];
}

/** Returns, as answered by nobody, the names that no plugin of a block looks up. */
export function unaskedIn(
  directives: readonly ReadDirective[],
  zones: readonly string[],
  place: FilePlace,
): NameTaker[] {
  const asked = askedIn(directives, zones);
  if (asked.some(({ zone, except }) => zone === '' && except.length === 0)) return [];
  const sets = asked.map(({ zone, except }) =>
    except.length === 0 ? within(zone) : inBoth(within(zone), outside(except.map(within).reduce(inEither))),
  );
  const on = outside(sets.reduce(inEither, oneOf(new Set<string>())));
  return [{ on, when: 'after', place: { ...place, what: `nobody in ${place.what}` } }];
}

type Told = Pick<ReadDirective, 'words' | 'inner' | 'line'>;

/** Returns the names that a zone has, for those in the arguments of a plugin. */
type Own = (given: readonly string[]) => NameSet;

function templateTaker({ words, inner, line }: Told, own: Own, place: NameTaker['place']): NameTaker[] {
  const [kind = '', type = '', ...given] = words;
  if (!/^(?:in|any)$/i.test(kind)) return [];
  const through = inner.find(([what]) => what === 'fallthrough');
  if (through && through.length > 1) throw new CannotTell(`the template in line ${line} passes some names on only`);
  const sources = inner.filter(([what]) => what === 'match').flatMap(([, ...each]) => each);
  const matched = sources.map((source) => {
    const found = foundBy(source);
    if ('problem' in found)
      throw new CannotTell(`the template in line ${line} has an expression that ${found.problem}`);
    return found;
  });
  // Without "fallthrough" it refuses what it does not match.
  const all = own(given);
  const on = through && matched.length > 0 ? inBoth(all, matched.reduce(inEither)) : all;
  return [{ on, when: 'after', ...(type.toUpperCase() !== 'ANY' && { type: type.toUpperCase() }), place }];
}

/** Names that the plugin `local` answers in one of its versions. */
function localNames(): NameSet {
  const zones = ['localhost', '0.in-addr.arpa', '127.in-addr.arpa', '255.in-addr.arpa'].map(within);
  return [...zones, startingWith('localhost.'), endingIn('.localhost.')].reduce(inEither);
}

/**
 * A plugin that knows some names as addresses. Those in its braces are seen; for all other names it reads a file of the
 * machine.
 */
function hostsTaker({ words, inner, line }: Told, own: Own, place: NameTaker['place']): NameTaker[] {
  const [, ...given] = words;
  const zones = own(given);
  const through = inner.find(([what]) => what === 'fallthrough');
  const seen = inner.filter(([what = '']) => /^[0-9]|:/.test(what)).flatMap(([, ...names]) => names);
  const named = new Set(seen.map((each) => `${zoneName(each)}.`).filter((each) => zones.has(each)));
  if (through === undefined) return [{ on: zones, when: 'after', place }];
  if (through.length > 1) throw new CannotTell(`the hosts in line ${line} pass some names on only`);
  const takers: NameTaker[] = [{ on: oneOf(named), when: 'after', type: 'A', place }];
  return [
    ...takers,
    { on: zones, when: 'after', unseen: `line ${line} has hosts, which reads a file that is not seen`, place },
  ];
}
