/** How many parts the path of a role has: `one` (a user), `some` (a project or group), `two` (and its service account). */
export type PathParts = 'one' | 'some' | 'two';

interface RolePath {
  readonly path: string;
  readonly dynamicPath?: boolean | undefined;
  readonly type: string;
}

/** Returns what is wrong with the path of a role. */
export function pathProblem({ path, dynamicPath = false, type }: RolePath, parts: PathParts): string | undefined {
  return dynamicPath ? expressionProblem(path) : namedPathProblem(path, { type, parts });
}

const PART = /^[A-Za-z0-9_.-]+$/;

/** Returns what is wrong with the path of one project, group or user. */
export function namedPathProblem(
  path: string,
  { type, parts }: { readonly type: string; readonly parts: PathParts },
): string | undefined {
  const found = path.split('/');
  const odd = found.find((part) => !PART.test(part) || /^[-_.]|[-_.]$|\.(?:git|atom)$/.test(part));
  if (odd !== undefined) return 'is no path of GitLab';
  if (parts === 'one' && found.length !== 1) return `of a ${type} token is the name of a user`;
  if (parts === 'two' && found.length !== 2) return `of a ${type} token is ID/NAME`;
  return undefined;
}

/** Whether a path is one of those of a valid expression. */
export function matchesExpression(expression: string, path: string): boolean {
  return new RegExp(expression).test(path);
}

/** Longest expression, in characters. Go refuses one that gets too large once its repetitions are written out. */
const LONGEST = 1000;
const MOST_REPEATED = 1000;

const MEMBER = String.raw`\\[dDwW./_-]|[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9_./]`;
const CLASS = String.raw`\[\^?-?(?:${MEMBER})+-?\]`;
/** What an expression is made of: no path of GitLab has other characters, and all of it means the same to Go. */
const PIECE = new RegExp(
  [
    String.raw`(?<atom>\\[dDwW./_-]|${CLASS}|[A-Za-z0-9_./-])`,
    String.raw`(?<open>\((?:\?:)?)`,
    String.raw`(?<close>\))`,
    String.raw`(?<or>\|)`,
    String.raw`(?<repeat>(?:[*+?]|\{(?<least>\d{1,4})(?:,(?<most>\d{0,4}))?\})\??)`,
  ].join('|'),
  'gy',
);

/**
 * Returns what is wrong with an expression for paths. The plugin searches for it anywhere in the path: without both
 * anchors, `grp/app` also matches `evil/grp/app-too`.
 */
function expressionProblem(text: string): string | undefined {
  if (!text.startsWith('^') || !text.endsWith('$') || /\\\$$/.test(text))
    return 'takes more than it says: write ^…$ around it';
  if (text.length > LONGEST) return `is longer than ${LONGEST} characters`;
  const inner = text.slice(1, -1);
  const pieces = [...inner.matchAll(PIECE)];
  const odd = inner.slice(pieces.map(([piece]) => piece).join('').length)[0];
  if (odd === '^' || odd === '$') return 'has an anchor inside';
  if (odd !== undefined)
    return `has a "${odd}" that does not belong there: take letters, digits, _ . - /, [a-z], \\d, \\w, (?:a|b), * + ? and {2}`;
  return structureProblem(pieces.map(({ groups = {} }) => groups));
}

type Piece = Readonly<Record<string, string | undefined>>;

/** What stands before a repetition; nothing that is counted may be counted again, since both are multiplied. */
type Before = 'nothing' | 'one' | 'counted';

function structureProblem(pieces: readonly Piece[]): string | undefined {
  const around: Before[] = [];
  let inside: Before = 'one';
  let before: Before = 'nothing';
  for (const { atom, open, close, or, repeat, least, most } of pieces) {
    if (atom !== undefined) {
      if (atom.startsWith('[') && hasBackwardRange(atom)) return 'has a range that goes backwards';
      before = 'one';
    } else if (open !== undefined) {
      around.push(inside);
      inside = 'one';
      before = 'nothing';
    } else if (close !== undefined) {
      const outside = around.pop();
      if (outside === undefined) return 'has a ) too many';
      before = inside;
      inside = outside === 'counted' ? outside : inside;
    } else if (or !== undefined) {
      if (around.length === 0) return 'takes more than it says: write the alternatives as ^(?:a|b)$';
      before = 'nothing';
    } else if (repeat !== undefined) {
      if (before === 'nothing') return `repeats nothing: "${repeat}"`;
      const isCounted = least !== undefined;
      if (isCounted && (before === 'counted' || isTooMuch(least, most)))
        return `repeats too much: up to ${MOST_REPEATED} times, and nothing inside of it a number of times`;
      if (isCounted || before === 'counted') inside = 'counted';
      before = 'nothing';
    }
  }
  return around.length > 0 ? 'has a ( that does not close' : undefined;
}

function isTooMuch(least: string, most = least): boolean {
  const end = most === '' ? least : most;
  return Number(end) > MOST_REPEATED || Number(end) < Number(least);
}

function hasBackwardRange(members: string): boolean {
  return [...members.matchAll(/([A-Za-z0-9])-([A-Za-z0-9])/g)].some(([, from = '', to = '']) => from > to);
}
