import { eachOnce } from '../../policy/apiKeys.ts';
import type { SecretReference } from '../../policy/types.ts';
import type { RenderedFile, TargetInput } from '../target.ts';

/** A file of secrets that another program fills in: lines of text, with references in the place of values. */
export interface DeliveredFile {
  /** Below the output folder, such as the `secrets/` of an engine. */
  readonly path: string;
  /** The target that reads it. */
  readonly target: string;
  readonly lines: readonly (readonly (string | SecretReference)[])[];
}

/** `files` hold values as they are, `others` are files with values that are computed from secrets. */
export interface Delivery {
  readonly files: readonly DeliveredFile[];
  readonly others: readonly string[];
}

/** Returns the references in a file, as often as they occur. */
export function referencesIn({ lines }: Pick<DeliveredFile, 'lines'>): SecretReference[] {
  return lines.flat().filter((piece) => typeof piece === 'object');
}

/** Returns the references in all files, each once. */
export function deliveredReferences({ files }: Delivery): SecretReference[] {
  return eachOnce(files.flatMap(referencesIn));
}

/**
 * Returns a slot, which stands for a secret: it has the form of keys and tokens, and its last characters are its
 * number.
 */
const slotOf = (index: number) => `a-slot-of-postern-${String(index).padStart(8, '0')}`;
const SLOT = /a-slot-of-postern-(\d{8})/;

/**
 * Returns the secret files that the engines of the spec read. They are rendered with slots instead of secrets, which
 * shows where each reference belongs.
 */
export function deliveryOf(
  references: readonly SecretReference[],
  secretFiles: NonNullable<TargetInput<unknown>['secretFiles']>,
): Delivery {
  const values = new Map(references.map(({ text }, index) => [text, slotOf(index)]));
  const all = secretFiles(values).filter(({ text }) => text.trim() !== '');
  const isPlain = ({ text }: RenderedFile) => SLOT.test(text);
  const files = all.filter(isPlain).map(({ path, text }) => ({
    path,
    target: path.split('/', 1)[0] ?? '',
    lines: text
      .trimEnd()
      .split('\n')
      .map((line) => piecesOf(line, references)),
  }));
  return { files, others: all.filter((file) => !isPlain(file)).map(({ path }) => path) };
}

function piecesOf(line: string, references: readonly SecretReference[]): (string | SecretReference)[] {
  // `split` with a group returns the captured numbers between the texts.
  return line.split(SLOT).flatMap((piece, index): readonly (string | SecretReference)[] => {
    if (index % 2 === 0) return piece === '' ? [] : [piece];
    const reference = references[Number(piece)];
    return reference ? [reference] : [];
  });
}
