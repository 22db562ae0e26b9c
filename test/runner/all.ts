import { type Counts, type FileOptions, type Report, runFile } from './file.ts';

interface Timed extends Report {
  readonly file: string;
  readonly seconds: number;
}

export interface RunOptions extends Pick<FileOptions, 'start'> {
  /** Files that run at a time. */
  readonly jobs: number;
  /** Takes a line for whoever waits. */
  readonly say: (line: string) => void;
}

const SKIPPED = 'skipped: ';
const SLOWEST = 5;

/** Runs the test files and says how they went; what was skipped, and at the very end the counts. */
export async function runAll(
  root: string,
  files: readonly string[],
  { jobs, say, start: how }: RunOptions,
): Promise<Counts> {
  const waiting = [...files];
  const reports: Timed[] = [];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const start = performance.now();
      const report = await runFile(root, file, { start: how, progress: say });
      reports.push({ ...report, file, seconds: (performance.now() - start) / 1000 });
      for (const line of outcome(file, report)) say(line);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  for (const line of [...slowest(reports), ...skips(reports)]) say(line);
  const sum = (count: keyof Counts) => reports.reduce((total, report) => total + report[count], 0);
  const counts = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  say(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts;
}

function outcome(file: string, { passed, skipped, output, problem }: Report): string[] {
  if (problem !== undefined) return [`FAIL  ${file}: ${problem}`, output.trim().replace(/^/gm, '      ')];
  return [`ok    ${file} (${passed} passed${skipped === 0 ? '' : `, ${skipped} skipped`})`];
}

/** Worth a look only where there is something to compare. */
function slowest(reports: readonly Timed[]): string[] {
  if (reports.length <= SLOWEST) return [];
  const first = [...reports].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  return ['slowest:', ...first.map(({ file, seconds }) => `      ${file} (${seconds.toFixed(1)} s)`)];
}

/** Each reason once, with the files that skipped tests for it. */
function skips(reports: readonly Timed[]): string[] {
  const files = new Map<string, Set<string>>();
  for (const { file, skipped, output } of reports) {
    if (skipped === 0) continue;
    const reasons = output.split('\n').filter((line) => line.startsWith(SKIPPED));
    for (const reason of reasons.length > 0 ? reasons : [`${SKIPPED}for no reason that is said`])
      files.set(reason, (files.get(reason) ?? new Set()).add(file));
  }
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([reason, names]) => [reason, ...[...names].sort().map((file) => `      ${file}`)]);
}
