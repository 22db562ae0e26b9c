import { type Diagnostic, ok } from '../diagnostics/diagnostic.ts';
import type { OutputFile } from '../output/files.ts';
import { driftCodes } from './codes.ts';
import { fingerprintFor } from './fingerprint.ts';
import { type CompareLive, type Expected, type LiveText, optionsPath, unreadable } from './live.ts';
import { compareDirectives, type Difference } from './nginxCompare.ts';
import { type NginxDirective, parseNginx } from './nginxConfig.ts';
import { nginxOrigins } from './nginxOrigin.ts';
import { directiveWords, ownWords, vocabularyOf } from './nginxWords.ts';

const HINT = 'give what "nginx -T" prints on the machine, whole';

/** The output of `nginx -T`: every file that nginx read, each under a line with its name. */
export const compareNginx: CompareLive = (live, expected) => {
  const sections = sectionsOf(live.text);
  if ('problem' in sections) return unreadable(expected, `${live.name}: ${sections.problem}`, HINT);
  const own = expected.files.filter(({ path }) => path.endsWith('.conf'));
  const parsed = new Map<string, readonly NginxDirective[]>();
  for (const [path, text] of sections.files) {
    const directives = parseNginx(text);
    if ('problem' in directives) return unreadable(expected, `${live.name}: ${path}: ${directives.problem}`, HINT);
    parsed.set(path, directives);
  }
  const matches = matchFiles(own, [...parsed.keys()]);
  const tell = teller(own, live.text, expected);
  const drift = own.flatMap((file): Diagnostic[] => {
    const path = matches.get(file);
    const wanted = parseNginx(file.text);
    if ('problem' in wanted) throw new Error(`${file.path}: ${wanted.problem}`);
    const where = path ?? live.name;
    if (path === undefined)
      return [driftCodes.report('missing', optionsPath(expected), { what: `the file ${file.path}`, where })];
    return compareDirectives(wanted, parsed.get(path) ?? []).map((difference) => tell(difference, path));
  });
  const ours = new Set(matches.values());
  const foreign = [...parsed.keys()]
    .filter((path) => !ours.has(path) && !isSecret(path))
    .map((path) => driftCodes.report('foreign', optionsPath(expected), { what: `the file ${path}`, where: live.name }));
  return ok({ drift: [...drift, ...strangers(parsed, live, expected)], foreign });
};

/** Keys of callers that the spec does not know; the keys themselves are never looked at. */
function strangers(parsed: Files, live: LiveText, expected: Expected): Diagnostic[] {
  const known = new Set(expected.policy.apiKeys.map((key) => key.id));
  const entries = [...parsed].flatMap(([path, directives]) => (isSecret(path) ? directives : []));
  const ids = entries.flatMap(({ name, args }) => (name.startsWith('id:') ? (args[0] ?? []) : []));
  return [...new Set(ids)]
    .filter((id) => !known.has(id))
    .map((id) => driftCodes.report('added', ['apiKeys'], { what: `a key for "${id}"`, where: live.name }));
}

type Files = ReadonlyMap<string, readonly NginxDirective[]>;

interface Sections {
  readonly files: ReadonlyMap<string, string>;
}

function sectionsOf(text: string): Sections | { readonly problem: string } {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const failure = /^nginx: \[(?:emerg|alert)\] (.*)$/m.exec(text)?.[1];
  const parts = text.split(/^# configuration file (.+):$/m);
  if (parts.length < 3) {
    return {
      problem:
        failure === undefined
          ? 'it is not what nginx -T prints: no line "# configuration file …:"'
          : `nginx said: ${failure}`,
    };
  }
  const files = new Map<string, string>();
  for (let index = 1; index < parts.length; index += 2) files.set(parts[index] ?? '', parts[index + 1] ?? '');
  return { files };
}

/** Keys and tokens are in files of their own, which are never compared and never shown. */
function isSecret(path: string): boolean {
  return path.includes('/secrets/');
}

/** Ours by their names, in the folder where most of them are: other files may be called nginx.conf too. */
function matchFiles(own: readonly OutputFile[], paths: readonly string[]): Map<OutputFile, string> {
  const nameOf = (path: string) => path.replace(/^.*\//, '');
  const folderOf = (path: string) => path.slice(0, -nameOf(path).length);
  const candidates = paths.filter((path) => !isSecret(path) && own.some((file) => nameOf(file.path) === nameOf(path)));
  const counts = new Map<string, number>();
  for (const path of candidates) counts.set(folderOf(path), (counts.get(folderOf(path)) ?? 0) + 1);
  const best = candidates.toSorted((a, b) => (counts.get(folderOf(b)) ?? 0) - (counts.get(folderOf(a)) ?? 0));
  return new Map(
    own.flatMap((file) => {
      const path = best.find((one) => nameOf(one) === nameOf(file.path));
      return path === undefined ? [] : [[file, path] as const];
    }),
  );
}

/** Puts differences into words, with whatever could be a secret hidden by its position. */
function teller(own: readonly OutputFile[], live: string, expected: Expected) {
  const hide = fingerprintFor(live);
  const originOf = nginxOrigins(expected);
  const known = vocabularyOf([...own.map(({ text }) => text), ...expected.policy.apiKeys.map(({ id }) => id)]);
  return (difference: Difference, file: string): Diagnostic => {
    const { kind, wanted, found, inside } = difference;
    const ours = wanted ? ownWords(wanted) : '';
    const theirs = found ? directiveWords(found, { known, hide, inside: inside.at(-1) }) : '';
    const { at, related, path } = originOf(difference, file);
    const block = inside.map((one) => [one.name, ...one.args].join(' ')).join(' / ');
    const place = block === '' ? file : `${file} (${block})`;
    const where = path === undefined ? place : `${place}, for paths such as ${path},`;
    const more = related.length > 0 ? { related } : {};
    if (kind === 'changed') return driftCodes.report('changed', at, { where, expected: ours, live: theirs }, more);
    return driftCodes.report(kind, at, { what: kind === 'added' ? theirs : ours, where }, more);
  };
}
