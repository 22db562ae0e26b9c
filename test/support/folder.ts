import { temporaryFolder } from '../../src/verify/folder.ts';

/** Runs a test in a folder of its own and removes it. */
export async function inFolder(work: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    await work(folder.path);
  } finally {
    await folder.remove();
  }
}
