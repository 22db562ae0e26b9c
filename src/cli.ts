import { runCommandLine } from './commands/commandLine.ts';
import { exitOnSignals, processIo } from './commands/io.ts';
import { maskSecrets } from './diagnostics/mask.ts';

// Whoever reads the results may stop early, as `head` does; that is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

exitOnSignals();

try {
  const result = await runCommandLine(process.argv.slice(2), processIo());
  if (typeof result === 'object') process.stderr.write(`postern: ${result.misuse}\nTry "postern --help".\n`);
  process.exitCode = typeof result === 'object' ? 2 : result;
} catch (error) {
  const isGone = error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
  const stack = error instanceof Error ? error.stack : String(error);
  const bug = `this is a bug in postern, please report it\n${maskSecrets(String(stack))}`;
  process.stderr.write(`postern: ${isGone ? 'the folder that it was started in is gone: cd to another one' : bug}\n`);
  process.exitCode = 2;
}
