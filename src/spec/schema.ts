import * as z from 'zod';
import { apiKeys } from './apiKeys.ts';
import { domainRewrites, ipRanges } from './domains.ts';
import { proxies } from './proxies.ts';
import { routes } from './routes.ts';
import { tests } from './tests.ts';
import { upstreams } from './upstreams.ts';

/** Options schema of each target that exists, by name; handed in so that the spec layer knows no target. */
export type TargetOptionSchemas = Readonly<Record<string, z.ZodType>>;

/** The whole spec, version 1. Every object is strict: an unknown key is a mistake, never ignored. */
export function specSchema(targets: TargetOptionSchemas) {
  return z.strictObject({
    $schema: z.string().optional().describe('JSON Schema of this file, for editors'),
    version: z.literal(1).describe('Version of the spec format'),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'must hold only lower case letters, digits and "-", 63 at most' })
      .describe('Name of this spec; appears in every generated file'),
    ipRanges: ipRanges.optional(),
    upstreams: upstreams.optional(),
    routes: routes.optional(),
    apiKeys: apiKeys.optional(),
    proxies: proxies.optional(),
    domainRewrites: domainRewrites.optional(),
    targets: z
      .strictObject(Object.fromEntries(Object.entries(targets).map(([name, options]) => [name, options.optional()])))
      .optional()
      .describe('A target is rendered when its key is present'),
    tests: tests.optional(),
  });
}

export type Spec = Omit<z.infer<ReturnType<typeof specSchema>>, 'targets'> & {
  readonly targets?: Readonly<Record<string, unknown>> | undefined;
};
