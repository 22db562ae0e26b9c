import { code, defineCodes } from '../diagnostics/codes.ts';

/** What every target for nodes may have to say about mirrors. */
export const mirrorCodes = defineCodes('mirror', {
  none: code<Record<never, never>>({
    severity: 'warning',
    message: () => 'no registry is mirrored, so this target makes nothing that changes anything',
    hint: () => 'write containerRegistry: true at the rewrites of names that images are pulled by',
  }),
  unsupported: code<{ product: string; what: string; hint: string }>({
    severity: 'error',
    message: ({ product, what }) => `${product} cannot ${what}`,
    hint: ({ hint }) => hint,
  }),
});
