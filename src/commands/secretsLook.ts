import { join } from 'node:path';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { checkSecrets } from '../secrets/check.ts';
import { keptLeases, type Lease, type Leases, leasesFile, readLeases } from '../secrets/leases.ts';
import { renderKeys, renderSecrets } from '../secrets/render.ts';
import { keyReferencesOf, type Resolved, referencesOf, resolveSecrets } from '../secrets/resolve.ts';
import { writeSecrets } from '../secrets/write.ts';
import type { LocatedDocument } from '../source/span.ts';
import type { RenderedFile } from '../targets/target.ts';
import type { Io } from './io.ts';
import type { Program } from './options.ts';
import type { Format } from './print.ts';
import type { Report } from './report.ts';
import { compileArgument, outputFolder } from './spec.ts';

export interface SecretsArguments {
  readonly action: 'render' | 'check' | 'keygen';
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  /** For `render`: only report whether the files would change. */
  readonly check?: boolean | undefined;
  /** For `render`: only the files of callers' keys, because something else provides the tokens. */
  readonly keys?: boolean | undefined;
  /** For `render`: keep running, and write again before anything expires. */
  readonly watch?: boolean | undefined;
  /** For `--watch`: a program and its arguments, run after each write. */
  readonly reload?: Program | undefined;
  readonly format: Format;
}

/** Result of following all references of a spec once. */
export interface Round {
  readonly document?: LocatedDocument | undefined;
  /** Diagnostics of the spec, the secrets and the targets. If there is an error, there are no files. */
  readonly diagnostics: readonly Diagnostic[];
  /** Folder of the files; absent without a valid spec. */
  readonly folder?: string;
  readonly files: readonly RenderedFile[];
  readonly resolved?: Resolved;
  readonly leases: Leases;
}

/**
 * Follows the references of a spec and renders the files in memory. `mayIssue` says whether new secrets may be
 * requested if a lease is missing or close to its end.
 */
export async function look(
  { spec: argument, out, keys = false }: Pick<SecretsArguments, 'spec' | 'out' | 'keys'>,
  io: Io,
  mayIssue: boolean,
): Promise<Round> {
  const { source, document, spec, policy, diagnostics } = compileArgument(argument, io);
  const nothing = { document, files: [], leases: new Map() };
  if (!source || !policy || !spec || hasError(diagnostics)) return { ...nothing, diagnostics };
  const folder = outputFolder(out, source);
  const references = keys ? keyReferencesOf(policy) : referencesOf(policy);
  const earlier = readLeases(folder);
  const kept = keptLeases(earlier, references, io.now);
  const context = { env: io.env, folder: source.folder, now: io.now, mayIssue };
  const resolved = await resolveSecrets(policy, references, { ...context, kept });
  const found = [...diagnostics, ...resolved.diagnostics, ...checkSecrets(policy, resolved.values)];
  if (hasError(found) || resolved.unread.length > 0) return { ...nothing, folder, resolved, diagnostics: found };
  const { values } = resolved;
  const rendered = keys ? renderKeys(spec, { policy, values }) : renderSecrets(spec, { policy, values });
  const leases = leasesOf(resolved, { earlier, kept, now: io.now });
  const files = hasError(rendered.diagnostics)
    ? []
    : [...rendered.files, ...(!keys && leases.size + earlier.size > 0 ? [leasesFile(leases)] : [])];
  return { document, folder, resolved, files, leases, diagnostics: [...found, ...rendered.diagnostics] };
}

/** Writes the files. If there is any error, nothing is written and the report says why. */
export function writeRound({ document, folder, files, diagnostics }: Round, command: string): Report {
  const isSound = folder !== undefined && !hasError(diagnostics);
  const failures = isSound ? writeSecrets(files, folder) : [];
  const report = { command, document, asked: 'changes', diagnostics: [...diagnostics, ...failures] } as const;
  if (!isSound || failures.length > 0) return { ...report, status: 2, summary: 'nothing was written' };
  const written = files.map(({ path }) => join(folder, path)).join(', ');
  return { ...report, status: 0, summary: `written: ${written || 'nothing'}` };
}

interface Before {
  readonly earlier: Leases;
  readonly kept: ReadonlyMap<string, unknown>;
  readonly now: number;
}

function leasesOf({ found }: Resolved, { earlier, kept, now }: Before): Map<string, Lease> {
  const leases = new Map<string, Lease>();
  for (const [text, { value, until }] of found) {
    const before = kept.has(text) ? earlier.get(text) : undefined;
    if (before) leases.set(text, before);
    else if (until !== undefined) leases.set(text, { value, since: now, until });
  }
  return leases;
}
