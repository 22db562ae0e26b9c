import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What must hold before a server counts as started. */
export type Ready = { readonly port: number } | { readonly line: RegExp } | (() => Promise<boolean>);

export interface ServerOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly ready: Ready;
  /** Milliseconds that getting ready may take; a broken server usually ends long before. */
  readonly patience?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Server {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Everything written to stdout and stderr so far. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Ends the server and everything that it started; resolves once it is gone. */
  stop(): Promise<Exit>;
}

/** Starts a server in a process group of its own and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { command, args, cwd, env = process.env } = options;
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const server = await watch(child, command);
  try {
    await waitUntilReady(server, options);
  } catch (error) {
    await server.stop();
    throw error;
  }
  // A server that a failed test left running must not keep this process alive; the guard ends it with this process.
  child.unref();
  for (const stream of [child.stdout, child.stderr]) unrefStream(stream);
  return server;
}

async function watch(child: ChildProcess, command: string): Promise<Server> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const spawned = new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  const exited = new Promise<Exit>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  await spawned;
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no process id`);
  const guard = guardGroup(pid);
  // Runs before every other exit hook, because one of them removes the folder that the server still works in.
  const atExit = () => killGroup(pid, 'SIGKILL');
  process.prependOnceListener('exit', atExit);
  child.once('exit', () => {
    process.off('exit', atExit);
    // Workers that outlive their master hold its pipes open and its ports taken.
    killGroup(pid, 'SIGKILL');
    guard.disarm();
  });
  return {
    pid,
    exited,
    output: () => output,
    signal: (name) => child.kill(name),
    stop: () => stop(child, pid, exited),
  };
}

async function stop(child: ChildProcess, pid: number, exited: Promise<Exit>): Promise<Exit> {
  if (child.exitCode !== null || child.signalCode !== null) return exited;
  child.ref();
  child.kill('SIGTERM');
  const lastResort = setTimeout(() => killGroup(pid, 'SIGKILL'), 5_000);
  try {
    return await exited;
  } finally {
    clearTimeout(lastResort);
  }
}

async function waitUntilReady(server: Server, { command, ready, patience = 60_000 }: ServerOptions): Promise<void> {
  const deadline = Date.now() + patience;
  let ended: Exit | undefined;
  void server.exited.then((exit) => {
    ended = exit;
  });
  while (!(await isReady(ready, server))) {
    if (ended)
      throw new Error(`${command} ended (${ended.signal ?? ended.code}) before it was ready\n${server.output()}`);
    if (Date.now() > deadline) throw new Error(`${command} was not ready in ${patience} ms\n${server.output()}`);
    await pause(10);
  }
}

async function isReady(ready: Ready, server: Server): Promise<boolean> {
  if (typeof ready === 'function') return ready();
  return 'line' in ready ? ready.line.test(server.output()) : accepts(ready.port);
}

/** Whether something on the loopback interface takes connections on this port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

/** Signals every process of a group; one that is gone already is as good as signalled. */
function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * Kills the group when this process ends before `disarm`, however it ends: the guard is a shell that waits for the end
 * of its input. Exit hooks would miss a SIGKILL, and a server must not outlive whoever started it.
 */
export function guardGroup(leader: number): { disarm(): void } {
  const guard = spawn('sh', ['-c', 'read -r word || kill -KILL "-$1"', 'sh', String(leader)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a shell the owner still ends the group, except after a crash. A guard that ended early needs no message.
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  guard.unref();
  unrefStream(guard.stdin);
  return { disarm: () => guard.stdin.end('disarm\n') };
}

/** Lets this process end although the pipe is open. Pipes of children are sockets, which their type does not say. */
function unrefStream(stream: object): void {
  if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
}
