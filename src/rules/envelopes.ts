import type { Composition } from '../compose/compose.ts';
import type { Diagnostic, Related, SpecPath } from '../diagnostics/diagnostic.ts';
import { type Bounds, type BoundsOf, boundsOf, type Envelope } from '../guarantees/bounds.ts';
import { termsOf } from '../guarantees/envelope.ts';
import { beyond } from '../guarantees/loosened.ts';
import { NOBODY } from '../policy/cidr.ts';
import type { ReadFile } from '../policy/ranges.ts';
import { ruleCodes } from './codes.ts';

/** Reports envelopes that bound nothing, and those that leave the tokens of keys open. */
export function envelopes(composition: Composition, read: ReadFile): Diagnostic[] {
  const bounds = boundsOf(composition);
  return [...useless(composition, bounds, read), ...openTokens(composition, bounds)];
}

/** Reports envelopes without tokens around files that define keys. */
function openTokens({ spec }: Composition, { entry }: BoundsOf): Diagnostic[] {
  const open = new Map<Envelope, string>();
  for (const key of Object.keys(spec.apiKeys ?? {})) {
    for (const way of entry('apiKeys', key)) {
      const [envelope] = way;
      if (envelope && !open.has(envelope) && way.every(({ within }) => !within.tokens)) open.set(envelope, key);
    }
  }
  return [...open].map(([{ place }, key]) =>
    ruleCodes.report('any-token', ['include'], { key }, { place, related: [definedAt(key)] }),
  );
}

function definedAt(key: string): Related {
  return { at: ['apiKeys', key], part: 'key', message: 'a key of this file' };
}

/** Reports envelopes that admit every request, or all that the envelopes around them admit. */
function useless(composition: Composition, bounds: BoundsOf, read: ReadFile): Diagnostic[] {
  const upstreams = Object.keys(composition.spec.upstreams ?? {});
  const withWhole = bounds.envelopes.map((envelope) => ({ envelope, whole: everything(envelope, upstreams) }));
  const all = withWhole.flatMap(({ envelope, whole }) => [envelope, whole]);
  const terms = termsOf({ envelopes: all }, composition, read, []);
  const sides = { before: { terms }, after: { terms }, admitted: NOBODY };
  return withWhole.flatMap(({ envelope, whole }) => {
    const { from, index } = envelope.inclusion;
    const around: Bounds = bounds.file(from);
    const ways = around.map((way) => (way.length === 0 ? [whole] : way));
    if (ways.length === 0 || ways.some((way) => beyond(way, envelope, sides) !== undefined)) return [];
    const at: SpecPath = ['include', index, 'within'];
    const nested = around.every((way) => way.length > 0);
    return [ruleCodes.report('useless-envelope', at, { nested }, { place: from.document.locate(at, 'key') })];
  });
}

/** All that an author means by everything. It is as generous with headers and bodies as the envelope itself. */
function everything(envelope: Envelope, upstreams: readonly string[]): Envelope {
  const { headers, contentTypes, maxBody, websocket } = envelope.within;
  const rest = Object.fromEntries(
    Object.entries({ headers, contentTypes, maxBody, websocket }).filter(([, value]) => value !== undefined),
  );
  return { ...envelope, within: { ...rest, allow: ['* /{path*}'], upstreams: [...upstreams] } };
}
