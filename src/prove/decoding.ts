import { built, type Language } from './language.ts';

const HEX = '0123456789abcdef';
const known = new WeakMap<Language, Language>();

/** Returns the texts that are in a language once their escapes, `%2F` for instance, are decoded. All have two digits. */
export function decoding(language: Language): Language {
  const found = known.get(language) ?? build(language);
  known.set(language, found);
  return found;
}

/** Whether an escape has begun, and the first digit of it. */
type Inside = '' | '%' | number;

function build({ columnOf, columns: own, next, accepts }: Language): Language {
  const digitOf = (byte: number) => HEX.indexOf(String.fromCharCode(byte).toLowerCase());
  const names = Array.from(columnOf, (column, byte) => (byte === PERCENT ? '%' : `${column} ${digitOf(byte)}`));
  const kinds = [...new Set(names)];
  const bytes = kinds.map((name) => names.indexOf(name));
  const after = (state: number, byte: number) => next[state * own + (columnOf[byte] ?? 0)] ?? 0;
  return built({
    columnOf: Uint8Array.from(names, (name) => kinds.indexOf(name)),
    columns: kinds.length,
    start: stateOf(0, ''),
    step: (name, column) => {
      if (name === NOWHERE) return NOWHERE;
      const [state, inside] = JSON.parse(name) as [number, Inside];
      const byte = bytes[column] ?? 0;
      if (inside === '') return byte === PERCENT ? stateOf(state, '%') : stateOf(after(state, byte), '');
      const digit = digitOf(byte);
      if (digit < 0) return NOWHERE;
      return inside === '%' ? stateOf(state, digit) : stateOf(after(state, inside * 16 + digit), '');
    },
    accepts: (name) => {
      if (name === NOWHERE) return false;
      const [state, inside] = JSON.parse(name) as [number, Inside];
      return inside === '' && accepts[state] === 1;
    },
  });
}

const PERCENT = 0x25;
const NOWHERE = 'nowhere';

function stateOf(state: number, inside: Inside): string {
  return JSON.stringify([state, inside]);
}
