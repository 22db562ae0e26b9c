import { type NginxDirective, parseNginx } from '../../src/targets/nginx/liveConfig.ts';

export interface Expression {
  readonly source: string;
  readonly ignoreCase: boolean;
}

/** Returns every regular expression of nginx files, each once: those of maps, locations, rewrites, redirects and ifs. */
export function expressionsIn(texts: readonly string[]): readonly Expression[] {
  const found = new Map<string, Expression>();
  const add = (sign: string, text: string) => {
    // The reader of expressions takes a character for a byte.
    const source = Buffer.from(text).toString('latin1');
    found.set(`${sign} ${source}`, { source, ignoreCase: sign.endsWith('*') });
  };
  const walk = ({ name, args, block = [] }: NginxDirective): void => {
    const [first = '', second = ''] = args;
    if (name === 'rewrite') add('~', first);
    else if ((name === 'location' && first.startsWith('~')) || (name === 'if' && /^!?~/.test(second)))
      add(
        ...(name === 'if'
          ? ([second, args.slice(2).join(' ').replace(/\)$/, '')] as const)
          : ([first, second] as const)),
      );
    else
      for (const word of [name, ...args]) {
        const [, sign, text] = /^(~\*?)(.*)$/s.exec(word) ?? [];
        if (sign !== undefined && text !== undefined) add(sign, text);
      }
    block.forEach(walk);
  };
  for (const text of texts) {
    const directives = parseNginx(text);
    if ('problem' in directives) throw new Error(directives.problem);
    directives.forEach(walk);
  }
  return [...found.values()];
}
