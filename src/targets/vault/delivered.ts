import type { SecretReference } from '../../policy/types.ts';
import type { RenderedFile, TargetInput } from '../target.ts';

/** A file of secrets as somebody else fills it in: lines of text, with references where their values belong. */
export interface DeliveredFile {
  /** Below the output folder, such as the `secrets/` of an engine. */
  readonly path: string;
  /** The target that reads it. */
  readonly target: string;
  readonly lines: readonly (readonly (string | SecretReference)[])[];
}

/** Files that hold the values as they are, and those that hold something worked out of them. */
export interface Delivery {
  readonly files: readonly DeliveredFile[];
  readonly others: readonly string[];
}

/** The references in lines of a file, as often as they stand there. */
export function referencesIn({ lines }: Pick<DeliveredFile, 'lines'>): SecretReference[] {
  return lines.flat().filter((piece) => typeof piece === 'object');
}

/** The references in all files, each once. */
export function deliveredReferences({ files }: Delivery): SecretReference[] {
  const all = files.flatMap(referencesIn);
  return [...new Map(all.map((reference) => [reference.text, reference])).values()];
}

/** Shaped as keys and tokens are, and told apart by their last characters. */
const slotOf = (index: number) => `a-slot-of-postern-${String(index).padStart(8, '0')}`;
const SLOT = /a-slot-of-postern-(\d{8})/;

/** The files that the engines of this spec read, found by having them made of slots in place of secrets. */
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
  // A pattern with a group leaves what it caught between the texts.
  return line.split(SLOT).flatMap((piece, index): readonly (string | SecretReference)[] => {
    if (index % 2 === 0) return piece === '' ? [] : [piece];
    const reference = references[Number(piece)];
    return reference ? [reference] : [];
  });
}
