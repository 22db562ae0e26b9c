import { defineCodes, error, warning } from '../diagnostics/codes.ts';

export const outputCodes = defineCodes('output', {
  'not-ours': error('this file {reason}, so it is not overwritten').hint(
    'move it away, choose another folder with --out, or pass --force to overwrite it',
  ),
  exists: error('this file exists already, so it is not overwritten').hint('name another folder'),
  'damaged-manifest': error('this is no list of generated files, so it is not known which of the others are ours').hint(
    'restore it from version control, or pass --force to write it anew; files that are no longer generated then stay',
  ),
  'left-alone': warning('no longer generated, but changed since postern wrote it, so it is left alone').hint(
    'remove it if nothing needs it',
  ),
  'not-a-file': error('this is {what}, and generated files are never read or written through it').hint(
    'remove it, or choose another folder with --out',
  ),
  'copied-credentials': warning('"{file}" names credentials, and so does {path}, which is a copy of it').hint(
    'keep that file out of version control, or take the credentials out of the one that is merged',
  ),
  'no-folder': error('cannot use this as output folder: {problem}').hint(
    'name another with --out; a folder that does not exist is made',
  ),
  unreadable: error('cannot read: {problem}'),
  unwritable: error('cannot write: {problem}; nothing was changed').hint(
    'check that the folder is one you may write to',
  ),
  busy: error('another run has been writing here for {seconds} s, and two at once would mix their files').hint(
    'start this one again when the other has ended',
  ),
  'damaged-journal': error('a run was interrupted here, and what it was doing cannot be read').hint(
    'remove this file, restore the folder from version control, and run "postern generate"',
  ),
  'half-written': error('cannot write: {problem}; putting back what was there failed too').hint(
    'restore the folder from version control',
  ),
});
