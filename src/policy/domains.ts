import { domainToASCII } from 'node:url';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { parseAddress } from './cidr.ts';
import { policyCodes } from './codes.ts';
import type { Difference, FieldTable } from './fields.ts';
import type { DomainRewrite } from './types.ts';

export interface NameProblem {
  readonly problem: string;
  readonly hint: string;
}

/**
 * Returns whether a name ends in a number. Most software reads `127.1` and `0x7f.1` as addresses; no top-level domain
 * is a number.
 */
export function endsInNumber(name: string): boolean {
  return /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$/i.test(name);
}

/** Returns what is wrong with a DNS host name (RFC 1123 letters, digits, hyphens; lengths of RFC 1035). */
export function nameProblem(text: string): NameProblem | undefined {
  const name = text.replace(/\.$/, '');
  const host = /^[a-z][a-z0-9+.-]*:\/\/([^/:?#]+)/i.exec(text)?.[1];
  if (host !== undefined) return { problem: 'is a URL, not a name', hint: `write ${host}` };
  if (/[^\x20-\x7e]/.test(name)) return { problem: 'is not in ASCII', hint: aLabelHint(name) };
  if (name === '') return { problem: 'is empty', hint: 'write a host name such as gitlab.example.com' };
  if (name.length > 253) return { problem: 'is longer than 253 characters', hint: 'DNS cannot carry it' };
  if (parseAddress(name) !== undefined || endsInNumber(name))
    return { problem: 'is an address, not a name', hint: 'a rewrite leads from a name to a name' };
  for (const label of name.split('.')) {
    if (label === '') return { problem: 'has an empty label', hint: 'write one "." between labels' };
    if (label.length > 63)
      return {
        problem: `has the label "${label.slice(0, 12)}…" of ${label.length} characters`,
        hint: 'a label has 63 at most',
      };
    if (label.includes('*'))
      return {
        problem: 'has a wildcard that is not its first label',
        hint: 'only *.example.com, with the star alone and in front',
      };
    if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(label))
      return { problem: `has the label "${label}"`, hint: 'letters, digits and inner "-" only' };
  }
  return undefined;
}

function aLabelHint(name: string): string {
  const labels = domainToASCII(name);
  return labels === '' ? 'a host name has letters, digits, "-" and "."' : `write its A-labels: ${labels}`;
}

interface Name {
  readonly name: string;
  readonly wildcard: boolean;
}

function parseName(text: string, at: SpecPath, problems: Diagnostic[]): Name | undefined {
  const wildcard = text.startsWith('*.');
  const name = (wildcard ? text.slice(2) : text).replace(/\.$/, '').toLowerCase();
  const problem = nameProblem(name);
  if (!problem) return { name, wildcard };
  problems.push(policyCodes.report('bad-domain', at, { name: text, ...problem }));
  return undefined;
}

/** Returns whether a rewrite applies to a name (lower case, no trailing dot). */
export function rewriteApplies(rewrite: Pick<DomainRewrite, 'from' | 'wildcard'>, name: string): boolean {
  return rewrite.wildcard ? name.endsWith(`.${rewrite.from}`) : name === rewrite.from;
}

/** Returns the new name for a name that the rewrite applies to. */
export function targetName({ from, to, wildcard, oneTarget }: DomainRewrite, name: string): string {
  return wildcard && !oneTarget ? name.slice(0, -from.length) + to : to;
}

/** Returns a side of a rewrite as the spec writes it, with its star. */
export function writtenName(rewrite: DomainRewrite, side: 'from' | 'to'): string {
  const starred = rewrite.wildcard && !(side === 'to' && rewrite.oneTarget);
  return (starred ? '*.' : '') + rewrite[side];
}

/** Returns a name and every name above it, the longest first. */
export function withAncestors(name: string): string[] {
  const labels = name.split('.');
  return labels.map((_, index) => labels.slice(index).join('.'));
}

/**
 * Returns a function that finds the rewrite of a name: an exact one, or else that with the longest suffix. It does not
 * try all rewrites.
 */
export function rewriteFinder(rewrites: readonly DomainRewrite[]): (name: string) => DomainRewrite | undefined {
  const all = new Rewrites(rewrites);
  return (name) => all.of(name);
}

/** Rewrites by the names that they are for. */
class Rewrites {
  readonly #exact: Map<string, DomainRewrite>;
  readonly #wildcards: Map<string, DomainRewrite>;

  constructor(rewrites: readonly DomainRewrite[]) {
    const byName = (some: readonly DomainRewrite[]) => new Map(some.map((rewrite) => [rewrite.from, rewrite]));
    this.#exact = byName(rewrites.filter(({ wildcard }) => !wildcard));
    this.#wildcards = byName(rewrites.filter(({ wildcard }) => wildcard));
  }

  of(name: string): DomainRewrite | undefined {
    const above = withAncestors(name)
      .slice(1)
      .find((ancestor) => this.#wildcards.has(ancestor));
    return this.#exact.get(name) ?? (above === undefined ? undefined : this.#wildcards.get(above));
  }

  remove(rewrite: DomainRewrite): void {
    const own = rewrite.wildcard ? this.#wildcards : this.#exact;
    if (own.get(rewrite.from) === rewrite) own.delete(rewrite.from);
  }
}

/** Rewrites of which some may lead to names that others are for. DNS servers rewrite a name once, so a → b → c ends at b. */
export class Chains {
  readonly #rewrites: Rewrites;
  readonly #below = new Map<string, Set<DomainRewrite>>();

  constructor(rewrites: readonly DomainRewrite[]) {
    this.#rewrites = new Rewrites(rewrites);
    for (const rewrite of rewrites) {
      for (const name of withAncestors(rewrite.from).slice(1)) {
        const others = this.#below.get(name);
        if (others) others.add(rewrite);
        else this.#below.set(name, new Set([rewrite]));
      }
    }
  }

  /** Returns a rewrite of names to which this one leads. */
  after(rewrite: DomainRewrite): DomainRewrite | undefined {
    const next = this.#rewrites.of(sampleTarget(rewrite));
    // `*.dev.example.com` to `ingress.dev.example.com` rewrites its own target, and to the same name: no chain.
    if (next) return next === rewrite && rewrite.oneTarget ? undefined : next;
    if (!leadsBelow(rewrite)) return undefined;
    // `*.ci.example.com` to `*.example.com` would chain only for `x.ci.ci.example.com`, which nobody asks for.
    for (const other of this.#below.get(rewrite.to) ?? [])
      if (!`.${other.from}`.endsWith(`.${rewrite.from}`)) return other;
    return undefined;
  }

  /** Returns whether repeated rewriting of the target comes back to the start. */
  leadsBack(start: DomainRewrite): boolean {
    const seen = new Set<DomainRewrite>();
    for (let at: DomainRewrite | undefined = start; at && !seen.has(at); ) {
      seen.add(at);
      at = this.#rewrites.of(sampleTarget(at));
      if (at === start) return true;
    }
    return false;
  }

  remove(rewrite: DomainRewrite): void {
    this.#rewrites.remove(rewrite);
    for (const name of withAncestors(rewrite.from).slice(1)) this.#below.get(name)?.delete(rewrite);
  }
}

function conflictsOf(rewrites: readonly DomainRewrite[], problems: Diagnostic[]): void {
  const seen = new Map<string, DomainRewrite>();
  const chains = new Chains(rewrites);
  for (const rewrite of rewrites) {
    const name = writtenName(rewrite, 'from');
    const earlier = seen.get(name);
    if (earlier) problems.push(doubled(rewrite, earlier, name));
    seen.set(name, earlier ?? rewrite);
    const next = chains.after(rewrite);
    if (next) problems.push(chained(rewrite, next, chains.leadsBack(rewrite)));
  }
}

function doubled(rewrite: DomainRewrite, earlier: DomainRewrite, name: string): Diagnostic {
  const problem = { name, problem: 'is rewritten twice', hint: 'keep one of the two' };
  const related = [{ at: [...earlier.origin, 'from'], message: 'first rewritten here' }];
  return policyCodes.report('rewrite-conflict', [...rewrite.origin, 'from'], problem, { related });
}

function leadsBelow({ wildcard, oneTarget }: DomainRewrite): boolean {
  return wildcard && !oneTarget;
}

/** Returns a name that stands for all names that a rewrite leads to. */
function sampleTarget(rewrite: DomainRewrite): string {
  return leadsBelow(rewrite) ? `x.${rewrite.to}` : rewrite.to;
}

function chained(rewrite: DomainRewrite, next: DomainRewrite, loop: boolean): Diagnostic {
  const name = rewrite.to;
  const at = [...rewrite.origin, 'to'];
  if (next === rewrite) {
    const problem = { name, problem: 'is rewritten by this very rule', hint: 'a name cannot stand for itself' };
    return policyCodes.report('rewrite-conflict', at, problem);
  }
  const problem = loop
    ? { name, problem: 'is rewritten again, and in the end back to here: a loop', hint: 'keep one direction' }
    : {
        name,
        problem: 'is both the target of this rewrite and rewritten itself',
        hint: 'rewrite straight to the last name',
      };
  const related = [{ at: [...next.origin, 'from'], message: 'rewritten here' }];
  return policyCodes.report('rewrite-conflict', at, problem, { related });
}

export type RewriteEntry = NonNullable<Spec['domainRewrites']>[number];

/** Returns a host and its port. An IPv6 address is all host, because none of its colons starts a port. */
export function splitPort(text: string): { readonly host: string; readonly port: string | undefined } {
  const [, host = text, port] = /^([^:]*):(?!\/\/)([^:]*)$/.exec(text) ?? [];
  return { host, port };
}

/** Returns whether an entry has a port. Such an entry is for nodes only, because DNS knows no ports. */
export function hasPort({ from, to }: RewriteEntry): boolean {
  return splitPort(from).port !== undefined || splitPort(to).port !== undefined;
}

/** Returns the rewrites without a port, sorted by name, so that their order in the spec changes no output. */
export function resolveRewrites(spec: Spec, problems: Diagnostic[]): DomainRewrite[] {
  const upstreams = Object.keys(spec.upstreams ?? {});
  const rewrites = (spec.domainRewrites ?? []).flatMap((entry, index): DomainRewrite[] => {
    if (hasPort(entry)) return [];
    const origin: SpecPath = ['domainRewrites', index];
    const from = parseName(entry.from, [...origin, 'from'], problems);
    const to = parseName(entry.to, [...origin, 'to'], problems);
    if (entry.upstream !== undefined && !Object.hasOwn(spec.upstreams ?? {}, entry.upstream)) {
      problems.push(
        policyCodes.report('unknown-reference', [...origin, 'upstream'], {
          kind: 'upstream',
          name: entry.upstream,
          known: upstreams,
        }),
      );
    }
    if (!from || !to) return [];
    if (to.wildcard && !from.wildcard) {
      const problem = {
        name: entry.to,
        problem: `does not go with "${entry.from}"`,
        hint: 'one name stands for one name, so write it without "*."',
      };
      problems.push(policyCodes.report('rewrite-conflict', [...origin, 'to'], problem));
    }
    if (from.wildcard && entry.containerRegistry) {
      const problem = {
        name: entry.from,
        problem: 'is a wildcard, and no node can mirror a wildcard registry',
        hint: 'list each registry by name',
      };
      problems.push(policyCodes.report('rewrite-conflict', [...origin, 'containerRegistry'], problem));
    }
    const upstream = entry.upstream === undefined ? {} : { upstream: entry.upstream };
    return [
      {
        from: from.name,
        to: to.name,
        wildcard: from.wildcard,
        oneTarget: from.wildcard && !to.wildcard,
        ...upstream,
        containerRegistry: entry.containerRegistry === true,
        origin,
      },
    ];
  });
  conflictsOf(rewrites, problems);
  return rewrites.sort((a, b) => compareNames(a, b) || Number(a.wildcard) - Number(b.wildcard));
}

function compareNames({ from: a }: DomainRewrite, { from: b }: DomainRewrite): number {
  return a < b ? -1 : Number(a > b);
}

/** A rewrite with a site: a server under the private name that forwards to this upstream. */
export type SiteRewrite = DomainRewrite & { readonly upstream: string };

export function hasSite(rewrite: DomainRewrite): rewrite is SiteRewrite {
  return rewrite.upstream !== undefined;
}

/** Returns whether a rewrite has a site with one name on each side. A wildcard has many names. */
export function hasNamedSite(rewrite: DomainRewrite): rewrite is SiteRewrite {
  return hasSite(rewrite) && !rewrite.wildcard;
}

/** How each field of a rewrite affects what a name leads to. */
export const DOMAIN_REWRITE: FieldTable<DomainRewrite> = {
  from: { words: 'from', compare: 'identity' },
  wildcard: { words: 'from', compare: 'identity' },
  oneTarget: { words: 'to', compare: 'decided' },
  to: { words: 'to', compare: 'decided' },
  upstream: { words: 'upstream', compare: 'decided' },
  containerRegistry: { words: 'containerRegistry', kind: 'rewrite', compare: mirrorDifferences },
  origin: { words: 'line', compare: { cannotLoosen: 'it says where the rewrite is written' } },
};

/**
 * Returns a difference that is `unclear` in both directions: another server may hold other images, and the spec does
 * not say which.
 */
function mirrorDifferences(_: DomainRewrite, { containerRegistry }: DomainRewrite): Difference[] {
  const where = containerRegistry ? 'through the mirror' : 'from the registry itself';
  return [{ effect: 'unclear', words: `has its images pulled ${where} now` }];
}
