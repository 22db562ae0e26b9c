/** What a policy of Vault says of one path. */
export interface Statement {
  readonly path: string;
  readonly capabilities: readonly string[];
  /** Names of what it says beside capabilities. */
  readonly others: readonly string[];
}

/**
 * Reads a policy as it is written in HCL, or returns `undefined` for what nobody writes by hand into ours: JSON, texts
 * of several lines, escapes. A statement is returned as often as it is there, since Vault joins those of one path.
 */
export function statementsOf(text: string): readonly Statement[] | undefined {
  const words = wordsOf(text);
  if (!words) return undefined;
  const reader: Reader = { words, at: 0 };
  const statements: Statement[] = [];
  while (reader.at < words.length) {
    const statement = statementAt(reader);
    if (!statement) return undefined;
    statements.push(statement);
  }
  return statements;
}

const WORD = /"(?<text>[^"\\\n]*)"|(?<name>[A-Za-z_][\w.-]*|-?\d[\w.]*)|(?<mark>[{}[\]=,])/y;
const BETWEEN = /(?:\s|#.*|\/\/.*|\/\*[\s\S]*?\*\/)*/y;

interface Word {
  readonly kind: 'text' | 'name' | 'mark';
  readonly text: string;
}

interface Reader {
  readonly words: readonly Word[];
  at: number;
}

function wordsOf(text: string): Word[] | undefined {
  const words: Word[] = [];
  for (let at = endOf(BETWEEN, text, 0) ?? 0; at < text.length; at = endOf(BETWEEN, text, at) ?? at) {
    WORD.lastIndex = at;
    const groups = WORD.exec(text)?.groups;
    if (!groups) return undefined;
    at = WORD.lastIndex;
    const kind = groups['text'] !== undefined ? 'text' : groups['name'] !== undefined ? 'name' : 'mark';
    words.push({ kind, text: groups[kind] ?? '' });
  }
  return words;
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function statementAt(reader: Reader): Statement | undefined {
  const path = reader.words[reader.at + 1];
  if (reader.words[reader.at]?.text !== 'path' || path?.kind !== 'text') return undefined;
  reader.at += 2;
  if (!takes(reader, '{')) return undefined;
  const capabilities: string[] = [];
  const others: string[] = [];
  while (!takes(reader, '}')) {
    const name = reader.words[reader.at];
    reader.at += 1;
    if (!name || name.kind === 'mark' || !takes(reader, '=')) return undefined;
    const value = valueAt(reader);
    if (!value) return undefined;
    if (name.text === 'capabilities') capabilities.push(...value);
    else others.push(name.text);
    takes(reader, ',');
  }
  takes(reader, ',');
  return { path: path.text, capabilities, others };
}

function takes(reader: Reader, mark: string): boolean {
  const word = reader.words[reader.at];
  const found = word?.kind === 'mark' && word.text === mark;
  if (found) reader.at += 1;
  return found;
}

/** Returns the words of a value, which is one of them, or all up to the bracket that closes it. */
function valueAt(reader: Reader): string[] | undefined {
  const found: string[] = [];
  let depth = 0;
  do {
    const word = reader.words[reader.at];
    if (!word) return undefined;
    reader.at += 1;
    if (word.kind !== 'mark') found.push(word.text);
    else if (/[{[]/.test(word.text)) depth += 1;
    else if (/[}\]]/.test(word.text)) depth -= 1;
  } while (depth > 0);
  return depth === 0 ? found : undefined;
}
