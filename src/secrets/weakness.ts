const ENOUGH_BITS = 128;
/** Kinds of characters, with the size of each kind. */
const KINDS: readonly (readonly [RegExp, number])[] = [
  [/[a-f]/, 6],
  [/[g-z]/, 20],
  [/[A-F]/, 6],
  [/[G-Z]/, 20],
  [/[0-9]/, 10],
  [/[._~+/=-]/, 2],
];

/**
 * Returns why a key may be guessed; `undefined` if nothing indicates it. A text does not show how it was made, so this
 * finds only what is too short for 128 bits even if it is random, and what is plainly not random.
 */
export function weakness(key: string): string | undefined {
  const alphabet = KINDS.reduce((sum, [kind, size]) => sum + (kind.test(key) ? size : 0), 0);
  if (key.length * Math.log2(alphabet) < ENOUGH_BITS) return `it has less than ${ENOUGH_BITS} bits`;
  if (new Set(key).size < 8) return 'it is made of few different characters';
  if (isRepetition(key)) return 'it repeats itself';
  return isCount(key) ? 'its characters follow each other, as in an alphabet' : undefined;
}

/** A key is plainly not random if so many of its characters are what those before them make one expect. */
const EXPECTED = 3 / 4;

/** Whether most characters are those that stand some places before them, up to half of the key. */
function isRepetition(key: string): boolean {
  return until(Math.ceil(key.length / 2)).some((back) =>
    isExpected(key, back, (code, at) => code(at) === code(at - back)),
  );
}

/** Characters in the order of a keyboard, which people type as they do an alphabet. */
const ROWS = 'qwertyuiopasdfghjklzxcvbnm';
const MOST_STRANDS = 4;

/** Whether most characters are as far from one before them as that is from the next one: `abcd`, `a1b2c3`, `zyx`. */
function isCount(key: string): boolean {
  const typed = [...key.toLowerCase()].map((letter) => String.fromCodePoint(ROWS.indexOf(letter) + 256)).join('');
  return [key.toLowerCase(), typed].some((text) =>
    until(MOST_STRANDS).some((back) =>
      isExpected(text, 2 * back, (code, at) => code(at) - code(at - back) === code(at - back) - code(at - 2 * back)),
    ),
  );
}

type Expects = (code: (at: number) => number, at: number) => boolean;

function isExpected(key: string, from: number, expects: Expects): boolean {
  const places = until(key.length - from).map((place) => from + place - 1);
  const hits = places.filter((place) => expects((at) => key.charCodeAt(at), place));
  return places.length > 0 && hits.length >= places.length * EXPECTED;
}

function until(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
