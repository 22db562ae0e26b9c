import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Composition } from './compose.ts';
import type { Member } from './load.ts';
import { INCLUSIONS } from './merge.ts';

/**
 * Who answers for an entry of the flat spec: the owner of the key, and the owner of each include that brings the entry.
 * For an include without an owner it is whoever answers for the file with this include. Of an envelope it is its own
 * owner: who answers for a file does not say how much it may grant.
 */
export function ownersOf(
  { spec, definitions, inclusions, members: [entry] }: Composition,
  [section, name, part]: SpecPath,
): string[] {
  const ofFile = (member: Member): string[] =>
    member === entry
      ? []
      : inclusions
          .filter(({ to }) => to === member)
          .flatMap(({ from, index }) => {
            const include = from.value.include?.[index];
            const own = typeof include === 'object' && 'owner' in include ? include.owner : undefined;
            return own === undefined ? ofFile(from) : [own];
          });
  const places = definitions.get(String(section))?.get(String(name)) ?? [];
  if (section === INCLUSIONS && part === 'within') {
    const { from, index } = inclusions[Number(name)] ?? {};
    const include = index === undefined ? undefined : from?.value.include?.[index];
    const own = typeof include === 'object' && 'within' in include ? include.within?.owner : undefined;
    if (own !== undefined) return [own];
  }
  const key = section === 'apiKeys' ? spec.apiKeys?.[String(name)]?.owner : undefined;
  return [...new Set([...(key === undefined ? [] : [key]), ...places.flatMap(({ member }) => ofFile(member))])].sort();
}
