/** A word of a Corefile, and where it stands. */
export interface Word {
  readonly text: string;
  /** Line of its first character, from 0. */
  readonly line: number;
  /** Offsets in UTF-16 units, end exclusive; with the quotes. */
  readonly start: number;
  readonly end: number;
}

/** unicode.IsSpace of Go, which is not `\s` of JavaScript. */
const space = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/**
 * Returns the words of a Corefile exactly as CoreDNS's lexer reads them: a quote counts only as the first character of
 * a word, carriage returns vanish even inside of a word, and a "#" that touches a word comments out only the rest of
 * that word. Braces are words like any others.
 */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  const lex = { at: text.startsWith('\ufeff') ? 1 : 0, line: 0 };
  for (let word = nextWord(text, lex); word !== undefined; word = nextWord(text, lex)) words.push(word);
  return words;
}

interface State {
  at: number;
  line: number;
}

function nextWord(text: string, lex: State): Word | undefined {
  let word = '';
  let start = lex.at;
  let line = lex.line;
  let comment = false;
  while (lex.at < text.length) {
    const character = text.charAt(lex.at);
    if (space.test(character)) {
      const end = lex.at;
      lex.at += 1;
      if (character === '\r') continue;
      if (character === '\n') {
        lex.line += 1;
        comment = false;
      }
      if (word !== '') return { text: word, line, start, end };
      continue;
    }
    if (character === '#') comment = true;
    if (!comment && word === '') {
      start = lex.at;
      line = lex.line;
      if (character === '"') return quotedWord(text, lex);
    }
    if (!comment) word += character;
    lex.at += 1;
  }
  return word === '' ? undefined : { text: word, line, start, end: lex.at };
}

/** The only escape is `\"`. Without a closing quote, the rest of the file is one word. */
function quotedWord(text: string, lex: State): Word | undefined {
  const { at: start, line } = lex;
  let word = '';
  for (lex.at += 1; lex.at < text.length; lex.at += 1) {
    const character = text.charAt(lex.at);
    if (character === '"') {
      lex.at += 1;
      return { text: word, line, start, end: lex.at };
    }
    if (character === '\n') lex.line += 1;
    if (character !== '\\') {
      word += character;
      continue;
    }
    const next = text.charAt(lex.at + 1);
    // A backslash at the end is lost.
    if (next !== '') word += next === '"' ? next : `\\${next}`;
    if (next === '\n') lex.line += 1;
    lex.at += 1;
  }
  return word === '' ? undefined : { text: word, line, start, end: lex.at };
}
