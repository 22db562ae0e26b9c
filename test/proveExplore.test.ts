import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { accessOf } from '../src/policy/access.ts';
import { worldOf } from '../src/prove/compare.ts';
import { explore, type Run } from '../src/prove/explore.ts';
import { SymbolicRequest } from '../src/prove/request.ts';
import { specMatchOf } from '../src/prove/specMatch.ts';
import { targets } from '../src/targets/index.ts';
import { PROVED_SPEC, specFiles } from './support/proofs.ts';

const ways = suite('ways through files and spec');

/** Like `explore`, but each run begins with nothing known. */
function exploreAnew(visit: (run: Run) => void): number {
  const path: { at: number; readonly count: number }[] = [];
  for (let runs = 1; ; runs++) {
    let depth = 0;
    const notes = new Map<string, unknown>();
    const run: Run = {
      pieces: new Map(),
      notes,
      choose<T>(options: readonly T[]): T {
        const step = path[depth] ?? { at: 0, count: options.length };
        path[depth++] = step;
        assert.is(step.count, options.length);
        return options[step.at] as T;
      },
      once<T>(question: string, find: () => T): T {
        if (!notes.has(question)) notes.set(question, find());
        return notes.get(question) as T;
      },
    };
    visit(run);
    for (let last = path.at(-1); last && ++last.at === last.count; last = path.at(-1)) path.pop();
    if (path.length === 0) return runs;
  }
}

ways('a run that goes on from where another one chose sees what a run from the start sees', () => {
  const { policy, files } = specFiles(PROVED_SPEC, 'nginx');
  const [proxy] = policy.proxies;
  const readBack = targets.find(({ name }) => name === 'nginx')?.readBack;
  const access = proxy && accessOf(proxy);
  assert.ok(proxy && access && readBack?.decides === 'requests');
  const model = readBack.read(files, proxy, policy.proxies);
  const world = { ...worldOf(policy, proxy, model), isDirect: true };
  const seen = (walk: typeof explore) => {
    const found: string[] = [];
    const count = walk((run) => {
      const request = new SymbolicRequest(run, world);
      const cuts = model.cuts(request);
      const { routeClass } = specMatchOf(request, access, model.depth);
      const pieces = [...run.pieces].map(([name, { language, only }]) => [name, only ?? language.id]);
      found.push(JSON.stringify([...cuts, routeClass?.id, ...pieces.sort()]));
    });
    return [count, ...found.sort()];
  };
  const anew = seen(exploreAnew);
  assert.ok(anew.length > 200);
  assert.equal(seen(explore), anew);
});

ways('each combination of choices is made once, and what was found out is not looked for again', () => {
  const found: string[] = [];
  let looked = 0;
  const count = explore((run) => {
    const first = run.once('first', () => {
      looked++;
      return run.choose(['a', 'b']);
    });
    const more = first === 'a' ? run.once('more', () => run.choose(['x', 'y', 'z'])) : '';
    const last = run.once('last', () => run.choose([1, 2]));
    found.push(`${first}${more}${last}`);
  });
  assert.equal(found.sort(), ['ax1', 'ax2', 'ay1', 'ay2', 'az1', 'az2', 'b1', 'b2']);
  assert.equal([count, looked], [8, 2]);
});

ways('a visit that looks at more than its choices is not taken for one that has seen all', () => {
  let asks = true;
  const once = (run: Run) => {
    if (asks) run.once('one', () => run.choose([1, 2]));
    asks = false;
  };
  assert.throws(() => explore(once), /depends on more/);
  let visits = 0;
  const another = (run: Run) => run.once(`question ${visits++}`, () => run.choose([1, 2]));
  assert.throws(() => explore(another), /depends on more/);
});

ways.run();
