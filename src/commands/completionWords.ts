import { presetNames } from '../compose/presets.ts';
import { catalog } from '../diagnostics/codes.ts';
import { ruleCodes } from '../rules/codes.ts';
import type { Spec } from '../spec/schema.ts';
import { importers } from './import.ts';
import type { Io } from './io.ts';
import { compileArgument } from './spec.ts';

interface Argument {
  readonly type?: string | undefined;
  readonly choices?: readonly unknown[] | undefined;
}

interface Known {
  readonly name: string;
  readonly takes: Readonly<Record<'positionals' | 'options', Options>>;
}

/**
 * Returns the words that may be the last one of a command line, of which there are none where a file may be.
 * @param line from the command's own name on; its last word as far as it is typed, perhaps not at all
 */
export function wordsFor([, ...line]: readonly string[], commands: readonly Known[], io: Io): readonly string[] {
  const words = joined(line);
  const [name = '', ...rest] = words;
  const typed = rest.at(-1);
  const command = commands.find((one) => one.name === name);
  if (typed === undefined) return name.startsWith('-') ? GLOBAL : commands.map((one) => one.name);
  if (command === undefined) return [];
  const { options, positionals } = command.takes;
  const spec = () => compileArgument(specIn(rest), { ...io, err: () => undefined }).spec;
  const [, written, option] = /^(--([\w-]+)=)/.exec(typed) ?? [];
  if (option !== undefined && written !== undefined) {
    // bash has split the line there, and completes what is behind it.
    const shown = line.includes('=') ? '' : written;
    return valuesOf(option, options[option], spec).map((value) => `${shown}${value}`);
  }
  const asking = askedBy(rest.at(-2), options);
  if (asking !== undefined) {
    // "nginx," asks for more of a list.
    const sure = /^.*,/.exec(typed)?.[0] ?? '';
    return valuesOf(asking, options[asking], spec).map((value) => `${sure}${value}`);
  }
  if (typed.startsWith('-')) return [...Object.keys(options).map((one) => `--${one}`), ...GLOBAL];
  const index = places(rest.slice(0, -1), options);
  if (name === 'explain') return index === 0 ? ASKED : [];
  const position = Object.keys(positionals)[index] ?? '';
  return valuesOf(position, positionals[position], spec);
}

/** What a question to `explain` starts with. */
const ASKED = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'dns', 'pull', 'job'];

const GLOBAL = ['--help', '--version'];

/** The words as other shells have them: bash makes three of "--key=partner". */
function joined(line: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (const word of line) {
    const before = words.at(-1) ?? '';
    if (/^--[\w-]+$/.test(before) && word === '=') words[words.length - 1] = `${before}=`;
    else if (/^--[\w-]+=$/.test(before)) words[words.length - 1] = `${before}${word}`;
    else words.push(word);
  }
  return words;
}

type Options = Readonly<Record<string, Argument>>;

/** Returns the option whose value comes behind a word. */
function askedBy(word: string | undefined, options: Options): string | undefined {
  const name = /^--([\w-]+)$/.exec(word ?? '')?.[1];
  const option = name === undefined ? undefined : options[name];
  return option && option.type !== 'boolean' ? name : undefined;
}

/** How many words stand in positions, which no option and no value of one does. */
function places(words: readonly string[], options: Options): number {
  return words.filter((word, index) => !word.startsWith('-') && askedBy(words[index - 1], options) === undefined)
    .length;
}

function valuesOf(name: string, argument: Argument | undefined, spec: () => Spec | undefined): readonly string[] {
  if (argument?.choices !== undefined) return argument.choices.map(String);
  const ids = (section: 'apiKeys' | 'proxies' | 'targets' | 'ipRanges') => Object.keys(spec()?.[section] ?? {});
  switch (name) {
    case 'key':
    case 'id':
      return ids('apiKeys');
    case 'proxy':
      return ids('proxies');
    case 'target':
    case 'engine':
      return ids('targets');
    case 'set':
      return ids('ipRanges');
    case 'accept':
    case 'explain':
      return catalog([ruleCodes]).map(({ code }) => code);
    case 'preset':
      return presetNames();
    case 'kind':
      return importers().map(({ kind }) => kind);
    default:
      return [];
  }
}

function specIn(words: readonly string[]): string | undefined {
  const named = words[words.indexOf('--spec') + 1];
  if (words.includes('--spec') && named !== undefined) return named;
  return words.find((word) => /\.ya?ml$/.test(word));
}
