import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { policyCodes } from './codes.ts';
import { hasPort, type NameProblem, nameProblem, type RewriteEntry, splitPort } from './domains.ts';
import type { FieldTable } from './fields.ts';
import type { RegistryRewrite } from './types.ts';

/** Returns the entries with a port, sorted by name. The same name without a port may have a rewrite of its own. */
export function resolveRegistries({ domainRewrites = [] }: Spec, problems: Diagnostic[]): RegistryRewrite[] {
  const first = new Map<string, SpecPath>();
  const registries = domainRewrites.flatMap((entry, index): RegistryRewrite[] => {
    const origin: SpecPath = ['domainRewrites', index];
    const isMirror = hasPort(entry) || entry.containerRegistry === true;
    const from = entry.from.replace(/\.(?=$|:)/, '').toLowerCase();
    const earlier = isMirror ? first.get(from) : undefined;
    if (isMirror) first.set(from, earlier ?? origin);
    if (!hasPort(entry)) return [];
    const found = [...sideProblems(entry, origin), ...entryProblems(entry, origin)];
    if (earlier) found.push(doubled(from, origin, earlier));
    problems.push(...found);
    return found.length > 0 ? [] : [{ from, to: entry.to.replace(/\.(?=$|:)/, '').toLowerCase(), origin }];
  });
  return registries.toSorted((a, b) => (a.from < b.from ? -1 : 1));
}

function sideProblems(entry: RewriteEntry, origin: SpecPath): Diagnostic[] {
  return (['from', 'to'] as const).flatMap((side) => {
    const { host, port } = splitPort(entry[side]);
    const found = nameProblem(host.toLowerCase()) ?? portProblem(port);
    return found ? [policyCodes.report('bad-domain', [...origin, side], { name: entry[side], ...found })] : [];
  });
}

function portProblem(port: string | undefined): NameProblem | undefined {
  if (port === undefined || (/^[1-9][0-9]{0,4}$/.test(port) && Number(port) < 65536)) return undefined;
  return { problem: 'has a port that is none', hint: 'a port is a number from 1 to 65535' };
}

function entryProblems({ from, to, upstream, containerRegistry }: RewriteEntry, origin: SpecPath): Diagnostic[] {
  const report = (at: string, name: string, problem: string, hint: string) =>
    policyCodes.report('rewrite-conflict', [...origin, at], { name, problem, hint });
  const side = splitPort(from).port === undefined ? 'to' : 'from';
  const name = side === 'from' ? from : to;
  if (!containerRegistry)
    return [report(side, name, 'has a port, which DNS knows nothing of', 'leave it out; only registries have ports')];
  if (upstream !== undefined)
    return [
      report(
        'upstream',
        name,
        'has a port, and a site knows names only',
        'lead straight to the registry without upstream, or give both sides names without ports',
      ),
    ];
  if (from.toLowerCase() === to.toLowerCase())
    return [report('to', to, 'is rewritten by this very rule', 'a name cannot stand for itself')];
  return [];
}

function doubled(name: string, origin: SpecPath, earlier: SpecPath): Diagnostic {
  const problem = { name, problem: 'is rewritten twice', hint: 'keep one of the two' };
  const related = [{ at: [...earlier, 'from'], message: 'first rewritten here' }];
  return policyCodes.report('rewrite-conflict', [...origin, 'from'], problem, { related });
}

/** How each field of a registry rewrite affects where images come from. */
export const REGISTRY_REWRITE: FieldTable<RegistryRewrite> = {
  from: { words: 'from', compare: 'identity' },
  to: {
    words: 'to',
    kind: 'rewrite',
    // Another server may hold other images; the spec does not say.
    compare: (before, { from, to }) => [
      { effect: 'unclear', words: `is pulled from ${ownWords(to, from)} now (before: ${ownWords(before.to, from)})` },
    ],
  },
  origin: { words: 'line', compare: { cannotLoosen: 'it says where the rewrite is written' } },
};

function ownWords(to: string, from: string): string {
  return to === from ? 'itself' : to;
}
