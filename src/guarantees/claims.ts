import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { CidrSet } from '../policy/cidr.ts';
import { policyCodes } from '../policy/codes.ts';
import type { PathPattern, PatternSegment } from '../policy/pattern.ts';
import { type ReadFile, rangeResolver } from '../policy/ranges.ts';
import { parseRequest } from '../policy/routes.ts';
import type { Policy } from '../policy/types.ts';
import type { Guarantee, Spec } from '../spec/schema.ts';
import { guaranteeCodes } from './codes.ts';

/** A guarantee about requests, with what it refers to resolved. */
export interface Claim {
  readonly kind: 'never' | 'only' | 'always';
  /** As a report calls it: `never DELETE /{any*}`. */
  readonly subject: string;
  readonly methods: readonly string[];
  /** Paths that any of these matches. */
  readonly patterns: readonly PathPattern[];
  /** Ids of keys; absent: everybody, with a key or without. */
  readonly keys?: ReadonlySet<string>;
  /** Absent: from any address. */
  readonly from?: CidrSet;
  /** Id of a proxy; absent: every proxy. */
  readonly proxy?: string;
  readonly reason?: string;
  readonly at: SpecPath;
}

/** A guarantee that the spec grants the same access as another spec. */
export interface SameClaim {
  readonly kind: 'same';
  readonly subject: string;
  /** Path of the other spec, relative to this one. */
  readonly as: string;
  readonly except: readonly (keyof Spec)[];
  readonly at: SpecPath;
}

/** The guarantees of a spec in its order; what cannot be understood lands in `problems`. */
export function claimsOf(spec: Spec, policy: Policy, read: ReadFile, problems: Diagnostic[]): (Claim | SameClaim)[] {
  const ranges = rangeResolver(spec, read, problems);
  const known = { keys: policy.apiKeys.map(({ id }) => id), proxies: policy.proxies.map(({ id }) => id) };
  const ids = new Set(known.keys);
  return (spec.guarantees ?? []).flatMap((guarantee, index): (Claim | SameClaim)[] => {
    const at: SpecPath = ['guarantees', index];
    if ('same' in guarantee) {
      const { as, except = [] } = guarantee.same;
      const but = except.length === 0 ? '' : ` except ${except.join(', ')}`;
      return [{ kind: 'same', subject: `same as ${as}${but}`, as, except, at }];
    }
    const { kind, claim, place } = requestOf(guarantee, at);
    const request = parseRequest(claim.request, place, problems, kind === 'always' ? 'forwarded' : 'answered');
    const told = problems.length;
    for (const [step, name] of (claim.keys ?? []).entries())
      if (!ids.has(name)) problems.push(unknown('key', name, known.keys, [...at, kind, 'keys', step]));
    if (claim.proxy !== undefined && !known.proxies.includes(claim.proxy))
      problems.push(unknown('proxy', claim.proxy, known.proxies, [...at, kind, 'proxy']));
    if (kind === 'only' && claim.keys === undefined && claim.from === undefined)
      problems.push(guaranteeCodes.report('only-whom', [...at, kind], {}));
    if (kind === 'always' && claim.proxy === undefined && known.proxies.length > 1)
      problems.push(guaranteeCodes.report('which-proxy', [...at, kind], { known: known.proxies }));
    const from = claim.from && ranges.resolve(claim.from, [...at, kind, 'from']);
    if (!request || problems.length > told) return [];
    const { keys, proxy, reason } = claim;
    const subject = [
      `${kind} ${claim.request}`,
      keys && `keys ${keys.join(', ')}`,
      claim.from && `from ${claim.from.join(', ')}`,
    ];
    return [
      {
        kind,
        subject: subject.filter((part) => part !== undefined).join(', '),
        methods: request.methods,
        patterns: kind === 'always' ? [request.pattern] : wide(request.pattern),
        ...(keys && { keys: new Set(keys) }),
        ...(from && { from }),
        ...(proxy !== undefined && { proxy }),
        ...(reason !== undefined && { reason }),
        at,
      },
    ];
  });
}

type RequestClaim = Extract<Extract<Guarantee, { never: unknown }>['never'], object>;

function requestOf(guarantee: Exclude<Guarantee, { same: unknown }>, at: SpecPath) {
  const [kind, written] =
    'never' in guarantee
      ? (['never', guarantee.never] as const)
      : 'only' in guarantee
        ? (['only', guarantee.only] as const)
        : (['always', guarantee.always] as const);
  const claim: RequestClaim = typeof written === 'string' ? { request: written } : written;
  return { kind, claim, place: typeof written === 'string' ? [...at, kind] : [...at, kind, 'request'] };
}

function unknown(kind: string, name: string, known: readonly string[], at: SpecPath): Diagnostic {
  return policyCodes.report('unknown-reference', at, { kind, name, known });
}

/**
 * The patterns of a `never`, read as wide as their author means them: `{name}` is any segment that some pattern could
 * match, also one with %2F in it, and the path with a slash at its end counts too.
 */
function wide({ text, segments }: PathPattern): PathPattern[] {
  const widest = segments.map(
    (segment): PatternSegment =>
      (segment.kind === 'parameter' || segment.kind === 'rest') && segment.type === 'segment'
        ? { ...segment, type: 'encodedText' }
        : segment,
  );
  const last = widest.at(-1);
  if (last?.kind === 'literal' && last.text === '') return [{ text, segments: widest }];
  return [
    { text, segments: widest },
    { text: `${text}/`, segments: [...widest, { kind: 'literal', text: '' }] },
  ];
}
