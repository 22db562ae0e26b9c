import { spawnSync } from 'node:child_process';
import { basename, posix } from 'node:path';
import type { Project } from '../compose/project.ts';
import { type Diagnostic, failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { placed } from '../output/disk.ts';
import { decodeSource } from '../source/decode.ts';
import { diffCodes } from './codes.ts';
import { LEADS, LINK_LEADS, leadsOut } from './project.ts';
import type { OpenSpec } from './spec.ts';

const MOST = 2 ** 28;

/** Opens a spec as it was at a revision of its repository, with the files that it names. */
export function specAtRevision(spec: Pick<OpenSpec, 'name' | 'folder'>, revision: string): Result<OpenSpec> {
  const { value: place, diagnostics: problems } = placeAt(spec, revision);
  if (!place) return failed(problems);
  const { prefix, commit: id } = place;
  const path = `${prefix}${basename(spec.name)}`;
  const bytes = show(spec.folder, find(spec.folder, id, path));
  if (bytes === undefined)
    return failed([
      noRevision(
        revision,
        `it has no file ${path}`,
        'where the spec is new there is nothing to compare yet; where it stood elsewhere, give the old one as a file',
      ),
    ]);
  const { value, diagnostics } = decodeSource(`${revision}:${path}`, bytes);
  if (!value) return failed(diagnostics);
  const read = (file: string) =>
    file.startsWith('/')
      ? undefined
      : show(spec.folder, find(spec.folder, id, posix.join(posix.dirname(path), file)))?.toString('utf8');
  const project = projectAtRevision({ folder: spec.folder, revision, commit: id, path });
  return ok({ ...value, folder: spec.folder, read, project }, diagnostics);
}

interface PlaceAt {
  /** Folder of the spec below the top of the repository: `envs/prod/`, or nothing. */
  readonly prefix: string;
  readonly commit: string;
}

/** Finds a revision in the repository that a spec lies in. */
function placeAt(spec: Pick<OpenSpec, 'name' | 'folder'>, revision: string): Result<PlaceAt> {
  const fail = (problem: string, hint: string): Result<never> => failed([noRevision(revision, problem, hint)]);
  if (spec.name === '<stdin>')
    return fail('a spec from standard input has no place in git', 'name the file of the spec');
  const top = git(spec.folder, ['rev-parse', '--show-prefix']);
  if (top.bytes === undefined) return fail(...noRepository(top));
  const commit = commitOf(spec.folder, revision);
  if (commit === undefined) return fail(...noCommit(spec.folder, revision));
  return ok({ prefix: lineOf(top.bytes), commit: lineOf(commit) });
}

/** What is different on disk from a revision. Paths are from the top of the repository. */
export interface RevisionChanges {
  readonly top: string;
  /** Files that were changed, added or removed since, committed or not. */
  readonly changed: ReadonlySet<string>;
  /** Files that git knows. */
  readonly tracked: ReadonlySet<string>;
}

/** Returns what has changed in the repository of a spec. `known` has what was found before, by the top. */
export function changesSince(
  spec: Pick<OpenSpec, 'name' | 'folder'>,
  revision: string,
  known: Map<string, RevisionChanges>,
): Result<RevisionChanges> {
  const { folder } = spec;
  const found = git(folder, ['rev-parse', '--show-toplevel']).bytes;
  const before = found && known.get(lineOf(found));
  if (before) return ok(before);
  const { value: place, diagnostics } = placeAt(spec, revision);
  if (!place || !found) return failed(diagnostics);
  const top = lineOf(found);
  const differing = ['diff', '--name-only', '--no-renames', '--no-ext-diff', '--no-relative', '-z', place.commit, '--'];
  const lists = [differing, ['ls-files', '--others', '--exclude-standard', '-z'], ['ls-files', '-z']];
  const [changed, others, tracked] = lists.map((args) => git(top, args).bytes?.toString('utf8').split('\0'));
  if (!changed || !others || !tracked)
    return failed([noRevision(revision, 'git does not list what has changed', 'run "git status" to see why')]);
  const changes = { top, changed: new Set([...changed, ...others]), tracked: new Set(tracked) };
  known.set(top, changes);
  return ok(changes);
}

function lineOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\n$/, '');
}

