import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { type Diagnostic, failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { placed } from '../output/disk.ts';
import { decodeSource } from '../source/decode.ts';
import { diffCodes } from './diffCodes.ts';
import type { OpenSpec } from './spec.ts';

const MOST = 2 ** 28;

/** A spec, and the files that it names, as they were at a revision of the repository around it. */
export function specAtRevision(spec: Pick<OpenSpec, 'name' | 'folder'>, revision: string): Result<OpenSpec> {
  const fail = (problem: string, hint: string): Result<never> => failed([noRevision(revision, problem, hint)]);
  if (spec.name === '<stdin>')
    return fail('a spec from standard input has no place in git', 'name the file of the spec');
  const top = git(spec.folder, ['rev-parse', '--show-prefix']);
  if (top.missing) return fail('git is not installed', 'install git, or give the old spec as a file');
  if (top.bytes === undefined)
    return fail('this is no git repository', 'run it in a clone, or give the old spec as a file');
  const commit = git(spec.folder, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]).bytes;
  if (commit === undefined) return fail('there is no such revision', SHALLOW);
  const id = commit.toString('utf8').trim();
  const path = `${top.bytes.toString('utf8').trim()}${basename(spec.name)}`;
  const bytes = show(spec.folder, id, basename(spec.name));
  if (bytes === undefined)
    return fail(`it has no file ${path}`, 'was the spec elsewhere then? Give the old one as a file');
  const { value, diagnostics } = decodeSource(`${revision}:${path}`, bytes);
  if (!value) return failed(diagnostics);
  const read = (file: string) => show(spec.folder, id, file)?.toString('utf8');
  return ok({ ...value, folder: spec.folder, read }, diagnostics);
}

const SHALLOW =
  'fetch it first: a CI job clones only the newest commit unless told otherwise (GIT_DEPTH: 0, fetch-depth: 0)';

function noRevision(revision: string, problem: string, hint: string): Diagnostic {
  const base = `git:${revision}`;
  return diffCodes.report('no-base', [], { base, problem, hint }, placed(base));
}

/** A file of a commit, by its path from the spec's folder. */
function show(folder: string, commit: string, path: string): Buffer | undefined {
  if (path.startsWith('/')) return undefined;
  // Without "./" git would start from the top of the repository.
  return git(folder, ['cat-file', 'blob', `${commit}:./${path}`]).bytes;
}

function git(cwd: string, args: readonly string[]): { readonly bytes?: Buffer; readonly missing: boolean } {
  const { status, stdout, error } = spawnSync('git', [...args], {
    cwd,
    maxBuffer: MOST,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const missing = error !== undefined && 'code' in error && error.code === 'ENOENT';
  return status === 0 ? { bytes: stdout, missing } : { missing };
}
