import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { unifiedPatch } from '../output/patch.ts';
import type { Cause, Change } from '../output/plan.ts';

/** What we wrote ourselves holds neither secrets nor characters that steer a terminal, and its lines must stay such that patch(1) finds them. */
const OWN: readonly (Cause | undefined)[] = ['spec changed', 'other tool version', 'no longer generated', 'missing'];

/** The patch of a change as it may be shown: a hand edit can have put anything into a file. */
export function shownPatch(change: Change): string {
  const patch = unifiedPatch(change);
  if (OWN.includes(change.cause)) return patch;
  return patch
    .split('\n')
    .map((line) =>
      line.startsWith('-') && !line.startsWith('--- ') ? `-${printable(maskSecrets(line.slice(1)))}` : line,
    )
    .join('\n');
}
