import type { ImportFile, ImportProblem, NotCarried } from '../../import/draft.ts';
import { grouped } from '../../policy/grouped.ts';
import { type NginxDirective, parseNginx } from './liveConfig.ts';

/** A directive at the place where it takes effect, with the file that it is written in. */
export interface Written extends Omit<NginxDirective, 'block'> {
  readonly file: string;
  readonly block?: readonly Written[];
}

const indexes = new WeakMap<Written, Map<string, readonly Written[]>>();

/**
 * Returns the directives of some names in a block, in their order. Answers are kept, because a server may have thousands
 * of directives and every location asks the same.
 */
export function directivesIn(block: Written, ...names: readonly string[]): readonly Written[] {
  const known =
    indexes.get(block) ?? new Map<string, readonly Written[]>(grouped(block.block ?? [], (one) => one.name));
  indexes.set(block, known);
  const [name = '', other] = names;
  if (other === undefined) return known.get(name) ?? [];
  const key = names.join(' ');
  const found = known.get(key) ?? (block.block ?? []).filter((one) => names.includes(one.name));
  known.set(key, found);
  return found;
}

export interface Tree {
  readonly directives: readonly Written[];
  readonly notCarriedOver: readonly NotCarried[];
}

/** Deepest nesting of includes, so that files that include each other have an end. */
const MOST_DEPTH = 12;
/** Most directives of a tree: files that include others many times could have millions. */
const MOST_DIRECTIVES = 200_000;

/** Where the files of a folder were copied from, as far as it is known. */
const COPIED = /^\/(?:etc|usr\/local)\/nginx\//;

const DUMPED = /^# configuration file (.+):$/gm;

/** Returns the files in the output of `nginx -T`; any other file as it is. */
function filesOf(file: ImportFile): readonly ImportFile[] {
  const marks = [...file.text.matchAll(DUMPED)];
  if (marks.length === 0) return [file];
  return marks.map((mark, index) => ({
    name: mark[1] ?? file.name,
    text: file.text.slice(mark.index + mark[0].length + 1, marks[index + 1]?.index),
  }));
}

/** Returns the directives of the main file, with all includes replaced by what they include. */
export function nginxTree(given: readonly ImportFile[]): Tree | ImportProblem {
  const files = given.flatMap(filesOf);
  // The output of `nginx -T` has all files, and a folder those below it: a pattern that none of them has means none.
  const isDumped = given.some(({ text }) => text.search(DUMPED) >= 0);
  const parsed = new Map<string, readonly NginxDirective[]>();
  const broken = new Map<string, ImportProblem>();
  for (const { name, text } of files) {
    const found = parseNginx(text);
    // A folder may hold other files: only what nginx would read has to be configuration.
    if ('problem' in found) broken.set(name, problemOf(name, found.problem));
    else parsed.set(name, found);
  }
  const main = mainFile(files, parsed);
  const [first] = broken.values();
  if (main === undefined)
    return first ?? { file: given[0]?.name ?? '', line: 1, problem: 'no file of it holds a server' };
  const unread = broken.get(main);
  if (unread) return unread;
  const notCarriedOver: NotCarried[] = [];
  const problems: ImportProblem[] = [];
  const names = files.map(({ name }) => name);
  let count = 0;
  const place = (
    list: readonly NginxDirective[],
    file: string,
    parents: readonly string[],
    context: string,
  ): Written[] =>
    list.flatMap((one): Written[] => {
      count += 1;
      if (count > MOST_DIRECTIVES) return [];
      if (one.name !== 'include' || one.block) {
        const block = one.block && place(one.block, file, parents, one.name);
        return [{ ...one, args: argumentsOf(one), file, ...(block && { block }) } as Written];
      }
      const [pattern = ''] = one.args;
      const found = included(pattern, main, names).filter((name) => name !== file);
      const bad = found.map((name) => broken.get(name)).find((one) => one !== undefined);
      if (bad) problems.push(bad);
      if (/mime\.types$/.test(pattern)) return [];
      if (found.length > 0 && parents.length < MOST_DEPTH)
        return found.flatMap((name) => place(parsed.get(name) ?? [], name, [...parents, file], context));
      const isGlob = /[*?[]/.test(pattern);
      if (found.length === 0 && isGlob && (isDumped || (given.length > 1 && isBelowMain(pattern)))) return [];
      const reason =
        found.length === 0
          ? 'the file is not here, so nothing is known of what it says'
          : 'its includes are too deep, so nothing is known of what they say';
      notCarriedOver.push({ file, line: one.line, what: `include ${pattern}`, reason });
      // Files beside the servers, as in conf.d, are mostly other servers.
      if (found.length === 0 && isGlob && (context === '' || context === 'http')) return [];
      // A file that is not read may refuse requests, so its include stays and makes its block unreadable.
      return [{ name: 'include', args: [pattern], line: one.line, file }];
    });
  const directives = place(parsed.get(main) ?? [], main, [], '');
  if (problems[0]) return problems[0];
  if (count > MOST_DIRECTIVES)
    return { file: main, line: 1, problem: `it has more than ${MOST_DIRECTIVES} directives` };
  return { directives, notCarriedOver };
}

/** Returns the arguments of a directive; the sign of a location may stand at its path, as in `location =/x`. */
function argumentsOf({ name, args }: NginxDirective): readonly string[] {
  const [first = '', second] = args;
  const [, sign, text] = name === 'location' && second === undefined ? (/^(=|\^~|~\*?)(.+)$/s.exec(first) ?? []) : [];
  return sign === undefined || text === undefined ? args : [sign, text];
}

const isBelowMain = (pattern: string) => !pattern.startsWith('/') || COPIED.test(pattern);

function problemOf(file: string, problem: string): ImportProblem {
  const [, line = '1', rest = problem] = /^line (\d+) (.*)$/.exec(problem) ?? [];
  return { file, line: Number(line), problem: `this line ${rest}` };
}

/** Returns the main file: the `nginx.conf` nearest to the top, else the first file with a server or an `http` block. */
function mainFile(
  files: readonly ImportFile[],
  parsed: ReadonlyMap<string, readonly NginxDirective[]>,
): string | undefined {
  const named = files
    .map(({ name }) => name)
    .filter((name) => /(?:^|\/)nginx\.conf$/.test(name))
    .sort((a, b) => a.split('/').length - b.split('/').length);
  const leads = (name: string) => {
    const tops = parsed.get(name) ?? [];
    return tops.some((one) => one.name === 'http' || one.name === 'server');
  };
  return named[0] ?? files.map(({ name }) => name).find(leads);
}

/**
 * Returns the files that an `include` means. A relative pattern begins at the folder of the main file, and an absolute
 * one may name the folder that the files were copied from, such as /etc/nginx.
 */
function included(pattern: string, main: string, names: readonly string[]): string[] {
  const folder = main.includes('/') ? main.slice(0, main.lastIndexOf('/') + 1) : '';
  const tails = pattern.startsWith('/') ? [pattern, pattern.replace(COPIED, folder)] : [`${folder}${pattern}`];
  const regexes = tails.map((tail) => new RegExp(`^${globSource(tail)}$`));
  return names.filter((name) => regexes.some((regex) => regex.test(name))).sort();
}

function globSource(pattern: string): string {
  return pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]')
    .replace(/\[!/g, '[^');
}
