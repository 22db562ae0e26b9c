import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { compile, evaluate, type Question } from '../../src/library.ts';
import { keyOf, type Setting } from './contenders.ts';
import { route, type Size, specText } from './specs.ts';

/** A request line, with the caller whose key is sent, if any. */
interface Asked {
  readonly method: string;
  readonly target: string;
  readonly caller?: number;
}

/** Every form of route near both ends of a spec, with good keys, with none, by other methods, and paths beside them. */
function sample({ routes, keys }: Setting): Asked[] {
  const numbers = [...new Set([0, 1, 2, 3, 4, 5, routes - 4, routes - 3, routes - 2, routes - 1])];
  const callers = [undefined, 0, 1, keys - 1, keys - 2];
  return numbers
    .filter((n) => n >= 0 && n < routes)
    .flatMap((n) => {
      const [method = '', target = ''] = route(n).request.split(' ');
      const lines = [
        { method, target },
        { method: 'PATCH', target },
        { method, target: `${target}/more` },
        { method, target: target.replace('4242', 'a%2Fb') },
        { method, target: target.replace('/42', '/x') },
      ];
      return lines.flatMap((line) =>
        callers.map((caller) => (caller === undefined || caller < 0 ? line : { ...line, caller })),
      );
    });
}

/**
 * Returns what the evaluator says of a request to a spec of this size: the status that its client gets, if the upstream
 * answers 200 to everything.
 */
export function decidedBy(size: Size): (asked: Pick<Question, 'method' | 'target' | 'apiKey' | 'headers'>) => number {
  const spec = JSON.parse(specText(size, {}));
  spec.ipRanges.clients.push('127.0.0.0/8');
  const { policy, diagnostics } = compile(JSON.stringify(spec), { file: 'bench.json', read: () => undefined });
  if (!policy) throw new Error(JSON.stringify(diagnostics));
  return (asked) => {
    const decision = evaluate(policy, { ...asked, from: '127.0.0.1', proxy: 'api', at: Date.now() / 1000 });
    if (decision.kind === 'undecided') throw new Error(`${asked.method} ${asked.target}: ${decision.problem}`);
    return decision.kind === 'forward' ? 200 : decision.status;
  };
}

/** What is timed must be what is right: throws where the proxy at this port decides otherwise than the evaluator. */
export async function checkDecisions(setting: Setting, port: number): Promise<void> {
  const decided = decidedBy(setting);
  for (const asked of sample(setting)) {
    const { method, target, caller } = asked;
    const expected = decided({ method, target, ...(caller !== undefined && { apiKey: `caller-${caller}` }) });
    const status = await statusOf(port, asked);
    if (status !== expected) throw new Error(`${JSON.stringify(asked)}: ${status} in place of ${expected}`);
  }
}

/** What writes less into its log does less work: throws where the lines of two access logs have other fields. */
export async function checkLogLines(own: string, control: string): Promise<void> {
  const [fields, others] = [await fieldsOf(own), await fieldsOf(control)].map((names) => names.join(' '));
  if (fields !== others) throw new Error(`the control's log has ${others} in place of ${fields}`);
}

async function fieldsOf(log: string): Promise<readonly string[]> {
  for (let waits = 0; waits < 100; waits++) {
    const [line = ''] = (await readFile(log, 'utf8').catch(() => '')).split('\n');
    if (line !== '') return Object.keys(JSON.parse(line));
    // nginx writes its buffer once a second.
    await setTimeout(100);
  }
  throw new Error(`nothing in ${log}`);
}

function statusOf(port: number, { method, target, caller }: Asked): Promise<number | undefined> {
  const headers = caller === undefined ? {} : { 'PRIVATE-TOKEN': keyOf(caller) };
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path: target, headers, agent: false }, (answer) => {
      answer
        .resume()
        .on('end', () => resolve(answer.statusCode))
        .on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}
