import { just, type Piece } from './explore.ts';
import { built, type Language, settled } from './language.ts';

const made = new Map<string, Language>();

/** Returns the language of some texts and of no others. */
function languageOfTexts(texts: readonly string[]): Language {
  const sorted = [...new Set(texts)].sort();
  const key = JSON.stringify(sorted);
  const found = made.get(key) ?? build(sorted);
  made.set(key, found);
  return found;
}

function build(sorted: readonly string[]): Language {
  const all = new Set(sorted);
  const beginnings = new Set(sorted.flatMap((text) => [...text].map((_, index) => text.slice(0, index + 1))));
  const bytes = [...new Set(sorted.join(''))];
  const columnOf = new Uint8Array(256);
  for (const [index, byte] of bytes.entries()) columnOf[byte.charCodeAt(0)] = index + 1;
  // No text begins with a blank column: that is where all other texts go.
  const NOWHERE = '\n';
  return built({
    columnOf,
    columns: bytes.length + 1,
    start: '',
    step: (state, column) => {
      const next = state + (bytes[column - 1] ?? '');
      return column > 0 && state !== NOWHERE && beginnings.has(next) ? next : NOWHERE;
    },
    accepts: (state) => all.has(state),
  });
}

const listed = new WeakMap<Language, readonly string[] | undefined>();

/** Returns all texts of a language, if they are not too many to be looked at one by one; `undefined` otherwise. */
export function textsOf(language: Language): readonly string[] | undefined {
  if (!listed.has(language)) listed.set(language, findTexts(language));
  return listed.get(language);
}

const MOST_TEXTS = 20_000;

function findTexts(language: Language): readonly string[] | undefined {
  const { accepts, next, columns, columnOf } = language;
  const found: string[] = [];
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  let open: { readonly text: string; readonly state: number }[] = [{ text: '', state: 0 }];
  // A text that is as long as there are states passes one of them twice.
  for (let length = 0; open.length > 0; length++) {
    if (length >= accepts.length || open.length + found.length > MOST_TEXTS) return undefined;
    found.push(...open.filter(({ state }) => accepts[state] === 1).map(({ text }) => text));
    open = open.flatMap(({ text, state }) =>
      bytes
        .map((byte) => ({
          text: text + String.fromCharCode(byte),
          state: next[state * columns + (columnOf[byte] ?? 0)] ?? 0,
        }))
        .filter((each) => settled(language, each.state) !== false),
    );
  }
  return found;
}

/** The texts that a piece may be, if they are few. */
export function textsOfPiece({ language, except, only }: Piece): readonly string[] | undefined {
  if (only !== undefined) return [only];
  return textsOf(language)?.filter((text) => !except.has(text));
}

/** The piece that may be some of the texts of another one. */
export function pieceOfTexts(texts: readonly string[]): Piece {
  const [only = ''] = texts;
  return texts.length === 1 ? just(only) : { language: languageOfTexts(texts), except: new Set() };
}
