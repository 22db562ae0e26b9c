import type { DraftItem, Imported, ImportFile, ImportProblem, NotCarried } from '../../import/draft.ts';
import { type Corefile, type Directive, effectiveDirectives, parseCorefile, type ServerBlock } from './grammar.ts';

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
    const used = new Set<Directive>();
    for (const block of parsed.blocks)
      for (const { directive } of effectiveDirectives(block, parsed)) {
        used.add(directive);
        const line = directive.name.line + 1;
        const found =
          directive.name.text === 'rewrite' ? rewriteOf(directive) : 'the server itself is no part of a spec';
        const lost = typeof found === 'string' ? found : (unasked(found, block, parsed) ?? taken(found, rewrites));
        if (lost !== undefined) notCarriedOver.push({ file, line, what: directive.name.text, reason: lost });
        else if (typeof found !== 'string')
          rewrites.set(found.from, { id: found.from, notes: [`${file}:${line}`], value: found });
      }
    for (const directive of [...parsed.snippets.values()].flat())
      if (!used.has(directive) && directive.name.text !== 'import')
        notCarriedOver.push({
          file,
          line: directive.name.line + 1,
          what: directive.name.text,
          reason: 'no server imports it',
        });
  }
  if (rewrites.size === 0)
    return {
      file: files[0]?.name ?? '',
      line: 1,
      problem: 'it rewrites no name that a spec can rewrite',
      reasons: notCarriedOver,
    };
  const draft = {
    name: 'imported',
    head: ['Imported from a Corefile: names that stand for other names.'],
    domainRewrites: [...rewrites.values()],
    targets: [{ id: 'coredns', value: { form: 'import' } }],
  };
  return { draft, notCarriedOver };
}

/** Returns why a server is not asked for the name of a rule: the one with the longest zone above a name answers for it. */
function unasked({ from }: Rewrite, block: ServerBlock, { blocks }: Corefile): string | undefined {
  const name = plain(from).replace(/^\*\./, '');
  const longest = (one: ServerBlock) =>
    Math.max(...zonesOf(one).map((zone) => (zone === '' || `.${name}`.endsWith(`.${zone}`) ? zone.length : -1)));
  const own = longest(block);
  if (own < 0) return 'its server does not answer for the name';
  const others = blocks.filter((one) => one !== block);
  if (others.some((one) => longest(one) > own)) return 'another server answers for the name';
  const isSplit = from.startsWith('*') && others.some((one) => zonesOf(one).some((zone) => zone.endsWith(`.${name}`)));
  return isSplit ? 'another server answers for some names below it' : undefined;
}

/** Returns the zones of a server, without their ports; "" for all names. */
function zonesOf({ keys }: ServerBlock): string[] {
  return keys
    .flatMap(({ text }) => text.split(','))
    .filter((text) => text !== '')
    .map((text) => plain(text.replace(/^[a-z]+:\/\//, '').replace(/:\d+$/, '')));
}

function taken({ from, to }: Rewrite, rewrites: ReadonlyMap<string, DraftItem>): string | undefined {
  if (from === to) return 'a name stands for itself';
  const known = rewrites.get(from)?.value;
  if (JSON.stringify(known) === JSON.stringify({ from, to })) return undefined;
  return known ? 'a rule before it takes this name already' : undefined;
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
