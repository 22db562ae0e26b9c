import { createHash } from 'node:crypto';
import type { RenderedFile } from '../targets/target.ts';

/** The version of postern and the name of the spec: the same for all files of one run. */
export interface Origin {
  readonly version: string;
  readonly spec: string;
}

/** The header of a file on disk, and whether the rest of the file still agrees with it. */
export interface Header extends Origin {
  readonly digest: string;
  /** False if the file was edited after it was written. */
  readonly intact: boolean;
}

const MADE_BY = /^(?:#|\/\/|<!--) Made by postern (\S+) from the spec "([a-z0-9-]+)", sha256:([0-9a-f]{16})(?: -->)?$/;
const ORDER = 'DO NOT EDIT: change the spec and run "postern generate".';
/** Number of lines in which the header is looked for: a comment may have been put above it. */
const SEARCHED_LINES = 5;

/**
 * Returns the digest of a file. It is short, because it is meant to find edits and not to resist attacks. CR LF counts
 * as LF, as git may have translated line ends.
 */
export function digestOf(body: string): string {
  return createHash('sha256').update(body.replaceAll('\r\n', '\n')).digest('hex').slice(0, 16);
}

/** Returns the text under two comment lines that say where it comes from; unchanged for a language without comments. */
export function withHeader(file: RenderedFile, origin: Origin): string {
  const { comment, text } = file;
  if (comment === undefined) return text;
  const end = comment === '<!--' ? ' -->' : '';
  const madeBy = `Made by postern ${origin.version} from the spec "${origin.spec}", sha256:${digestOf(text)}`;
  return `${comment} ${madeBy}${end}\n${comment} ${ORDER}${end}\n${text}`;
}

/**
 * Returns the header of a file; `undefined` if it has none. CR LF counts as LF, because git may have translated line
 * ends, and a byte order mark, which some editors put first, is none of the text.
 */
export function readHeader(text: string): Header | undefined {
  const plain = text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  const top = plain.split('\n', SEARCHED_LINES);
  const line = top.findIndex((candidate) => MADE_BY.test(candidate));
  const [, version, spec, digest] = MADE_BY.exec(top[line] ?? '') ?? [];
  if (version === undefined || spec === undefined || digest === undefined) return undefined;
  const body = plain.slice(top.slice(0, line + 2).reduce((length, part) => length + part.length + 1, 0));
  const ordered = top[line + 1]?.includes(ORDER) ?? false;
  return { version, spec, digest, intact: line === 0 && ordered && digestOf(body) === digest };
}
