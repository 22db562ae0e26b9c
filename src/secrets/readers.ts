import { realpathSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const GROUP = 0o060;
const OTHERS = 0o006;

/**
 * Returns who may read or change a file beside its owner; `undefined` if nobody may, or if that is for somebody else to
 * say: the group of a file that another user owns, and what Kubernetes or Docker mounts into a container, with
 * permissions of their own. Throws errors of the system.
 */
export function othersWithAccess(path: string): 'everybody here' | 'its group' | undefined {
  const file = realpathSync(path);
  const stat = statSync(file);
  const own = process.getuid?.();
  if (own === undefined || isMounted(file)) return undefined;
  const folders = foldersAbove(file).map((folder) => statSync(folder).mode);
  if ((stat.mode & OTHERS) !== 0 && folders.every((mode) => (mode & 0o001) !== 0)) return 'everybody here';
  const isOurs = stat.uid === own;
  return isOurs && (stat.mode & GROUP) !== 0 && folders.every((mode) => (mode & 0o011) !== 0) ? 'its group' : undefined;
}

function foldersAbove(file: string): string[] {
  const parent = dirname(file);
  return parent === file ? [] : [parent, ...foldersAbove(parent)];
}

/** The file systems tmpfs and ramfs. */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];

/**
 * Whether a file is of a volume: in memory, but not in a folder such as `/tmp` where everybody may write, or in the dated
 * folder that Kubernetes exchanges as a whole.
 */
function isMounted(file: string): boolean {
  const folder: Stats = statSync(dirname(file));
  return /\/\.\.\d{4}_[^/]+\//.test(file) || (IN_MEMORY.includes(statfsSync(file).type) && (folder.mode & 0o002) === 0);
}
