import { targets } from '../targets/index.ts';
import type { RenderedFile } from '../targets/target.ts';

/** Suffix of files that exist only while a run writes. */
export const TEMPORARY_SUFFIX = '.postern-tmp';

/** The file with the leases of issued secrets; see `secrets/state.ts`. */
export const LEASES = '.postern-leases.json';

/** Files of the output folder that must not be checked in: secrets, and what running engines leave behind. */
const IGNORED = [
  ...targets.flatMap(({ name, secrets, run }) =>
    [...(secrets ? ['secrets/'] : []), ...(run?.leaves ?? [])].map((left) => `/${name}/${left}`),
  ),
  `/${LEASES}`,
  `*${TEMPORARY_SUFFIX}`,
];

/**
 * The `.gitignore` of the output folder. It names the files of all targets, also those that a spec does not use, so
 * that it is the same for every spec.
 */
export const ignoreFile: RenderedFile = { path: '.gitignore', text: `${IGNORED.join('\n')}\n`, comment: '#' };

/**
 * Attributes for forges and git. Reviews show `ACCESS.md` and collapse all other files. Git must not translate line
 * ends, whatever the settings of a machine, because a merge would otherwise mix them.
 */
const ATTRIBUTES = ['* -text linguist-generated gitlab-generated', '/ACCESS.md -linguist-generated -gitlab-generated'];

export const attributesFile: RenderedFile = {
  path: '.gitattributes',
  text: `${ATTRIBUTES.join('\n')}\n`,
  comment: '#',
};
