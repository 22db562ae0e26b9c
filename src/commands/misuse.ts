import { suggest } from '../spec/suggest.ts';
import { LITERAL } from './commandValues.ts';
import { ELSEWHERE, OPTIONS_ELSEWHERE } from './commandWords.ts';
import { options } from './options.ts';

/** What is known of a command where a line misuses it. */
interface Known {
  readonly name: string;
  /** Its positions: `import <kind> <files..>`. */
  readonly usage: string;
  readonly takes: { readonly options: Readonly<Record<string, unknown>> };
}

/** Returns what is wrong with the first word of a command line; `undefined` where it names a command. */
export function unknownCommand([first]: readonly string[], commands: readonly Known[]): string | undefined {
  const names = commands.map(({ name }) => name);
  if (first === undefined || first === '') return 'name a command';
  if (/^-/.test(first)) {
    const global = /^(?:-h|--help|--version|--complete)$/.test(first);
    if (/^-(?:v|V|-?ver|version)$/.test(first)) return 'write postern --version';
    return global ? undefined : 'name a command first, and then its options';
  }
  if (names.includes(first)) return undefined;
  const begun = names.filter((name) => name.startsWith(first));
  const meant = (begun.length === 1 ? begun[0] : undefined) ?? ELSEWHERE[first] ?? suggest(first, names);
  return `there is no command "${first}"${meant === undefined ? `; there are ${names.join(', ')}` : `, did you mean "postern ${meant}"?`}`;
}

/** Rewrites a message of yargs so that it says what may have been meant. */
export function inOurWords(misuse: string, line: readonly string[], commands: readonly Known[]): string {
  const part = (pattern: RegExp) => pattern.exec(misuse)?.[1]?.replace(LITERAL, '');
  const choice = part(/^Invalid values:\n +Argument: ([\w-]+)/);
  if (choice !== undefined) {
    const choices = (part(/Choices: (.*)$/s) ?? '').replaceAll('"', '');
    return `${choice in options ? '--' : ''}${choice} takes one of: ${choices}`;
  }
  const valueless = part(/^Argument unexpected for: (.*)$/s);
  if (valueless !== undefined) return `--${valueless} takes no value`;
  const bare = part(/^Not enough arguments following: (.*)$/s);
  if (bare !== undefined) return `--${bare} needs a value`;
  if (/^Not enough non-option arguments/.test(misuse)) {
    const usage = commands.find(({ name }) => name === line[0])?.usage;
    if (usage !== undefined) return `write postern ${usage}`;
  }
  const unknown = part(/^Unknown arguments?: (.*?)(?:, .*)?$/s);
  return unknown === undefined ? misuse : unknownArgument(unknown, line, commands);
}

function unknownArgument(unknown: string, line: readonly string[], commands: readonly Known[]): string {
  const [name = ''] = line;
  const option = line.find((word) => /^-/.test(word) && word.replace(/^-+/, '').split('=', 1)[0] === unknown);
  if (option === undefined) return `"${unknown}" is one argument too many for "postern ${name}"`;
  const has = `"postern ${name}" has no option ${option.split('=', 1)[0]}`;
  const known = Object.keys(commands.find((one) => one.name === name)?.takes.options ?? {});
  const usual = OPTIONS_ELSEWHERE[unknown.toLowerCase().replaceAll('-', '')];
  const meant = suggest(unknown, known) ?? (usual !== undefined && known.includes(usual) ? usual : undefined);
  if (meant !== undefined) return `${has}, did you mean --${meant}?`;
  if (usual === 'spec') return `${has}: name the spec without one, such as "postern ${name} postern.yaml"`;
  const others = commands.filter((one) => unknown in one.takes.options).map((one) => `"postern ${one.name}"`);
  return `${has}; ${others.length > 0 ? `it is one of ${others.join(', ')}` : `see "postern ${name} --help"`}`;
}
