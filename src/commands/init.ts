import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatDiagnostics } from '../diagnostics/format.ts';
import { outputCodes } from '../output/codes.ts';
import { placed } from '../output/disk.ts';
import { writeAll } from '../output/write.ts';
import type { Io, Status } from './io.ts';
import { starter } from './starter.ts';

const NAME = 'postern.yaml';

/** Starts a spec that validates and generates as it is. */
export function init(folder: string, io: Io): Status {
  const file = join(folder, NAME);
  const taken = existsSync(file) ? [outputCodes.report('exists', [], {}, placed(file))] : [];
  const problems = taken.length > 0 ? taken : writeAll([{ path: NAME, text: starter }], { folder });
  if (problems.length > 0) {
    io.err(formatDiagnostics(problems, undefined, { colour: io.colour.err }));
    return 2;
  }
  io.out(`${file}\n`);
  io.err(
    `next: postern validate ${folder === '.' ? '' : `${folder} `}&& postern generate${folder === '.' ? '' : ` ${folder}`}\n`,
  );
  return 0;
}
