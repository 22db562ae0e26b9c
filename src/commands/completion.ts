import type { Io, Status } from './io.ts';

const ASK = 'postern --complete';

type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of postern for bash. Where there is no word to offer, bash offers files.
_postern() {
  local IFS=$'\\n'
  # To bash, the "=" of --key=partner is a word.
  local typed="\${COMP_WORDS[COMP_CWORD]}"
  if [[ $typed == = ]]; then typed=; fi
  COMPREPLY=($(compgen -W "$(${ASK} "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)" -- "$typed"))
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
# As a file on fpath, this is the function itself when it is called for the first time.
if [[ "$funcstack[1]" == _postern ]]; then _postern "$@"; else compdef _postern postern; fi
`,
  fish: `# Completion of postern for fish. Where there is no word to offer, fish offers files.
function __postern_words
    set -l typed (commandline -ct)
    set -l found (${ASK} (commandline -opc) "$typed" 2>/dev/null)
    if test -n "$found"
        printf '%s\\n' $found
    else
        __fish_complete_path "$typed"
    end
end
complete -c postern -f -a '(__postern_words)'
`,
};

/** Prints the script that makes a shell complete command lines. */
export function completion({ shell }: { readonly shell: Shell }, io: Io): Status {
  io.out(SCRIPTS[shell]);
  return 0;
}