interface Revision {
  readonly folder: string;
  /** The revision as the user named it. */
  readonly revision: string;
  readonly commit: string;
  /** Path of the spec from the top of the repository. */
  readonly path: string;
}

/** Returns access to the files of a commit; none is read from disk. */
function projectAtRevision({ folder, revision, commit, path: entry }: Revision): Project {
  const wayOut = (path: string, { id }: GitObject) =>
    leadsOut(path) ? LEADS : id === 'symlink' ? LINK_LEADS : undefined;
  return {
    entry: () => entry,
    wayOut: (path) => wayOut(path, find(folder, commit, path)),
    open: (path) => {
      const found = find(folder, commit, path);
      const outside = wayOut(path, found);
      if (outside !== undefined) return { outside };
      if (found.type === 'tree') return { problem: 'it is a folder' };
      const bytes = show(folder, found);
      if (!bytes) return { problem: `${revision} has no such file` };
      const { value, diagnostics } = decodeSource(`${revision}:${path}`, bytes);
      return value ? { path, file: value } : { diagnostics };
    },
  };
}

const SHALLOW =
  'fetch it first: a CI job clones only the newest commit unless told otherwise (GIT_DEPTH: 0, fetch-depth: 0)';

type ProblemAndHint = readonly [problem: string, hint: string];

function noRepository({ missing, said }: Ran): ProblemAndHint {
  if (missing) return ['git is not installed', 'install git, or give the old spec as a file'];
  // Happens in a job whose container runs as another user than the one that cloned.
  if (said.includes('dubious ownership'))
    return [
      'git does not trust this repository, because it belongs to another user',
      'run: git config --global --add safe.directory "$PWD" (at the top of the repository)',
    ];
  return ['this is no git repository', 'run it in a clone, or give the old spec as a file'];
}

function noCommit(folder: string, revision: string): ProblemAndHint {
  if (revision === '') return ['it names no revision', 'write git:REV, for example git:origin/main'];
  if (revision.includes(':'))
    return ['there is no such revision', 'name the revision alone: the path is that of the spec'];
  if (commitOf(folder, 'HEAD') === undefined && git(folder, ['rev-list', '--all', '--max-count=1']).bytes?.length === 0)
    return ['the repository has no commit yet', 'commit the spec first, or give the old one as a file'];
  return ['there is no such revision', SHALLOW];
}

function commitOf(folder: string, revision: string): Buffer | undefined {
  return git(folder, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]).bytes;
}

function noRevision(revision: string, problem: string, hint: string): Diagnostic {
  const base = `git:${revision}`;
  return diffCodes.report('no-base', [], { base, problem, hint }, placed(base));
}

interface GitObject {
  /** "symlink" for a link that leads out of the repository. */
  readonly id: string;
  /** "blob" for a file, "tree" for a folder. */
  readonly type: string;
}

/** Finds a file of a commit by its path from the top of the repository. Links are followed, as on disk. */
function find(folder: string, commit: string, path: string): GitObject {
  const found = git(folder, ['cat-file', '--batch-check', '--follow-symlinks'], `${commit}:${path}\n`);
  const [id = '', type = ''] = found.bytes?.toString('utf8').split(/[ \n]/) ?? [];
  return { id, type };
}

function show(folder: string, { id, type }: GitObject): Buffer | undefined {
  return type === 'blob' ? git(folder, ['cat-file', 'blob', id]).bytes : undefined;
}

interface Ran {
  /** Standard output; absent if git failed. */
  readonly bytes?: Buffer;
  readonly missing: boolean;
  readonly said: string;
}

function git(cwd: string, args: readonly string[], input?: string): Ran {
  const { status, stdout, stderr, error } = spawnSync('git', [...args], {
    cwd,
    maxBuffer: MOST,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(input !== undefined && { input }),
    // Messages are searched for words, so they have to be English.
    env: { ...process.env, LC_ALL: 'C' },
  });
  const missing = error !== undefined && 'code' in error && error.code === 'ENOENT';
  const said = stderr?.toString('utf8') ?? '';
  return status === 0 ? { bytes: stdout, missing, said } : { missing, said };
}
