import { defineCodes, error, warning } from '../diagnostics/codes.ts';

/** What every target for nodes may have to say about mirrors. */
export const mirrorCodes = defineCodes('mirror', {
  none: warning('no registry is mirrored, so this target makes nothing that changes anything').hint(
    'write containerRegistry: true at the rewrites of names that images are pulled by',
  ),
  unsupported: error('{product} cannot {what}').hint('{hint}'),
});
