import { join } from 'node:path';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { keyReferencesOf, referencesOf, tokenReceivers } from '../policy/apiKeys.ts';
import type { Policy, SecretReference } from '../policy/types.ts';
import { checkSecrets } from '../secrets/check.ts';
import type { Issuing } from '../secrets/found.ts';
import { placeholders, type RenderedSecrets, renderKeys, renderSecrets } from '../secrets/render.ts';
import { openSources, type ResolveContext, type Resolved, resolveSecrets } from '../secrets/resolve.ts';
import { changeState, claimFolder, foreignFolder, keptLeases } from '../secrets/state.ts';
import { refusedSecrets, writeSecrets } from '../secrets/write.ts';
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
  /** Name of the spec. */
  readonly spec?: string;
  readonly files: readonly RenderedFile[];
  readonly resolved?: Resolved;
}

/**
 * What the files are for. To `write` them, new secrets are requested if a lease is missing or close to its end, once
 * nothing else can fail.
 */
type Purpose = 'write' | 'compare' | 'check';

/** Follows the references of a spec and renders the files in memory. */
export async function look(
  { spec: argument, out, keys = false }: Pick<SecretsArguments, 'spec' | 'out' | 'keys'>,
  io: Io,
  purpose: Purpose,
): Promise<Round> {
  const { source, document, spec, policy, diagnostics } = compileArgument(argument, io);
  if (!source || !policy || !spec || hasError(diagnostics)) return { document, files: [], diagnostics };
  const folder = outputFolder(out, source);
  const foreign = purpose === 'check' ? [] : foreignFolder(folder, policy.name);
  if (foreign.length > 0) return { document, files: [], diagnostics: [...diagnostics, ...foreign] };
  const mayIssue = purpose === 'write';
  const issued = keptLeases(folder);
  const asked: Asked = {
    policy,
    folder,
    context: { ...contextOf(policy, io), folder: source.folder, issued },
    render: (values) => (keys ? renderKeys : renderSecrets)(spec, { policy, values }),
  };
  const round = { document, folder, spec: policy.name, files: [] };
  const references = keys ? keyReferencesOf(policy) : referencesOf(policy);
  const first = await follow(references, mayIssue ? 'later' : 'never', asked);
  const all =
    mayIssue && !hasError(first.problems) && first.resolved.unread.length > 0 ? await issue(first, asked) : first;
  const { resolved, problems } = all;
  const found = [...diagnostics, ...problems, ...issued.save()];
  if (hasError(found) || resolved.unread.length > 0) return { ...round, resolved, diagnostics: found };
  const rendered = asked.render(resolved.values);
  const isWhole = mayIssue && !keys && !hasError(rendered.diagnostics);
  const said = [...found, ...rendered.diagnostics, ...(isWhole ? issued.dropOthers() : [])];
  return { ...round, resolved, files: hasError(said) ? [] : rendered.files, diagnostics: said };
}

interface Asked {
  readonly policy: Policy;
  /** Folder of the files. */
  readonly folder: string;
  readonly context: Omit<ResolveContext, 'issuing'>;
  readonly render: (values: Resolved['values']) => RenderedSecrets;
}

function contextOf(policy: Policy, { env, now }: Io) {
  const receivers = tokenReceivers(policy);
  const sources = openSources();
  return { env, now, sources, receivers: (reference: string) => [...(receivers.get(reference) ?? [])] };
}

interface Followed {
  readonly resolved: Resolved;
  readonly problems: readonly Diagnostic[];
}

async function follow(
  references: readonly SecretReference[],
  issuing: Issuing,
  { policy, context }: Asked,
): Promise<Followed> {
  const resolved = await resolveSecrets(policy, references, { ...context, issuing });
  return { resolved, problems: [...resolved.diagnostics, ...checkSecrets(policy, resolved.values)] };
}

/**
 * Requests the secrets that have to be issued, if with any others in their place the files could be made and written:
 * what is issued and not used stays valid for as long as its lease.
 */
async function issue(first: Followed, asked: Asked): Promise<Followed> {
  const { policy, folder } = asked;
  const { unread, values, found } = first.resolved;
  const draft = asked.render(new Map([...values, ...placeholders(unread)]));
  const problems = [...first.problems, ...draft.diagnostics];
  if (hasError(problems) || draft.files.length === 0) return { ...first, problems };
  const refused = refusedSecrets(draft.files, folder);
  // To note the spec anew shows that what is issued can be kept.
  const unwritable = refused.length > 0 ? refused : changeState(folder, (state) => ({ ...state, spec: policy.name }));
  if (unwritable.length > 0) return { ...first, problems: [...problems, ...unwritable] };
  const { resolved } = await follow(unread, 'now', asked);
  const all = {
    found: new Map([...found, ...resolved.found]),
    values: new Map([...values, ...resolved.values]),
    unread: resolved.unread,
    diagnostics: [...first.resolved.diagnostics, ...resolved.diagnostics],
  };
  return { resolved: all, problems: [...all.diagnostics, ...checkSecrets(policy, all.values)] };
}

/** Writes the files. If there is any error, nothing is written and the report says why. */
export function writeRound({ document, folder, spec, files, diagnostics }: Round, command: string): Report {
  const isSound = folder !== undefined && spec !== undefined && !hasError(diagnostics);
  const failures = isSound && files.length > 0 ? write(files, folder, spec) : [];
  const report = { command, document, asked: 'changes', diagnostics: [...diagnostics, ...failures] } as const;
  if (!isSound || failures.length > 0) return { ...report, status: 2, summary: 'nothing was written' };
  const written = files.map(({ path }) => join(folder, path)).join(', ');
  return { ...report, status: 0, summary: `written: ${written || 'nothing'}` };
}

function write(files: readonly RenderedFile[], folder: string, spec: string): Diagnostic[] {
  const refused = refusedSecrets(files, folder);
  if (refused.length > 0) return refused;
  const unclaimed = claimFolder(folder, spec);
  return unclaimed.length > 0 ? unclaimed : writeSecrets(files, folder);
}
