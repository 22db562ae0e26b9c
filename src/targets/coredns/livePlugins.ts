import type { DomainRewrite } from '../../policy/types.ts';
import { existingRules } from './existing.ts';
import type { Directive } from './grammar.ts';

/** Plugins that change neither which name is looked up nor what is answered. */
const INERT = new Set([
  'any',
  'bufsize',
  'cache',
  'cancel',
  'chaos',
  'debug',
  'dnstap',
  'errors',
  'geoip',
  'health',
  'loadbalance',
  'local',
  'log',
  'loop',
  'metadata',
  'minimal',
  'multisocket',
  'nsid',
  'pprof',
  'prometheus',
  'ready',
  'reload',
  'timeouts',
  'trace',
]);

/** Plugins that concern only the zones in their arguments, with the number of words before these. */
const ZONED: Readonly<Record<string, number>> = {
  acl: 0,
  auto: 0,
  dnssec: 0,
  erratic: 0,
  etcd: 0,
  file: 1,
  hosts: 1,
  k8s_external: 0,
  kubernetes: 0,
  secondary: 0,
  sign: 1,
  template: 2,
  whoami: 0,
};
/** Plugins that ask other servers about the zone in their first argument. */
const RESOLVERS = new Set(['forward', 'grpc']);

/** Returns whether a directive asks other servers about all names; a Corefile around our rules needs one that does. */
export function isRootResolver({ name, words }: Directive): boolean {
  return RESOLVERS.has(name.text) && words[0]?.text === '.';
}

/** Returns whether a plugin may affect names that are rewritten, or the names that they become. An unknown plugin may. */
export function touches(directive: Directive, rewrites: readonly DomainRewrite[]): boolean {
  const plugin = directive.name.text;
  if (plugin === 'rewrite') return !leavesNames(directive);
  if (INERT.has(plugin)) return false;
  const zones = zonesIn(directive);
  if (zones.length === 0) return true;
  return rewrites.some(({ from, to, wildcard }) =>
    [from, to].some((name) => zones.some((zone) => isBelow(name, zone) || (wildcard && isBelow(zone, name)))),
  );
}

/**
 * Returns whether a rewrite leaves names alone. Rules that match names are compared by their order elsewhere; rules
 * about life times, options and unusual types change no name.
 */
function leavesNames(directive: Directive): boolean {
  if (existingRules(directive).length > 0) return true;
  const [first = '', ...more] = directive.words.map(({ text }) => text.toLowerCase());
  const [kind = '', from = ''] = /^(?:continue|stop)$/.test(first) ? more : [first, ...more];
  return (
    kind === 'ttl' || kind === 'edns0' || (kind === 'type' && from === 'any') || (kind === 'class' && from !== 'in')
  );
}

/** Returns the zones of a plugin; none where it concerns every name of its block, or where that is not known. */
function zonesIn({ name, words }: Directive): string[] {
  const end = words.findIndex(({ text }) => text === '{');
  const args = words.slice(0, end < 0 ? words.length : end).map(({ text }) => text.toLowerCase().replace(/\.$/, ''));
  if (RESOLVERS.has(name.text)) return args.slice(0, 1);
  const before = ZONED[name.text];
  return before === undefined ? [] : args.slice(before);
}

function isBelow(name: string, zone: string): boolean {
  // A zone that depends on the environment may be any.
  if (!/^[a-z0-9._/-]*$/.test(zone)) return true;
  return zone === '' || `.${name}`.endsWith(`.${zone}`);
}
