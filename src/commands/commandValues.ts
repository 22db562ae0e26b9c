import { INPUTS, OUTPUTS, POSITIONS } from './commandWords.ts';
import { options } from './options.ts';

/** Marks a word that yargs has to leave alone. Arguments of a process never hold a NUL. */
export const LITERAL = '\0';

/** Marks a "-" in a position, which yargs would drop, and all words after "--", which it would not pass on. */
export function literally(line: readonly string[]): string[] {
  const end = line.indexOf('--');
  const words = end < 0 ? line : [...line.slice(0, end), ...line.slice(end + 1).map((word) => `${LITERAL}${word}`)];
  return words.map((word) => (word === '-' ? `${LITERAL}-` : word));
}

export function restoreWords(args: Record<string, unknown>): void {
  const restore = (value: unknown): unknown =>
    typeof value === 'string' ? value.replace(LITERAL, '') : Array.isArray(value) ? value.map(restore) : value;
  for (const [name, value] of Object.entries(args)) args[name] = restore(value);
}

/** Refuses values that yargs accepts and no command can use, such as an empty one. */
export function checkValues(args: Readonly<Record<string, unknown>>): true {
  let inputs = 0;
  for (const [name, value] of Object.entries(args)) {
    // yargs passes an option with a dash a second time in camel case.
    if (name === '_' || name === '$0' || /[A-Z]/.test(name)) continue;
    const shown = POSITIONS[name] ?? `--${name}`;
    const isMany = ['words', 'specs', 'files', 'logs'].includes(name) || isList(name);
    if (Array.isArray(value) && !isMany) throw new Error(`${shown} is given more than once`);
    const values: readonly unknown[] = [value].flat();
    if (values.includes(''))
      throw new Error(`${shown} is empty${isList(name) ? ' or has an empty part' : ''}; is a variable not set?`);
    // A folder of that name could be made, and each line about it would show the password of the URL.
    if (OUTPUTS.includes(name) && values.some((one) => /^[a-z][a-z\d+.-]*:\/\//i.test(String(one))))
      throw new Error(`${shown} is a URL; name a file or folder of this machine`);
    const read = values.filter((one) => one === '-' || (name === 'live' && String(one).endsWith('=-'))).length;
    if (read > 0 && !INPUTS.includes(name)) throw new Error(`${shown} cannot be standard input`);
    inputs += read;
  }
  if (inputs > 1) throw new Error('standard input can be read only once');
  return true;
}

function isList(name: string): boolean {
  return Object.entries(options).some(([known, option]) => known === name && 'array' in option);
}
