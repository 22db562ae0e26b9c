import { maskSecrets, namesCredential } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { unifiedPatch } from '../output/patch.ts';
import type { Cause, Change } from '../output/plan.ts';
import { fingerprintFor } from '../targets/live.ts';

/** What we wrote ourselves holds neither secrets nor characters that steer a terminal, and its lines must stay such that patch(1) finds them. */
const OWN: readonly (Cause | undefined)[] = ['spec changed', 'other tool version', 'no longer generated', 'missing'];

/** The patch of a change as it may be shown: a hand edit can have put anything into a file. */
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

/** `key = value`, `key: value`, `key:` and `[section]`; in all other lines, a long text may go on that holds anything. */
const NAMED = /^\s*(?:\[[\w.\s"'-]*\]{1,2}|[\w."'-]{1,60}\s*(?:[=:](?=\s+\S)|:(?=\s*$)))/;

/** Of a copy of a user's file only the lines between our markers are ours; of all others the names are shown, no values. */
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
/** Names and paths have dots and slashes in them; what has none and mixes letters with digits may have been drawn. */
const DRAWN = /^(?=.*\d)(?=.*[A-Za-z])[\w+=~-]{12,}$/;

/** What is not a word of ours is hidden beside the name of a credential, and elsewhere where it looks like one. */
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
