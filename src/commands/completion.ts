import { presetNames } from '../compose/presets.ts';
import { catalog } from '../diagnostics/codes.ts';
import { ruleCodes } from '../rules/codes.ts';
import { importers } from './import.ts';
import type { Io, Status } from './io.ts';
import { compileArgument } from './spec.ts';

// If SHELL is zsh, yargs adds a description to each word; the scripts need the words only.
const ASK = 'SHELL=/bin/sh postern --get-yargs-completions';

type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of postern for bash. Where there is no word to offer, bash offers files.
_postern() {
  local IFS=$'\\n'
  local words="$(${ASK} "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _postern postern
`,
  zsh: `#compdef postern
# Completion of postern for zsh. Where there is no word to offer, zsh offers files.
_postern() {
  local -a found
  found=("\${(@f)$(${ASK} "\${(@)words[1,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _postern postern
`,
  fish: `# Completion of postern for fish.
complete -c postern -a '(${ASK} (commandline -opc) (commandline -ct) 2>/dev/null)'
`,
};

/** Prints the script that makes a shell complete command lines. */
export function completion({ shell }: { readonly shell: Shell }, io: Io): Status {
  io.out(SCRIPTS[shell]);
  return 0;
}

/**
 * Returns the names that may be the last word of a command line: ids of the spec, codes, presets. Returns `undefined`
 * for words that yargs completes: commands, options and their choices.
 * @param words of the line from the command's own name on; the last one as far as it is typed
 */
export function namesFor([, command = '', ...words]: readonly string[], io: Io): readonly string[] | undefined {
  const before = words.at(-2) ?? '';
  const [first = ''] = words;
  if (before === '--accept' || before === '--explain') return catalog([ruleCodes]).map(({ code }) => code);
  if (before === '--preset') return presetNames();
  if (command === 'import' && words.length === 1 && !first.startsWith('-')) return importers().map(({ kind }) => kind);
  const section = sectionFor({ command, words, before });
  if (section === undefined) return undefined;
  const quiet = { ...io, err: () => undefined };
  const { spec } = compileArgument(specIn(words), quiet);
  return Object.keys(spec?.[section] ?? {});
}

interface Typed {
  readonly command: string;
  readonly words: readonly string[];
  /** The word before the one that is being typed. */
  readonly before: string;
}

function sectionFor({ command, words, before }: Typed): 'apiKeys' | 'proxies' | 'targets' | 'ipRanges' | undefined {
  if (before === '--key' || (command === 'keys' && words.length === 2)) return 'apiKeys';
  if (before === '--proxy') return 'proxies';
  if (before === '--target' || before === '--engine') return 'targets';
  return command === 'ranges' && words.length === 2 ? 'ipRanges' : undefined;
}

function specIn(words: readonly string[]): string | undefined {
  const named = words[words.indexOf('--spec') + 1];
  if (words.includes('--spec') && named !== undefined) return named;
  return words.find((word) => /\.ya?ml$/.test(word));
}
