import { existsSync } from 'node:fs';
import { type HeaderFields, isToken } from '../policy/request.ts';
import type { Problem } from './request.ts';

export interface ExplainArguments {
  /** `METHOD TARGET`, `dns NAME`, `pull IMAGE` or `job IMAGE`, then a spec; only a spec if there is `requests`. */
  readonly words: readonly string[];
  readonly spec?: string | undefined;
  readonly key?: string | undefined;
  readonly from?: string | undefined;
  readonly at?: string | undefined;
  readonly proxy?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly requests?: string | undefined;
  /** For `dns`: type of the records. */
  readonly type?: string | undefined;
  /** For `pull` and `job`: target whose nodes are meant. */
  readonly node?: string | undefined;
  readonly format?: 'text' | 'json' | undefined;
}

/** Options that each kind of question uses. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  dns: ['type', 'format'],
  pull: ['node', 'format'],
  job: ['node', 'format'],
  '--requests': [],
  'METHOD TARGET': ['key', 'from', 'at', 'proxy', 'header', 'format'],
};
const OPTIONS = ['type', 'node', 'key', 'from', 'at', 'proxy', 'header', 'format'] as const;

/** Returns what is wrong with a question, without reading the spec. */
export function questionProblem(args: ExplainArguments): Problem | undefined {
  const [first = '', second = '', third] = args.words;
  const kind =
    args.requests !== undefined ? '--requests' : ['dns', 'pull', 'job'].includes(first) ? first : 'METHOD TARGET';
  const ignored = OPTIONS.find((name) => args[name] !== undefined && !TAKEN[kind]?.includes(name));
  if (ignored !== undefined)
    return { problem: `--${ignored} has no meaning with ${kind}`, hint: 'take it out, or ask another question' };
  const positional = kind === '--requests' ? args.words[0] : third;
  if (positional !== undefined && args.spec !== undefined)
    return { problem: `the spec is named twice: ${positional} and --spec ${args.spec}`, hint: 'take one out' };
  return kind === 'METHOD TARGET' ? requestProblem(first, second) : undefined;
}

function requestProblem(method: string, target: string): Problem | undefined {
  if (/^(?:dns|pull)$/i.test(method))
    return { problem: `"${method}" is written small`, hint: `write explain ${method.toLowerCase()} ${target}` };
  if (method.startsWith('/')) return { problem: 'the method is missing', hint: `write explain GET ${method}` };
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(method))
    return { problem: `"${method}" is not a method`, hint: 'write METHOD TARGET first, and then the spec' };
  // `OPTIONS *` asks about the server as a whole.
  if (target.startsWith('/') || target === '*') return undefined;
  if (target === '-' || existsSync(target))
    return { problem: `the target is missing before ${target}`, hint: `write explain ${method} /path ${target}` };
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(target)?.[1] ?? target;
  const meant = path.startsWith('/') ? path : `/${path}`;
  return {
    problem: 'the target does not start with "/"',
    hint: `write explain ${method} ${meant.replace(/\?.*/s, '?…')}`,
  };
}

/** A name, an IPv4 address or an IPv6 address in brackets, with or without a port. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Returns the problem of headers that every engine refuses as malformed before it applies any rule. */
export function headerProblem(headers: HeaderFields): Problem | undefined {
  const refused = (problem: string, hint: string): Problem => ({ problem: `no engine takes ${problem}`, hint });
  for (const [name, value] of headers) {
    if (!isToken(name)) return refused(`the header name "${name}"`, 'write a name of letters, digits and "-"');
    if (/[\0-\x08\x0A-\x1F\x7F]/.test(value))
      return refused(`control characters in the header ${name}`, 'leave them out');
  }
  const all = (wanted: string) => headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  const hosts = all('host');
  if (hosts.length > 1) return refused('two Host headers', 'write one');
  if (hosts.some((host) => !HOST.test(host)))
    return refused('this Host', 'write a name or an address, with :PORT where needed');
  if (all('content-length').some((length) => !/^\d+$/.test(length)))
    return refused('this Content-Length', 'write the number of bytes');
  return undefined;
}
