import { targets } from '../targets/index.ts';
import type { RenderedFile } from '../targets/target.ts';

/** Ends the names of files that exist only while a run writes. */
export const TEMPORARY_SUFFIX = '.postern-tmp';

/** What was issued for the secrets, with its end; see `secrets/leases.ts`. */
export const LEASES = '.postern-leases.json';

/** What must not be checked in although it stands in the output folder: secrets, and what running engines leave behind. */
const IGNORED = [
  ...targets.flatMap(({ name, secrets, run }) =>
    [...(secrets ? ['secrets/'] : []), ...(run?.leaves ?? [])].map((left) => `/${name}/${left}`),
  ),
  `/${LEASES}`,
  `*${TEMPORARY_SUFFIX}`,
];

/** The same whatever the spec, so that it never changes when they do. */
export const ignoreFile: RenderedFile = { path: '.gitignore', text: `${IGNORED.join('\n')}\n`, comment: '#' };

/**
 * What forges and git make of the generated files. Reviewers see `ACCESS.md`, and the rest folded up; git translates no
 * line ends, whatever a machine is set to, because a merged file keeps those of the file that it was merged with.
 */
const ATTRIBUTES = ['* -text linguist-generated gitlab-generated', '/ACCESS.md -linguist-generated -gitlab-generated'];

export const attributesFile: RenderedFile = {
  path: '.gitattributes',
  text: `${ATTRIBUTES.join('\n')}\n`,
  comment: '#',
};
