import type { AccessChange, ChangePlace } from '../accessDiff/types.ts';
import type { Composition } from '../compose/compose.ts';
import type { Inclusion, Member } from '../compose/load.ts';
import { INCLUSIONS } from '../compose/merge.ts';
import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { intersect, isEmpty, parseCidr } from '../policy/cidr.ts';
import type { Policy } from '../policy/types.ts';
import { type BoundsOf, boundsOf, isFree } from './bounds.ts';
import { successors } from './loosened.ts';

/** A version of a spec of which owners are asked. */
interface Owned {
  readonly composition: Composition;
  readonly policy: Pick<Policy, 'addressSets'>;
}

interface Versions {
  readonly before: Owned;
  readonly after: Owned;
}

/** A version with what bounds its files. */
interface Side extends Owned {
  readonly bounds: BoundsOf;
}

/**
 * Returns whose approval a change needs, sorted: the owners of what it touches, in both versions, so that no change
 * takes a say in it away from whoever had one before. Who writes a file within an envelope names no owner of what others
 * bring in too.
 */
export function approversOf(versions: Versions): (change: Pick<AccessChange, 'at' | 'addresses'>) => string[] {
  const sideOf = (owned: Owned): Side => ({ ...owned, bounds: boundsOf(owned.composition) });
  const sides = { before: sideOf(versions.before), after: sideOf(versions.after) };
  return ({ at, addresses = [] }) => {
    const [own, other] = at.version === 'before' ? [sides.before, sides.after] : [sides.after, sides.before];
    const ids = new Set(filesOf(own.composition, at.path).map(({ id }) => id));
    const known = other.composition.members.filter(({ id }) => ids.has(id));
    return distinct([
      ...ownersOf(own, at.path),
      ...counterparts(at.path, own.composition, other.composition).flatMap((path) => ownersOf(other, path)),
      ...known.flatMap((member) => ownersOfFile(member, other)),
      ...ownersOfAddresses(addresses, [own, other]),
    ]);
  };
}

/** The includes of the same file, or the entry of the same name; an entry of a list has no name. */
function counterparts(path: SpecPath, { inclusions }: Composition, other: Composition): SpecPath[] {
  const [section, name, ...rest] = path;
  if (section === INCLUSIONS) {
    const file = inclusions[Number(name)]?.to.id;
    return other.inclusions.flatMap(({ to }, number) => (to.id === file ? [[section, number, ...rest]] : []));
  }
  return typeof name === 'number' ? [] : [path];
}

/**
 * The owner of the key, and the owner of each include that brings the entry. For an include without an owner it is
 * whoever answers for the file with this include. Of an envelope it is its own owner: who answers for a file does not
 * say how much it may grant.
 */
function ownersOf(side: Side, path: SpecPath): string[] {
  const { composition } = side;
  const [section, name, part] = path;
  const inclusion = section === INCLUSIONS ? composition.inclusions[Number(name)] : undefined;
  const ofEnvelope = part === 'within' && inclusion ? envelopeOwner(inclusion) : undefined;
  if (ofEnvelope !== undefined) return [ofEnvelope];
  const key = section === 'apiKeys' ? composition.spec.apiKeys?.[String(name)]?.owner : undefined;
  const ofInclude = part !== 'within' && inclusion ? includeOwner(inclusion) : undefined;
  return [
    ...[key, ofInclude].filter((owner) => owner !== undefined),
    ...filesOf(composition, path).flatMap((member) => ownersOfFile(member, side)),
  ];
}

function filesOf({ definitions }: Composition, [section, name]: SpecPath): Member[] {
  return (definitions.get(String(section))?.get(String(name)) ?? []).map(({ member }) => member);
}

function ownersOfFile(member: Member, side: Side): string[] {
  const { composition, bounds } = side;
  if (member === composition.members[0]) return [];
  const isHeard = ({ from }: Inclusion) => isFree(bounds.file(from)) || !isFree(bounds.file(member));
  return composition.inclusions
    .filter((inclusion) => inclusion.to === member && isHeard(inclusion))
    .flatMap((inclusion) => {
      const own = includeOwner(inclusion);
      return own === undefined ? ownersOfFile(inclusion.from, side) : [own];
    });
}

function includeOwner({ from, index }: Inclusion): string | undefined {
  const include = from.value.include?.[index];
  return typeof include === 'object' && 'owner' in include ? include.owner : undefined;
}

function envelopeOwner({ from, index }: Inclusion): string | undefined {
  const include = from.value.include?.[index];
  return typeof include === 'object' && 'within' in include ? include.within?.owner : undefined;
}

/** The owners of entries of address sets that hold one of these addresses. */
function ownersOfAddresses(addresses: readonly string[], sides: readonly Side[]): string[] {
  const ranges = addresses.map(parseCidr).filter((range) => typeof range === 'object');
  if (ranges.length === 0) return [];
  const notes = sides.flatMap(({ policy, bounds }) =>
    policy.addressSets.filter(({ id }) => isFree(bounds.entry('ipRanges', id))).flatMap((set) => set.notes),
  );
  return notes.flatMap(({ owner, range }) =>
    owner !== undefined && !isEmpty(intersect({ ranges }, { ranges: [range] })) ? [owner] : [],
  );
}

/**
 * Reports what has another owner than before. It lets nobody do more, but somebody else approves the next change that
 * does, so the one who approved until now is asked.
 */
export function handedOver({ before, after }: { readonly [V in keyof Versions]: Composition }): AccessChange[] {
  const told = (what: string, owners: Owners, at: ChangePlace, effect: AccessChange['effect']): AccessChange[] =>
    owners.before.every((owner) => owners.after.includes(owner))
      ? []
      : [{ kind: 'owner', effect, message: handoverWords(what, owners), at, proxies: [], keys: [] }];
  const files = before.inclusions.flatMap((inclusion, number) => {
    const { id } = inclusion.to;
    const heirs = successors(inclusion.to, before, after).map((heir) => heir.id);
    const known = after.inclusions.filter(({ to }) => heirs.includes(to.id));
    const first = before.inclusions.findIndex(({ to }) => to.id === id) === number;
    if (!first || known.length === 0) return [];
    const former = before.inclusions.filter(({ to }) => to.id === id);
    const [file, envelope] = [includeOwner, envelopeOwner].map((ownerOf) => ({
      before: distinct(former.map(ownerOf)),
      after: distinct(known.map(ownerOf)),
    }));
    const at = (...rest: string[]) => ({ version: 'before', path: [INCLUSIONS, number, ...rest] }) as const;
    return [
      ...(file ? told(id, file, at(), 'neutral') : []),
      ...(envelope ? told(`the envelope of ${id}`, envelope, at('within'), 'unclear') : []),
    ];
  });
  const keys = Object.entries(before.spec.apiKeys ?? {}).flatMap(([id, { owner }]) => {
    const now = after.spec.apiKeys?.[id];
    if (!now) return [];
    const owners = { before: distinct([owner]), after: distinct([now.owner]) };
    const changes = told(`key "${id}"`, owners, { version: 'before', path: ['apiKeys', id] }, 'neutral');
    return changes.map((change) => ({ ...change, keys: [id] }));
  });
  return [...files, ...keys];
}

interface Owners {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

function handoverWords(what: string, { before, after }: Owners): string {
  const now = after.length === 0 ? 'nobody' : after.join(', ');
  return `${what} is owned by ${now} (before: ${before.join(', ')})`;
}

function distinct(owners: readonly (string | undefined)[]): string[] {
  return [...new Set(owners.filter((owner) => owner !== undefined))].sort();
}
