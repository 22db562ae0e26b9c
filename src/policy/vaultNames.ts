/** Kinds of value in a template of Go: a `number` that is written out is another kind than the `integer` of a field. */
type Kind = 'text' | 'list' | 'flag' | 'number' | 'integer';

interface Value {
  readonly kind: Kind;
  /** Whether it is another one for each token. */
  readonly isNew: boolean;
}

const old = (kind: Kind): Value => ({ kind, isNew: false });

/** What the plugin tells a template about the token. */
const FIELDS: Readonly<Record<string, Value>> = {
  access_level: old('text'),
  config_name: old('text'),
  dynamic_path: old('flag'),
  gitlab_revokes_token: old('flag'),
  path: old('text'),
  role_name: old('text'),
  scopes: old('text'),
  token_type: old('text'),
  ttl: old('integer'),
  unix_timestamp_utc: { kind: 'integer', isNew: true },
};

interface Call {
  readonly takes: readonly Kind[];
  readonly gives: Kind;
  /** Whether what it makes is new, by its arguments as they are written; otherwise it is where an argument is. */
  readonly isNew?: (words: readonly string[]) => boolean;
}

const FUNCTIONS: Readonly<Record<string, Call>> = {
  // Fewer bytes would soon come twice.
  randHexString: { takes: ['number'], gives: 'text', isNew: ([bytes = '']) => Number(bytes) >= 4 },
  stringsJoin: { takes: ['list', 'text'], gives: 'text' },
  stringsReplace: { takes: ['text', 'text', 'text', 'number'], gives: 'text' },
  stringsSplit: { takes: ['text', 'text'], gives: 'list' },
  timeNowFormat: { takes: ['text'], gives: 'text', isNew: ([layout = '']) => hasSeconds(layout) },
  trimSpace: { takes: ['text'], gives: 'text' },
  yesNoBool: { takes: ['flag'], gives: 'text' },
};

/** Whether a layout of Go, which is an example of a time, tells two seconds of any two days apart. */
function hasSeconds(layout: string): boolean {
  return ['06', '01', '02', '15', '04', '05'].every((part) => layout.includes(part));
}

/**
 * Returns what is wrong with the name of tokens, a template of Go. The plugin finds some of these mistakes only when it
 * issues a token. GitLab refuses two tokens of one name, so the name must differ for each token.
 */
export function nameProblem(name: string): string | undefined {
  const values: Value[] = [];
  for (const [hole, inside = ''] of name.matchAll(HOLE)) {
    const reader = { words: wordsOf(inside), at: 0 };
    const value = pipeline(reader);
    if ('problem' in value) return `has ${value.problem} in "${hole}"`;
    if (reader.at < reader.words.length) return `has a word too many in "${hole}"`;
    values.push(value);
  }
  if (/\{\{|\}\}/.test(name.replace(HOLE, ''))) return 'has braces that do not close';
  return values.some(({ isNew }) => isNew)
    ? undefined
    : 'is the same for every token, which GitLab refuses: add {{ .unix_timestamp_utc }} or {{ randHexString 8 }}';
}

/** A dash beside the braces takes away the blanks on that side, and needs one on its other side. */
const HOLE = /\{\{(?:-(?=\s))?(.*?)(?:(?<=\s)-)?\}\}/g;
/** Words have blanks between them; brackets and "|" need none. */
const WORD = /(?:"[^"\\]*"|-?(?:0|[1-9]\d{0,2})|\.?[A-Za-z]\w*)(?=[\s()|]|$)|[()|]|[^\s()|]+/g;

function wordsOf(inside: string): string[] {
  return inside.match(WORD) ?? [];
}

interface Reader {
  readonly words: readonly string[];
  at: number;
}

interface Problem {
  readonly problem: string;
}

/** Commands with "|" between them: each gives its value to the next as the last argument. */
function pipeline(reader: Reader): Value | Problem {
  let value = command(reader);
  while (!('problem' in value) && reader.words[reader.at] === '|') {
    reader.at += 1;
    value = command(reader, value);
  }
  return value;
}

function command(reader: Reader, piped?: Value): Value | Problem {
  const name = reader.words[reader.at] ?? '';
  const call = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (!call) {
    const value = operand(reader);
    return piped && !('problem' in value) ? { problem: `"${name}", which takes no value` } : value;
  }
  reader.at += 1;
  const words: string[] = [];
  const values: Value[] = [];
  for (let word = reader.words[reader.at]; word !== undefined && !/^[|)]$/.test(word); word = reader.words[reader.at]) {
    const value = operand(reader);
    if ('problem' in value) return value;
    words.push(word);
    values.push(value);
  }
  if (piped) values.push(piped);
  const kinds = values.map(({ kind }) => kind).join(', ');
  if (kinds !== call.takes.join(', ')) return { problem: `"${name}", which takes ${call.takes.join(', ')}` };
  return { kind: call.gives, isNew: call.isNew?.(words) ?? values.some(({ isNew }) => isNew) };
}

function operand(reader: Reader): Value | Problem {
  const word = reader.words[reader.at] ?? '';
  reader.at += 1;
  if (word === '(') {
    const value = pipeline(reader);
    if ('problem' in value) return value;
    if (reader.words[reader.at] !== ')') return { problem: 'a "(" that does not close' };
    reader.at += 1;
    return value;
  }
  const field = word.startsWith('.') && Object.hasOwn(FIELDS, word.slice(1)) ? FIELDS[word.slice(1)] : undefined;
  if (field) return field;
  if (/^"[^"]*"$/.test(word)) return old('text');
  if (/^-?\d+$/.test(word)) return old('number');
  if (word === 'true' || word === 'false') return old('flag');
  return {
    problem: word === '' || word === ')' ? 'a part that is missing' : `"${word}", which the plugin does not know`,
  };
}
