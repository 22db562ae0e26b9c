import { mustRun } from '../../engines/run.ts';

export type Question = readonly [name: string, type?: string];

export interface Answer {
  readonly status: string;
  /** The question as it came back, letter by letter. */
  readonly question: string;
  /** `owner TYPE data`, in the order of the message. */
  readonly records: readonly string[];
}

/** Asks a server on the loopback interface over UDP, all in one go; names are sent letter by letter, as 0x20 needs it. */
export async function ask(program: string, port: number, questions: readonly Question[]): Promise<Answer[]> {
  const asked = questions.flatMap(([name, type = 'A']) => [name, type]);
  const shown = ['+noidn', '+timeout=20', '+retry=0', '+noall', '+header', '+question', '+answer'];
  const text = await mustRun(program, ['@127.0.0.1', '-p', String(port), ...shown, ...asked]);
  return text.trim().split(/\n\n/).map(answerOf);
}

function answerOf(text: string): Answer {
  const records = text.split('\n').flatMap((line) => {
    const [, owner, type, data] = /^([^\s;]+)\s+\d+\s+IN\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return owner ? [`${owner} ${type} ${data}`] : [];
  });
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? '',
    question: /^;;(\S+)\s+IN\s/m.exec(text)?.[1] ?? '',
    records,
  };
}
