import { printable } from '../diagnostics/printable.ts';
import { isPrivate, pullHops, registryOf, siteHops } from '../plan/pulls.ts';
import { writtenName } from '../policy/domains.ts';
import { resolveName } from '../policy/names.ts';
import { clientsOf, jobsOf, jobTargets, type Nodes, nodeNames, nodesOf } from '../targets/clients.ts';
import type { JobSettings } from '../targets/target.ts';
import { excerptLines, type Hop, jsonHops, stationLines, worded } from './hops.ts';
import type { Io, Status } from './io.ts';
import type { Format } from './print.ts';
import { problemText } from './request.ts';
import type { Understood } from './spec.ts';

interface JobQuestion {
  /** As the job names it. */
  readonly image: string;
  /** One kind of node; all that the spec has a target for where absent. */
  readonly node?: string | undefined;
  readonly format: Format;
}

/** One thing that a job does, the stations of it, and why it would leave the private names; absent where it does not. */
interface Step {
  readonly step: string;
  readonly hops: readonly Hop[];
  readonly leaves?: string;
  /** Why it leaves them where something fails that should not. */
  readonly onFailure?: string;
}

/** What a CI job asks, from the runner that takes it to the API that its script calls, and where that leaves the private names. */
export function explainJob(question: JobQuestion, understood: Understood, io: Io): Status {
  const { policy, spec, document } = understood;
  const [job] = jobsOf(policy, spec);
  const problem = problemOf(question, job, understood);
  if (problem || !job) {
    io.err(`postern: ${problemText(problem ?? { problem: 'there is no job', hint: 'add a target' })}\n`);
    return 2;
  }
  const steps: Step[] = [
    { step: 'the runner asks for jobs', ...asked(job, understood) },
    ...pulled('the image that clones is pulled', job.helperImage, question, understood),
    ...pulled('the image of the job is pulled', question.image, question, understood),
    { step: 'the job is cloned', ...asked(job, understood) },
    { step: 'Git LFS, artifacts and caches of GitLab', ...called(job.host, job, understood) },
    { step: 'the script calls the API (CI_API_V4_URL)', ...called(job.host, job, understood) },
    ...policy.rewrites
      .filter((rewrite) => rewrite.containerRegistry)
      .map((rewrite) => {
        const name = rewrite.wildcard ? `a.${rewrite.from}` : rewrite.from;
        return { step: `the script pushes to ${writtenName(rewrite, 'from')}`, ...called(name, job, understood) };
      }),
  ];
  const leaving = steps.filter(({ leaves }) => leaves !== undefined);
  if (question.format === 'json') {
    const told = steps.map(({ step, hops, leaves, onFailure }) => ({
      step,
      hops: jsonHops(hops, document),
      leaves: leaves ?? null,
      onFailure: onFailure ?? null,
    }));
    io.out(`${JSON.stringify({ image: question.image, private: leaving.length === 0, steps: told })}\n`);
  } else {
    const first = leaving[0];
    const end = first
      ? `the private names are left ${leaving.length === 1 ? 'once' : `${leaving.length} times`}, first where ${first.step}: ${first.leaves}\n`
      : 'the private names are never left\n';
    const excerpts = excerptLines(
      steps.flatMap(({ hops }) => hops),
      document,
    );
    io.out(steps.map((step) => stepText(step, understood)).join('') + excerpts + end);
  }
  return leaving.length === 0 ? 0 : 1;
}

