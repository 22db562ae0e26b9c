import type { Io, Status } from '../../src/commands/io.ts';

export interface Captured {
  readonly status: Status;
  readonly out: string;
  readonly err: string;
}

/** What a command says, in this process: a fraction of the time of one of its own, without the command line around it. */
export function captured(command: (io: Io) => Status, input = ''): Captured {
  let [out, err] = ['', ''];
  const status = command({
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readStdin: () => Buffer.from(input),
    colour: { out: false, err: false },
    now: 0,
    env: {},
  });
  return { status, out, err };
}
