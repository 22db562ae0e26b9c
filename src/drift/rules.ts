import type { CorefileDirective, ServerBlock } from './corefile.ts';

/** A rewrite of names as CoreDNS reads it, whatever way it was written. */
export interface RewriteRule {
  readonly stop: boolean;
  readonly match: string;
  readonly from: string;
  /** All words that count, for comparing. */
  readonly words: readonly string[];
}

const MATCHES = ['exact', 'prefix', 'suffix', 'substring', 'regex'];

/** Reads a `rewrite` directive of names; `undefined` for every other directive. */
function ruleOf({ words, body }: CorefileDirective): RewriteRule | undefined {
  if (words[0] !== 'rewrite') return undefined;
  const all = [...words.slice(1), ...body.flat()].filter((word) => word !== '');
  const action = all[0] === 'stop' || all[0] === 'continue' ? all[0] : undefined;
  const rest = action === undefined ? all : all.slice(1);
  if (rest[0] !== 'name') return undefined;
  const match = MATCHES.find((one) => one === rest[1]);
  const operands = rest.slice(match === undefined ? 1 : 2);
  const lower = (match === 'regex' ? operands : operands.map((word) => word.toLowerCase())).map(
    dotted(match ?? 'exact'),
  );
  return {
    stop: action !== 'continue',
    match: match ?? 'exact',
    from: lower[0] ?? '',
    words: [action ?? 'stop', match ?? 'exact', ...lower],
  };
}

/** CoreDNS completes the names of an exact rule with the dot of the root; those of other rules it takes as they are. */
function dotted(match: string): (word: string, index: number) => string {
  return (word, index) => (match === 'exact' && index < 2 && !word.endsWith('.') ? `${word}.` : word);
}

export function rulesOf(block: ServerBlock): RewriteRule[] {
  return block.directives.flatMap((directive) => ruleOf(directive) ?? []);
}

export function sameRule(a: RewriteRule, b: RewriteRule): boolean {
  return a.words.join(' ') === b.words.join(' ');
}

export function ruleWords({ words }: RewriteRule): string {
  return `"rewrite ${words[0]} name ${words.slice(1).join(' ')}"`;
}

/** A name that a rule of ours rewrites, with the dot of the root. */
export function sampleName({ match, from }: RewriteRule): string {
  return match === 'suffix' ? `name${from}` : from;
}

/** Whether a rule takes a name before another one can. A regular expression that cannot be read might. */
export function takes(rule: RewriteRule, name: string): boolean {
  switch (rule.match) {
    case 'exact':
      return rule.from === name;
    case 'prefix':
      return name.startsWith(rule.from);
    case 'suffix':
      return name.endsWith(rule.from);
    case 'substring':
      return name.includes(rule.from);
    default:
      return mayMatch(rule.from, name);
  }
}

function mayMatch(source: string, name: string): boolean {
  try {
    return new RegExp(source.replace(/^\(\?i\)/, ''), 'i').test(name);
  } catch {
    return true;
  }
}
