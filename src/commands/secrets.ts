import { randomBytes } from 'node:crypto';
import { hasError } from '../diagnostics/diagnostic.ts';
import { secretCodes } from '../secrets/codes.ts';
import { staleSecrets } from '../secrets/write.ts';
import { commandCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { print } from './print.ts';
import { look, type SecretsArguments, writeRound } from './secretsLook.ts';
import { count } from './validate.ts';

/**
 * Follows the references of a spec: `check` reports what is missing, `render` writes the files that engines read,
 * `keygen` prints a new key.
 */
export async function secrets(args: SecretsArguments, io: Io): Promise<Status> {
  const { action, format } = args;
  const misfit = misfitOf(args);
  if (misfit) {
    const diagnostics = [commandCodes.report('no-meaning', [], misfit)];
    return print({ command: `secrets ${action}`, status: 2, diagnostics, asked: 'changes' }, format, io);
  }
  if (action === 'keygen') return keygen(io);
  if (args.watch) return (await import('./secretsWatch.ts')).watchSecrets(args, io);
  if (action === 'check') return checkOnly(args, io);
  if (args.check) return checkFiles(args, io);
  return print(writeRound(await look(args, io, 'write'), 'secrets render'), format, io);
}

/** Returns an option that the action would ignore. */
function misfitOf({ action, spec, out, check, keys, watch, reload }: SecretsArguments) {
  const given = {
    spec,
    '--out': out,
    '--check': check || undefined,
    '--keys': keys || undefined,
    '--watch': watch || undefined,
    '--reload': reload,
  };
  const taken = {
    render: ['spec', '--out', '--check', '--keys', '--watch', '--reload'],
    check: ['spec'],
    keygen: [] as string[],
  };
  const option = Object.entries(given).find(
    ([name, value]) => value !== undefined && !taken[action].includes(name),
  )?.[0];
  if (option !== undefined) return { option: option === 'spec' ? 'a spec' : option, mode: action };
  if (watch && spec === '-') return { option: '--watch', mode: '-' };
  if (reload && !watch) return { option: '--reload', mode: 'a render without --watch' };
  return check && watch ? { option: '--check', mode: '--watch' } : undefined;
}

/** Prints a key of 256 random bits, which is stored nowhere. */
function keygen(io: Io): Status {
  io.out(`${randomBytes(32).toString('base64url')}\n`);
  io.err('a key of 256 random bits; it is shown this once, so put it where its reference points to\n');
  return 0;
}

async function checkOnly({ spec, format }: SecretsArguments, io: Io): Promise<Status> {
  const { document, folder, resolved, diagnostics } = await look({ spec }, io, 'check');
  const report = { command: 'secrets check', document, diagnostics };
  if (folder === undefined || !resolved) return print({ ...report, status: 2, asked: 'changes' }, format, io);
  const [found, unread] = [resolved.values.size, resolved.unread.length];
  const summary = `${count(found, 'secret')} found${unread > 0 ? `, ${unread} would be issued by "secrets render"` : ''}`;
  const status = hasError(diagnostics) ? 1 : found + unread === 0 ? 2 : 0;
  return print({ ...report, status, asked: 'diagnostics', summary }, format, io);
}

/** Reports whether the files are what a render would write now. It writes nothing and asks for no new lease. */
async function checkFiles(args: SecretsArguments, io: Io): Promise<Status> {
  const { document, folder, files, resolved, diagnostics } = await look(args, io, 'compare');
  const report = { command: 'secrets render --check', document };
  if (folder === undefined || !resolved || hasError(diagnostics))
    return print({ ...report, status: 2, diagnostics, asked: 'changes' }, args.format, io);
  const ended = resolved.unread.map(({ text, origin }) => secretCodes.report('ended', origin, { reference: text }));
  const stale = [...ended, ...staleSecrets(files, folder)];
  const nothing = files.length + ended.length === 0;
  const summary = stale.length > 0 ? undefined : `up to date: ${count(files.length, 'file')}`;
  const status = stale.length > 0 ? 1 : nothing ? 2 : 0;
  const all = [...diagnostics, ...stale];
  return print(
    { ...report, status, diagnostics: all, asked: 'diagnostics', ...(summary && { summary }) },
    args.format,
    io,
  );
}
