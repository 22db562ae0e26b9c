import { maskSecrets, namesCredential } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { unifiedPatch } from '../output/patch.ts';
import type { Cause, Change } from '../output/plan.ts';
import { fingerprintFor } from '../targets/live.ts';

/**
 * Causes of changes to files as Postern wrote them. Such files hold neither secrets nor control characters, and their
 * patches stay exact for patch(1).
 */
const OWN: readonly (Cause | undefined)[] = ['spec changed', 'other tool version', 'no longer generated', 'missing'];

/** Returns the patch of a change without secrets: a hand edit can have put anything into a file. */
export function shownPatch(change: Change): string {
  const patch = unifiedPatch(change);
  if (change.isCopy) return shownCopy(patch, change);
  if (OWN.includes(change.cause)) return patch;
  const hidden = hiderFor(change);
  return patch
    .split('\n')
    .map((line) => (line.startsWith('-') && !line.startsWith('--- ') ? `-${hidden(line.slice(1))}` : line))
    .join('\n');
}

const MANAGED = /^[ \t]*# BEGIN postern [^\n]*\n[\s\S]*?^[ \t]*# END postern [^\n]*/gm;

/**
 * The part of a line that is shown: `key =`, `key:` or `[section]`. Any other line may continue a long text that holds
 * a secret.
 */
const NAMED = /^\s*(?:\[[\w.\s"'-]*\]{1,2}|[\w."'-]{1,60}\s*(?:[=:](?=\s+\S)|:(?=\s*$)))/;

/**
 * Hides values in the patch of a copy of a user's file. Only the lines between our markers are ours; of all others,
 * names are shown.
 */
function shownCopy(patch: string, { before = '', after = '' }: Change): string {
  const ours = new Set([...after.matchAll(MANAGED)].flatMap(([whole]) => whole.split(/\r?\n/)));
  const hide = fingerprintFor(before + after);
  const shown = (line: string) => {
    const [name = ''] = NAMED.exec(line) ?? [];
    const rest = line.slice(name.length).trim();
    return rest === '' ? printable(line) : `${printable(maskSecrets(name))} ${hide(rest)}`;
  };
  return patch
    .split('\n')
    .map((line, index) => {
      if (index < 2 || line === '' || /^(?:@@ |\\ )/.test(line)) return line;
      const text = line.slice(1).replace(/\r$/, '');
      return ours.has(text) ? line : `${line.charAt(0)}${shown(text)}`;
    })
    .join('\n');
}

const BETWEEN = /([\s;{}"'`,=]+)/;
/** A variable, a switch or a number. */
const HARMLESS = /^(?:\$\w+|on|off|true|false|\d{1,6}[smhkKMG]?)$/;
/** A word that may be random: letters and digits mixed, without the dots and slashes of names and paths. */
const DRAWN = /^(?=.*\d)(?=.*[A-Za-z])[\w+=~-]{12,}$/;

/**
 * Returns a function that hides words in a line that are not in our file: all of them if the line names a credential,
 * else those that look random.
 */
function hiderFor({ before = '', after = '' }: Change): (line: string) => string {
  const hide = fingerprintFor(before);
  const own = new Set(after.split(BETWEEN));
  return (line) => {
    const named = namesCredential(line);
    const words = line.split(BETWEEN).map((word, index) => {
      if (index % 2 === 1 || word === '' || own.has(word) || HARMLESS.test(word)) return word;
      return named || DRAWN.test(word) ? hide(word) : word;
    });
    return printable(maskSecrets(words.join('')));
  };
}
