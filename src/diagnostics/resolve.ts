import type { Diagnostic, Severity, SpecPath, TextSpan } from './diagnostic.ts';
import { maskFile, maskSecrets } from './mask.ts';
import { type Position, positionsByText } from './position.ts';
import { printable } from './printable.ts';

/** Finds the text span of a path, in whichever file it stands; a located document does. */
export interface Locator {
  locate(path: SpecPath, part?: 'key' | 'value'): TextSpan;
}

/** A text span with its lines and columns. */
export interface Location extends TextSpan {
  readonly from: Position;
  readonly to: Position;
}

export interface ResolvedRelated {
  readonly message: string;
  readonly location: Location | undefined;
}

/** A diagnostic as every format shows it: placed, and free of secrets and of characters that steer a terminal. */
export interface ResolvedDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string | undefined;
  /** Absent only where there is no text to point into. */
  readonly location: Location | undefined;
  readonly related: readonly ResolvedRelated[];
}

export interface PlacedDiagnostic {
  readonly diagnostic: Diagnostic;
  readonly place: TextSpan | undefined;
}

/** Sorted by file, offset and code, each only once: the same problems are always told in the same words. */
export function orderDiagnostics(diagnostics: readonly Diagnostic[], locator: Locator | undefined): PlacedDiagnostic[] {
  const placed = diagnostics.map((diagnostic) => ({ diagnostic, place: placeOf(diagnostic, locator) }));
  placed.sort((a, b) => comparePlaces(a.place, b.place) || compareTexts(keyOf(a.diagnostic), keyOf(b.diagnostic)));
  return placed.filter(({ diagnostic, place }, index) => {
    const before = placed[index - 1];
    return (
      before === undefined || comparePlaces(before.place, place) !== 0 || keyOf(before.diagnostic) !== keyOf(diagnostic)
    );
  });
}

/** Diagnostics that are in order, ready to be shown; the formats that show all of them use `resolveDiagnostics`. */
export function resolvePlaced(placed: readonly PlacedDiagnostic[], locator: Locator | undefined): ResolvedDiagnostic[] {
  const locate = createLocations();
  return placed.map(({ diagnostic, place }) => ({
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: shown(diagnostic.message),
    hint: diagnostic.hint === undefined ? undefined : shown(diagnostic.hint),
    location: locate(place),
    related: (diagnostic.related ?? []).map((related) => ({
      message: shown(related.message),
      location: locate(placeOf(related, locator)),
    })),
  }));
}

/**
 * The offsets of secrets, sorted, by file. A secret that one diagnostic points to is hidden in the excerpts of all,
 * because another problem may be on the same line.
 */
export function secretOffsets(placed: readonly PlacedDiagnostic[]): ReadonlyMap<string, readonly number[]> {
  const offsets = new Map<string, number[]>();
  for (const { diagnostic, place } of placed) {
    if (!diagnostic.secret || place === undefined) continue;
    const known = offsets.get(place.file) ?? [];
    known.push(diagnostic.part === 'key' ? place.end : place.start);
    offsets.set(place.file, known);
  }
  return offsets;
}

export function resolveDiagnostics(
  diagnostics: readonly Diagnostic[],
  locator: Locator | undefined,
): ResolvedDiagnostic[] {
  return resolvePlaced(orderDiagnostics(diagnostics, locator), locator);
}

type Placed = Pick<Diagnostic, 'at' | 'part' | 'place'>;

function placeOf({ at, part, place }: Placed, locator: Locator | undefined): TextSpan | undefined {
  const found = place ?? locator?.locate(at, part ?? 'value');
  // What was given as a file may be the URL of a repository, with a password.
  return found && { ...found, file: maskFile(found.file) };
}

/** Diagnostics that point into another text than the others will: their places are looked up now. */
export function placedIn(diagnostics: readonly Diagnostic[], locator: Locator | undefined): Diagnostic[] {
  if (!locator) return [...diagnostics];
  const placed = <T extends Placed>(one: T): T => ({ ...one, ...(one.place ? {} : { place: placeOf(one, locator) }) });
  return diagnostics.map((one) => {
    const { related, ...found } = placed(one);
    return related ? { ...found, related: related.map(placed) } : found;
  });
}

function createLocations(): (place: TextSpan | undefined) => Location | undefined {
  const positions = positionsByText();
  return (place) => {
    if (place === undefined) return undefined;
    const position = positions(place.text);
    return { ...place, from: position(place.start), to: position(Math.max(place.start, place.end)) };
  };
}

function shown(text: string): string {
  return printable(maskSecrets(text));
}

/** Identifies a diagnostic among those at one position. */
function keyOf({ code, message }: Diagnostic): string {
  return `${code} ${message}`;
}

/** Diagnostics without a position come first, because they concern everything. */
function comparePlaces(a: TextSpan | undefined, b: TextSpan | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareTexts(a.file, b.file) || a.start - b.start || a.end - b.end;
}

/** By code units: the order must not depend on the machine's language. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
