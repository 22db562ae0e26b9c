import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { unifiedPatch } from '../output/patch.ts';
import type { Cause, Change } from '../output/plan.ts';
import { fingerprintFor } from '../targets/live.ts';

/** What we wrote ourselves holds neither secrets nor characters that steer a terminal, and its lines must stay such that patch(1) finds them. */
const OWN: readonly (Cause | undefined)[] = ['spec changed', 'other tool version', 'no longer generated', 'missing'];

/** The patch of a change as it may be shown: a hand edit can have put anything into a file. */
export function shownPatch(change: Change): string {
  const patch = unifiedPatch(change);
  if (OWN.includes(change.cause)) return patch;
  const hidden = hiderFor(change);
  return patch
    .split('\n')
    .map((line) => (line.startsWith('-') && !line.startsWith('--- ') ? `-${hidden(line.slice(1))}` : line))
    .join('\n');
}

const BETWEEN = /([\s;{}"'`,=]+)/;
/** Names beside which a credential stands. */
const CREDENTIAL = /token|secret|passw|authori[sz]ation|\bauth\b|cookie|credential|api[_-]?key/i;
/** A variable, a switch or a number. */
const HARMLESS = /^(?:\$\w+|on|off|true|false|\d{1,6}[smhkKMG]?)$/;
/** Names and paths have dots and slashes in them; what has none and mixes letters with digits may have been drawn. */
const DRAWN = /^(?=.*\d)(?=.*[A-Za-z])[\w+=~-]{12,}$/;

/** What is not a word of ours is hidden beside the name of a credential, and elsewhere where it looks like one. */
function hiderFor({ before = '', after = '' }: Change): (line: string) => string {
  const hide = fingerprintFor(before);
  const own = new Set(after.split(BETWEEN));
  return (line) => {
    const named = CREDENTIAL.test(line);
    const words = line.split(BETWEEN).map((word, index) => {
      if (index % 2 === 1 || word === '' || own.has(word) || HARMLESS.test(word)) return word;
      return named || DRAWN.test(word) ? hide(word) : word;
    });
    return printable(maskSecrets(words.join('')));
  };
}
