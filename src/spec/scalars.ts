import * as z from 'zod';

// Patterns here have no flags and mean the same with "u" and without, because the JSON Schema repeats their source.

/** Names that end up in logs, file names and engine variables, so they stay in one plain alphabet. */
export const identifier = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, {
  error: 'must start with a letter and hold only letters, digits and "-", 63 at most',
});

/** How each kind of reference is written, by the word before its colon. */
export const SECRET_FORMS = {
  env: 'env:NAME',
  file: 'file:/path',
  vault: 'vault:path#field',
  k8s: 'k8s:namespace/name#key',
  sops: 'sops:file#field',
} as const;

export type SecretScheme = keyof typeof SECRET_FORMS;

/** A secret is named, never written down; `secrets render` is the only command that follows the reference. */
export const secretReference = z
  .string()
  .regex(
    /^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^\s\0-\x1F\x7F]+|vault:(?:(?!\.\.?[/#])[^/#\s\0-\x1F\x7F]+(?:\/(?!#)|(?=#)))+#[^#\s\0-\x1F\x7F]+|sops:[^#\s\0-\x1F\x7F]+#[^#\s\0-\x1F\x7F]+|k8s:[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9.-]*#[A-Za-z0-9._-]+)$/,
    {
      error:
        'must be a reference such as env:POSTERN_KEY, file:/run/secrets/key, vault:path#field, k8s:namespace/name#key or sops:file#field, never the secret itself',
    },
  );

/** What a person has to say, such as a reason or an owner: blanks alone say nothing. */
export const said = z.string().regex(/\S/, { error: 'must say something: it is empty or holds blanks alone' });

/** An address, a CIDR, or `@name` of a set under `ipRanges`; resolved and checked by the policy layer. */
export const rangeItem = z.string().min(1);

export const rangeList = z.union([z.literal('any'), z.array(rangeItem).min(1)]);

export const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, {
  error: 'must be a header name of letters, digits and "-" (proxies drop "_")',
});

export const mediaType = z.string().regex(/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/, {
  error: 'must be a media type in lower case without parameters, such as application/json',
});

export const duration = z.string().regex(/^[1-9][0-9]{0,5}(?:ms|s|m|h)$/, {
  error: 'must be a duration such as 500ms, 30s, 5m or 1h',
});

export const byteSize = z.union([
  z.literal('unlimited'),
  z.string().regex(/^[1-9][0-9]{0,5}(?:[kK][bB]|[mM][bB]|[gG][bB])$/, {
    error: 'must be a size such as 512kB, 10MB, 1GB (powers of 1024) or unlimited',
  }),
]);

/** Below, no browser's head fits; above, one request would fill many connections' worth of memory. */
export const headSize = z.string().regex(/^(?:[89]|[1-9][0-9]{1,2})[kK][bB]$/, {
  error: 'must be a size from 8kB to 999kB (1kB is 1024 bytes)',
});

/** `2027-06-30` means the key stops at 00:00 UTC of that day, as GitLab's own token dates do. */
export const expiry = z.string().regex(/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/, {
  error: 'must be a UTC date such as 2027-06-30 or 2027-06-30T12:00:00Z',
});
