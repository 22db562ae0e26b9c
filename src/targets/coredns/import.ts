import type { DraftItem, Imported, ImportFile, ImportProblem, NotCarried } from '../../import/draft.ts';
import { type Directive, parseCorefile } from './grammar.ts';

const NAME = /^(?=.{3,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

interface Rewrite {
  readonly from: string;
  readonly to: string;
}

/** Returns the rewrites of names in Corefiles as domain rewrites, with a list of all else that a server does. */
export function importCorefile(files: readonly ImportFile[]): Imported | ImportProblem {
  const rewrites = new Map<string, DraftItem>();
  const notCarriedOver: NotCarried[] = [];
  for (const { name: file, text } of files) {
    const parsed = parseCorefile(text);
    if ('problem' in parsed) return { file, line: parsed.at.line + 1, problem: parsed.problem };
    for (const word of parsed.imports)
      notCarriedOver.push({ file, line: word.line + 1, what: 'import', reason: 'name the file beside this one' });
    const all = [...parsed.blocks.flatMap(({ directives }) => directives), ...[...parsed.snippets.values()].flat()];
    for (const directive of all) {
      const line = directive.name.line + 1;
      const found = directive.name.text === 'rewrite' ? rewriteOf(directive) : 'the server itself is no part of a spec';
      const lost = typeof found === 'string' ? found : taken(found, rewrites);
      if (lost !== undefined) notCarriedOver.push({ file, line, what: directive.name.text, reason: lost });
      else if (typeof found !== 'string')
        rewrites.set(found.from, { id: found.from, notes: [`${file}:${line}`], value: found });
    }
  }
  if (rewrites.size === 0)
    return { file: files[0]?.name ?? '', line: 1, problem: 'it rewrites no name that a spec can rewrite' };
  const draft = {
    name: 'imported',
    head: ['Imported from a Corefile: names that stand for other names.'],
    domainRewrites: [...rewrites.values()],
    targets: [{ id: 'coredns', value: { form: 'import' } }],
  };
  return { draft, notCarriedOver };
}

function taken({ from, to }: Rewrite, rewrites: ReadonlyMap<string, DraftItem>): string | undefined {
  if (from === to) return 'a name stands for itself';
  return rewrites.has(from) ? 'a rule before it takes this name already' : undefined;
}

const plain = (text: string) => text.toLowerCase().replace(/\.$/, '');

/** Returns the rewrite that a rule stands for, or why it is none. */
function rewriteOf({ words }: Directive): Rewrite | string {
  const all = words.map(({ text }) => text).filter((word) => word !== '{' && word !== '}');
  const mode = all[0] === 'stop' || all[0] === 'continue' ? all.shift() : undefined;
  if (mode === 'continue') return 'rules after it may rewrite the name once more';
  if (all[0] !== 'name') return 'only names are rewritten by a spec';
  const kind = ['exact', 'prefix', 'suffix', 'substring', 'regex'].find((one) => one === all[1]);
  const [from = '', to = '', ...more] = all.slice(kind === undefined ? 1 : 2).map(plain);
  if (more.length > 0 && more.join(' ') !== 'answer auto') return 'answers are mapped back in the way of a spec alone';
  if (kind === undefined || kind === 'exact')
    return NAME.test(from) && NAME.test(to) ? { from, to } : 'one of the two is no whole name';
  if (kind !== 'suffix') return 'a part of a name is no name: write whole ones, or *.name';
  const [below, target] = [from.replace(/^\./, ''), to.replace(/^\./, '')];
  if (!from.startsWith('.') || !to.startsWith('.')) return 'without a dot it also takes names that only end so';
  return NAME.test(below) && NAME.test(target)
    ? { from: `*.${below}`, to: `*.${target}` }
    : 'one of the two is no whole name';
}
