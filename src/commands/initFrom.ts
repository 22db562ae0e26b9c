import { notCarriedText } from '../import/write.ts';
import { imported, specText } from './import.ts';
import { init } from './init.ts';
import type { Io, Status } from './io.ts';

/** Starts a spec from what there is already. */
export function initFrom(folder: string, { openapi }: { readonly openapi: string }, io: Io): Status {
  const found = imported('openapi', openapi, io);
  if ('problem' in found) {
    io.err(`postern: ${found.file}: ${found.problem}\n`);
    return 2;
  }
  for (const one of found.notCarriedOver) io.err(`not carried over: ${notCarriedText(one)}\n`);
  return init(folder, io, specText(found));
}