function problemOf({ image, node }: JobQuestion, job: JobSettings | undefined, { policy, spec, read }: Understood) {
  if (!job)
    return {
      problem: 'the spec has no target that runs CI jobs',
      hint: `add ${jobTargets().join(' or ')} under targets`,
    };
  if (image === '' || /\s|^[a-z]+:\/\//.test(image))
    return {
      problem: `"${image}" is no image`,
      hint: 'write one as the job does, such as registry.example.com/group/app:v1',
    };
  const known = [...new Set(nodesOf(policy, spec, read).map(({ target }) => target))];
  if (node === undefined || known.includes(node)) return undefined;
  return {
    problem: `the spec has no target for nodes named "${node}"`,
    hint: known.length === 0 ? 'add one under targets' : `it has ${known.join(', ')}`,
  };
}

/** Under the name that the runner was given. */
function asked({ host, asked, at }: JobSettings, understood: Understood): Omit<Step, 'step'> {
  if (asked !== host)
    return { hops: behind({ kind: 'asks', words: 'it contacts', host: asked, at }, asked, understood) };
  return called(host, { host, asked, helperImage: '', at, names: 'cluster' }, understood);
}

/** Under the public name, which is another one for pods that somebody tells so. */
function called(
  host: string,
  { names, at }: JobSettings,
  { policy, spec, read, ...others }: Understood,
): Omit<Step, 'step'> {
  const [, name = host, port = ''] = /^(.*?)(:\d+)?$/.exec(host) ?? [];
  const { name: resolved, rewrite } = resolveName(policy, name);
  if (!rewrite) return { hops: [{ kind: 'asks', words: 'it contacts', host }], leaves: `no rewrite is for ${name}` };
  const isTold = names !== undefined || clientsOf(spec, read).pods;
  if (!isTold)
    return {
      hops: [{ kind: 'asks', words: 'it contacts', host, at }],
      leaves: `nothing tells its pod that ${name} is ${resolved}`,
    };
  const first = {
    kind: 'asks',
    words: `it asks for ${host} and contacts`,
    host: `${resolved}${port}`,
    at: rewrite.origin,
  };
  return { hops: behind(first, name, { policy, spec, read, ...others }) };
}

/** With the site that answers there, and what is behind that. */
function behind(first: Hop, name: string, { policy }: Understood): Hop[] {
  const bare = name.replace(/:\d+$/, '');
  const rewrite = policy.rewrites.find(({ from, to, wildcard }) => !wildcard && (from === bare || to === bare));
  const sites = rewrite ? siteHops(policy, rewrite, first.host) : [];
  return [first, ...sites.map(worded)];
}

/** Nodes pull images by mirrors alone, each kind in its own way; one step where all do the same. */
function pulled(step: string, image: string, { node }: JobQuestion, { policy, spec, read }: Understood): Step[] {
  const kinds = nodesOf(policy, spec, read).filter(({ target }) => node === undefined || target === node);
  const ways = new Map<string, { some: Nodes[]; one: Omit<Step, 'step'> }>();
  for (const kind of kinds.length === 0 ? [undefined] : kinds) {
    const hops = kind ? pullHops(policy, image, kind) : pullHops(policy, image, { mirrors: [], fallsBack: false });
    const fallback = hops.find((hop) => hop.kind === 'fallback' && hop.at === undefined);
    const isMirrored = hops[0]?.at !== undefined;
    const one = {
      hops: hops.map(worded),
      ...(isMirrored || isPrivate(policy, registryOf(image))
        ? {}
        : { leaves: `no mirror is for ${registryOf(image)}` }),
      ...(fallback ? { onFailure: `the node contacts ${fallback.host}` } : {}),
    };
    const key = JSON.stringify(one);
    ways.set(key, { some: [...(ways.get(key)?.some ?? []), ...(kind ? [kind] : [])], one });
  }
  return [...ways.values()].map(({ some, one }) => ({
    step: `${step}${some.length > 0 ? ` on ${nodeNames(some, kinds).join(', ')}` : ''}`,
    ...one,
  }));
}

function stepText({ step, hops, leaves, onFailure }: Step, { document }: Understood): string {
  const told = [
    leaves === undefined ? '' : `  LEAVES the private names: ${printable(leaves)}\n`,
    onFailure === undefined ? '' : `  leaves them where the mirror fails: ${printable(onFailure)}\n`,
  ];
  return `${printable(step)}\n${stationLines(hops, document)}${told.join('')}`;
}
