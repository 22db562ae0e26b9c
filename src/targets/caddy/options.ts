import * as z from 'zod';
import type { Touches } from '../../accessDiff/declared.ts';
import { clientIp } from '../../spec/clientIp.ts';
import { writableFolder } from '../writable.ts';

const site = z
  .strictObject({
    listen: z.int().min(1).max(65535).optional().describe('Port of the sites; 443 where absent'),
    tls: z
      .union([
        z.enum(['internal', 'off', 'inFront']),
        z.strictObject({
          certFile: z.string().min(1).describe('PEM chain, a path on the machine that runs Caddy'),
          keyFile: z.string().min(1).describe('PEM key, a path on the machine that runs Caddy'),
        }),
      ])
      .optional()
      .describe(
        "internal (default): certificates of Caddy's own CA. off: plain http. inFront: plain http from a load balancer with which clients speak TLS. Or a certificate that covers both names of every rewrite",
      ),
    clientIp: clientIp
      .optional()
      .describe('Where the client address comes from; direct where absent. Behind a load balancer that tells it'),
  })
  .describe('The proxy sites of domain rewrites that name an upstream');

export const caddyOptions = z
  .strictObject({
    version: z
      .string()
      .regex(/^2\.\d{1,3}(?:\.\d{1,3})?$/, { error: 'must be a version such as 2.11.4' })
      .optional()
      .describe('Version of Caddy that will read the files; 2.11.3 or later'),
    admin: z
      .enum(['socket', 'off'])
      .optional()
      .describe('socket (default): the admin API on admin.sock beside the Caddyfile, for its own user only. off: none'),
    writable: writableFolder('Caddy'),
    accessLog: z
      .enum(['file', 'stdout', 'stderr'])
      .optional()
      .describe(
        'file (default): access.log in the writable folder. stdout, stderr: for containers and services of systemd',
      ),
    sites: site.optional(),
  })
  .describe('Caddy configuration: the proxies, and one site for each domain rewrite with an upstream');

export type CaddyOptions = z.infer<typeof caddyOptions>;

/** How each option touches access. */
export const caddyAccess: Touches<CaddyOptions> = {
  version: { cannotLoosen: 'it says who reads the files, which decide the same' },
  admin: {
    kind: 'listen',
    words: 'the admin API of Caddy is on',
    absent: 'socket',
    byDefault: 'socket',
    effect: (_, after) => (after === 'off' ? 'narrowing' : 'widening'),
  },
  writable: { cannotLoosen: 'it says where files are written, and no decision reads them' },
  accessLog: { cannotLoosen: 'it says where decisions are logged' },
  sites: {
    kind: 'listen',
    words: 'the sites of domain rewrites have',
    absent: "port 443 and certificates of Caddy's own CA",
  },
};
