import type { Imported } from '../import/draft.ts';
import { openapi } from '../import/openapi.ts';
import { notCarriedText } from '../import/write.ts';
import { imported, specText } from './import.ts';
import { init } from './init.ts';
import { type Io, type Status, unable } from './io.ts';
import { learned } from './learn.ts';

export interface Beginning {
  readonly openapi?: string | undefined;
  readonly accessLog?: string | undefined;
}

/** Writes a spec made from an OpenAPI description or an access log. */
export function initFrom(folder: string, beginning: Beginning, io: Io): Status {
  const found = foundIn(beginning, io);
  if (typeof found === 'string') return unable(found, io);
  for (const one of found.notCarriedOver) io.err(`not carried over: ${notCarriedText(one)}\n`);
  return init(folder, io, specText(found));
}

function foundIn({ openapi: description, accessLog }: Beginning, io: Io): Imported | string {
  if (description !== undefined && accessLog !== undefined)
    return 'start from a description or from a log, not from both';
  if (accessLog !== undefined) return learned(accessLog, io);
  return imported(openapi, description ?? '', io);
}
