import type { Io, Status } from '../../src/commands/io.ts';

export interface Said {
  readonly out: string;
  readonly err: string;
}

export interface Captured extends Said {
  readonly status: Status;
}

/** What a command in this process may touch, and what it has said so far. */
export function recordingIo(input = '', env: Io['env'] = {}): { readonly io: Io; said(): Said } {
  let [out, err] = ['', ''];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readStdin: () => Buffer.from(input),
    colour: { out: false, err: false },
    now: 0,
    env,
    untilStopped: () => AbortSignal.abort(),
  };
  return { io, said: () => ({ out, err }) };
}

/** What a command says, in this process: a fraction of the time of one of its own, without the command line around it. */
export function captured(command: (io: Io) => Status, input = ''): Captured {
  const { io, said } = recordingIo(input);
  return { status: command(io), ...said() };
}
