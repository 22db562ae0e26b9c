import { createHash } from 'node:crypto';
import type { RenderedFile } from '../targets/target.ts';

/** The version of postern and the spec that made a file: the same for every file of one run. */
export interface Origin {
  readonly version: string;
  readonly spec: string;
}

/** What the header of a file on disk says, and whether the rest of the file still agrees with it. */
export interface Header extends Origin {
  readonly digest: string;
  /** False where somebody edited the file after it was written. */
  readonly intact: boolean;
}

const MADE_BY = /^(?:#|\/\/|<!--) Made by postern (\S+) from the spec "([a-z0-9-]+)", sha256:([0-9a-f]{16})(?: -->)?$/;
const ORDER = 'DO NOT EDIT: change the spec and run "postern generate".';
/** The first lines of a file among which the header is looked for: somebody may have put a comment above it. */
const SEARCHED_LINES = 5;

/**
 * The digest of a file. It is short, because it finds edits and is no defence; CR LF counts as LF, as git may write it.
 */
export function digestOf(body: string): string {
  return createHash('sha256').update(body.replaceAll('\r\n', '\n')).digest('hex').slice(0, 16);
}

/**
 * The file's text under two comment lines that say where it comes from; unchanged where its language has no comments.
 */
export function withHeader(file: RenderedFile, origin: Origin): string {
  const { comment, text } = file;
  if (comment === undefined) return text;
  const end = comment === '<!--' ? ' -->' : '';
  const madeBy = `Made by postern ${origin.version} from the spec "${origin.spec}", sha256:${digestOf(text)}`;
  return `${comment} ${madeBy}${end}\n${comment} ${ORDER}${end}\n${text}`;
}

/**
 * The header of a file; `undefined` where it has none. CR LF counts as LF, because git may have translated line ends.
 */
export function readHeader(text: string): Header | undefined {
  const plain = text.replaceAll('\r\n', '\n');
  const top = plain.split('\n', SEARCHED_LINES);
  const line = top.findIndex((candidate) => MADE_BY.test(candidate));
  const [, version, spec, digest] = MADE_BY.exec(top[line] ?? '') ?? [];
  if (version === undefined || spec === undefined || digest === undefined) return undefined;
  const body = plain.slice(top.slice(0, line + 2).reduce((length, part) => length + part.length + 1, 0));
  const ordered = top[line + 1]?.includes(ORDER) ?? false;
  return { version, spec, digest, intact: line === 0 && ordered && digestOf(body) === digest };
}
