import { CannotTell } from '../../prove/explore.ts';
import { type NginxDirective, parseNginx } from './liveConfig.ts';
import type { ConfigFile } from './tables.ts';

// The files as the checker of certificates reads them.

/** A directive word for word: its words, and last a list of directives where it has a block. */
export type Quote = readonly (string | readonly Quote[])[];

export const isTable = ({ name }: NginxDirective) => name === 'map' || name === 'geo';
export const nameOf = ({ args }: NginxDirective) => (args.at(-1) ?? '').slice(1);
export const isName = ({ name }: NginxDirective) => name === 'listen' || name === 'server_name';

export function quoteOf({ name, args, block }: NginxDirective): Quote {
  return [name, ...args, ...(block ? [block.map(quoteOf)] : [])];
}

export const variablesIn = (text: string) => [...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name);

export function namesIn(quote: Quote): readonly string[] {
  return quote.flatMap((each) => (typeof each === 'string' ? variablesIn(each) : each.flatMap(namesIn)));
}

export function variablesOf(directives: readonly NginxDirective[]): ReadonlySet<string> {
  return new Set(
    directives.flatMap(({ args, block }) => [...args.flatMap(variablesIn), ...(block ? variablesOf(block) : [])]),
  );
}

export function directivesOf(files: readonly ConfigFile[]): readonly NginxDirective[] {
  const texts = new Map(files.map(({ path, text }) => [path.replace(/^.*\//, ''), text]));
  const read = (name: string): readonly NginxDirective[] => {
    const directives = parseNginx(texts.get(name) ?? '');
    if ('problem' in directives || !texts.has(name)) throw new CannotTell(`${name} cannot be read`);
    return directives.flatMap(included);
  };
  const included = (directive: NginxDirective): readonly NginxDirective[] => {
    const { name, args, block } = directive;
    const [file = ''] = args;
    if (name === 'include' && !file.startsWith('secrets/')) return read(file);
    return [block ? { ...directive, block: block.flatMap(included) } : directive];
  };
  if (!texts.has('nginx.conf')) throw new CannotTell('a certificate is for files that have a http block of their own');
  return read('nginx.conf').flatMap((each) => (each.name === 'http' ? (each.block ?? []) : [each]));
}

export function rewriteOf(server: readonly NginxDirective[]): NginxDirective {
  const found = server.find(({ name }) => name === 'rewrite');
  if (!found) throw new CannotTell('the server does not send requests to what a table names');
  return found;
}
