import * as assert from 'uvu/assert';
import { type Server, type ServerOptions, startServer } from '../../src/verify/process.ts';
import { randomOf } from '../../src/verify/random.ts';
import type { LiveCase } from './live.ts';
import type { Random } from './mutated.ts';

export const MUTATIONS = Number(process.env['POSTERN_DRIFT_MUTATIONS'] ?? 2000);
/** POSTERN_DRIFT_ASKED=100000 asks about every mutation that nothing reports. */
const ASKED = process.env['POSTERN_DRIFT_ASKED'];

/** What runs of one target, and who can say what it decides. */
export interface Subject {
  readonly name: string;
  readonly target: string;
  readonly here: LiveCase;
  /** What runs, in sync with the spec. */
  readonly capture: string;
  /** Number of mutations that are asked about where the environment does not say it. */
  readonly asked: number;
  mutate(text: string, random: Random): string;
  /** Returns what is decided where this text runs, a line for each case; `undefined` where it is refused. */
  decisions(text: string): Promise<readonly string[] | undefined>;
}

/** Asserts that each mutation is reported, refused, or decides nothing. */
export async function tryMutations(subject: Subject): Promise<void> {
  const { name, target, here, capture } = subject;
  const { drift, problems } = here.compare(target, capture);
  assert.equal([...drift, ...problems], []);
  const usual = await subject.decisions(capture);
  if (!usual) throw new Error(`${name}: what runs is refused`);
  const silent = unreported(subject);
  const some = randomOf(`some of ${name}`)
    .shuffled(silent)
    .slice(0, Number(ASKED ?? subject.asked));
  let refused = 0;
  const wrong: string[] = [];
  for (const text of some) {
    const found = await subject.decisions(text);
    if (!found) refused += 1;
    else wrong.push(...firstDifference(usual, found).map((line) => `${line}\n${changed(capture, text)}`));
  }
  const counts = `${silent.length} not reported, ${some.length} asked, ${refused} refused, ${wrong.length} decide something`;
  console.log(`${name}: ${MUTATIONS} mutations, ${counts}`);
  assert.equal(wrong, []);
}

/** Starts an engine; `refused` where it ends by itself, `silent` where it runs and does not get ready. */
export async function started(options: ServerOptions): Promise<Server | 'refused' | 'silent'> {
  try {
    return await startServer(options);
  } catch (error) {
    return error instanceof Error && error.message.includes(' was not ready in ') ? 'silent' : 'refused';
  }
}

/** The mutated texts that nothing reports, each once. */
function unreported({ name, target, here, capture, mutate }: Subject): string[] {
  const random = randomOf(`decisions of mutated ${name}`);
  const silent = new Set<string>();
  for (let index = 0; index < MUTATIONS; index += 1) {
    const text = mutate(capture, random);
    const { drift, problems } = here.compare(target, text);
    if (drift.length === 0 && problems.length === 0) silent.add(text);
  }
  silent.delete(capture);
  return [...silent];
}

function firstDifference(usual: readonly string[], found: readonly string[]): string[] {
  const at = usual.findIndex((line, index) => line !== found[index]);
  return at < 0 ? [] : [`${usual[at]}\n→ ${found[at]}`];
}

function changed(before: string, after: string): string {
  const [own = [], other = []] = [before, after].map((text) => text.split(/\n|(?=[{[])/));
  const gone = own.filter((line) => !other.includes(line)).map((line) => `- ${line}`);
  const added = other.filter((line) => !own.includes(line)).map((line) => `+ ${line}`);
  return [...gone, ...added].join('\n').slice(0, 800) || 'lines come twice, are missing or moved';
}
