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

/** Plugins that keep to the zones in their arguments, and how many words stand before these. */
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
/** Plugins whose first argument is the one zone that they ask others about. */
const RESOLVERS = new Set(['forward', 'grpc']);

/** Whether a directive asks others about all names: in a Corefile around our rules something has to. */
export function isRootResolver({ name, words }: Directive): boolean {
  return RESOLVERS.has(name.text) && words[0]?.text === '.';
}

/** Whether a plugin could have a say in names that are rewritten, or in what they are rewritten to. Unknown ones could. */
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

/** Rules that pick names are told by their order. Of the others, life times, options and types nobody asks for change no name. */
function leavesNames(directive: Directive): boolean {
  if (existingRules(directive).length > 0) return true;
  const [first = '', ...more] = directive.words.map(({ text }) => text.toLowerCase());
  const [kind = '', from = ''] = /^(?:continue|stop)$/.test(first) ? more : [first, ...more];
  return (
    kind === 'ttl' || kind === 'edns0' || (kind === 'type' && from === 'any') || (kind === 'class' && from !== 'in')
  );
}

/** Empty where the plugin is for every name of its block, or where that is not known. */
function zonesIn({ name, words }: Directive): string[] {
  const end = words.findIndex(({ text }) => text === '{');
  const args = words.slice(0, end < 0 ? words.length : end).map(({ text }) => text.toLowerCase().replace(/\.$/, ''));
  if (RESOLVERS.has(name.text)) return args.slice(0, 1);
  const before = ZONED[name.text];
  return before === undefined ? [] : args.slice(before);
}

function isBelow(name: string, zone: string): boolean {
  // Not a name: what only the environment knows.
  if (!/^[a-z0-9._/-]*$/.test(zone)) return true;
  return zone === '' || `.${name}`.endsWith(`.${zone}`);
}
