import { basename, join } from 'node:path';
import { hasError } from '../diagnostics/diagnostic.ts';
import { outputCodes } from '../output/codes.ts';
import { placed } from '../output/disk.ts';
import { editFile } from '../output/write.ts';
import { parseDocument } from '../source/document.ts';
import { isRecord } from '../source/value.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { openSpec } from './spec.ts';

/** Largest spec that is formatted: prettier takes minutes for more. */
const MAX_CHARACTERS = 500_000;

export interface FmtArguments {
  readonly spec?: string | undefined;
  readonly check?: boolean | undefined;
  readonly format: Format;
}

/** Formats a spec and keeps its comments. A spec from standard input is written to standard output. */
export async function fmt({ spec: argument, check, format }: FmtArguments, io: Io): Promise<Status> {
  const { value: source, diagnostics } = openSpec(argument, io);
  const report = { command: 'fmt', asked: 'changes' as const };
  if (!source) return print({ ...report, status: 2, diagnostics }, format, io);
  const { value: document, diagnostics: syntax } = parseDocument({ name: source.name, text: source.text });
  if (!document || hasError(syntax)) return print({ ...report, status: 2, diagnostics: syntax, document }, format, io);
  const problem = unusable(document.value, source.text);
  if (problem !== undefined) {
    const refused = outputCodes.report('unreadable', [], { problem }, { ...placed(source.name), hint: HINT });
    return print({ ...report, status: 2, diagnostics: [refused] }, format, io);
  }
  const after = await laidOut(source.text, source.name);
  if (argument === '-' && !check) return write(after, io);
  const same = after === source.text;
  const failures = same || check ? [] : editFile(join(source.folder, basename(source.name)), after);
  const summary = `${source.name}: ${same ? 'laid out well' : check ? 'would change' : 'changed'}`;
  const status = failures.length > 0 ? 2 : check && !same ? 1 : 0;
  return print({ ...report, status, diagnostics: failures, ...(failures.length === 0 && { summary }) }, format, io);
}

const HINT = 'name a spec, or a file that one includes';

/** Returns why a file is not laid out. A spec may be anything but finished; a file of something else is left alone. */
function unusable(value: unknown, text: string): string | undefined {
  if (!isRecord(value) || value['version'] !== 1) return 'it does not say "version: 1", as specs do';
  return text.length > MAX_CHARACTERS ? 'it is too large to be laid out' : undefined;
}

function write(text: string, io: Io): Status {
  io.out(text);
  return 0;
}

async function laidOut(text: string, name: string): Promise<string> {
  const { format } = await import('prettier');
  return format(text, { parser: name.endsWith('.json') ? 'json' : 'yaml', printWidth: 120 });
}
