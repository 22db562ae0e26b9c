import type { RenderedFile } from '../targets/target.ts';

/** Ends the names of files that exist only while a run writes. */
export const TEMPORARY_SUFFIX = '.postern-tmp';

/** What must not be checked in although it stands in the output folder: secrets, and what running engines leave behind. */
const IGNORED = [
  '/nginx/secrets/',
  '/nginx/*.log',
  '/nginx/*.pid',
  '/nginx/*_temp/',
  '/nginx/temp/',
  '/nginx/logs/',
  '/caddy/secrets/',
  '/caddy/*.log',
  '/caddy/*.log.gz',
  '/caddy/*.sock',
  '/caddy/data/',
  '/caddy/config/',
  `*${TEMPORARY_SUFFIX}`,
];

/** The same whatever the spec and the targets, so that it never changes when they do. */
export const ignoreFile: RenderedFile = { path: '.gitignore', text: `${IGNORED.join('\n')}\n`, comment: '#' };
