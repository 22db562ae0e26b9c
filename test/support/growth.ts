import * as assert from 'uvu/assert';

const TIMES = 8;
const MOST = TIMES ** 1.5;

export interface Growth<Input> {
  readonly few: number;
  readonly of: (many: number) => Input;
  readonly work: (input: Input) => void;
}

/**
 * Asserts that eight times the entries take about eight times as long; where each is compared with all others they take
 * 64 times. What counts is the time of the processor, of the best of several, because others on the machine add to it.
 */
export function assertGrowth<Input>({ few, of, work }: Growth<Input>): void {
  const cost = (input: Input) => {
    const before = process.cpuUsage();
    work(input);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const [some, more] = [of(few), of(TIMES * few)];
  const least = Math.min(cost(some), cost(some), cost(some));
  const factors: number[] = [];
  while (factors.length < 5 && !factors.some((factor) => factor < MOST)) factors.push(cost(more) / least);
  assert.ok(
    Math.min(...factors) < MOST,
    `${few} entries took ${least} µs, ${TIMES * few} ${factors.join(', ')} times as long`,
  );
}
