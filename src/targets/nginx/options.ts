import * as z from 'zod';
import { byPresence, type Touches } from '../../accessDiff/declared.ts';
import { clientIp } from '../../spec/clientIp.ts';
import { writableFolder } from '../writable.ts';

export const nginxOptions = z
  .strictObject({
    version: z
      .string()
      .regex(/^1\.[0-9]{1,3}(?:\.[0-9]{1,3})?$/, { error: 'must be a version such as "1.28.3"' })
      .optional()
      .describe('Oldest nginx that will read this config; 1.22 where absent'),
    form: z
      .enum(['whole', 'include'])
      .optional()
      .describe(
        'whole (default): nginx.conf runs as it is. include: http.conf, for the http block of another nginx.conf in the folder of these files',
      ),
    caFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'PEM bundle that upstream certificates are verified with; /etc/ssl/certs/ca-certificates.crt where absent',
      ),
    resolver: z
      .array(
        z.string().regex(/^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?$/, {
          error: 'must be an address such as 10.0.0.2 or [fd00::2]:53',
        }),
      )
      .min(1)
      .optional()
      .describe(
        'DNS servers asked while nginx runs, before 1.27.3 for each connection; where absent, upstream names are looked up when it starts, and it does not start without one of them',
      ),
    sites: z
      .strictObject({
        listen: z.int().min(1).max(65535).optional().describe('Port of the sites; 443 where absent'),
        tls: z
          .union([
            z.enum(['off', 'inFront']),
            z.strictObject({
              certFile: z.string().min(1).describe('PEM chain, a path on the machine that runs nginx'),
              keyFile: z.string().min(1).describe('PEM key, a path on the machine that runs nginx'),
            }),
          ])
          .optional()
          .describe(
            'A certificate that covers both names of every rewrite; nginx makes none itself. off: plain http. inFront: plain http from a load balancer with which clients speak TLS',
          ),
        ipv6: z
          .boolean()
          .optional()
          .describe(
            'Listen on IPv6 too; true where absent. false for a kernel without IPv6, on which nginx would not start',
          ),
        clientIp: clientIp
          .optional()
          .describe('Where the client address comes from; direct where absent. Behind a load balancer that tells it'),
        requestsPerAddress: z
          .int()
          .min(1)
          .max(1_000_000)
          .optional()
          .describe(
            'Requests of one address that may be under way; an eighth of workerConnections where absent, no limit with tls: inFront and no clientIp',
          ),
      })
      .optional()
      .describe('The sites of domain rewrites that name an upstream; none where absent'),
    writable: writableFolder('nginx'),
    accessLog: z
      .enum(['file', 'stdout', 'stderr', 'journal'])
      .optional()
      .describe(
        'file (default): access.log in the writable folder. stdout, stderr: for containers. journal: /dev/log, for services of systemd, whose standard output is a socket that cannot be opened by name',
      ),
    workerProcesses: z
      .union([z.literal('auto'), z.int().min(1).max(1024)])
      .optional()
      .describe('Worker processes; one a core where absent'),
    workerConnections: z
      .int()
      .min(16)
      .max(1_000_000)
      .optional()
      .describe('Connections a worker holds, two a forwarded request; 8192 where absent'),
  })
  .describe('nginx: the proxies');

export type NginxOptions = z.infer<typeof nginxOptions>;

/** How each option touches access. */
export const nginxAccess: Touches<NginxOptions> = {
  version: { cannotLoosen: 'it says who reads the files, which decide the same' },
  form: { kind: 'trust', words: 'settings of the http block are those of', absent: 'whole', byDefault: 'whole' },
  caFile: { kind: 'trust', words: 'certificates are verified with', absent: 'those of the system' },
  resolver: { kind: 'rewrite', words: 'names of upstreams are asked of', absent: 'the system' },
  // Sites are listeners that check neither keys nor addresses.
  sites: { kind: 'listen', words: 'the sites of domain rewrites have', absent: 'no listener', effect: byPresence },
  writable: { cannotLoosen: 'it says where files are written, and no decision reads them' },
  accessLog: { cannotLoosen: 'it says where decisions are logged' },
  workerProcesses: { cannotLoosen: 'it says how much work is done at a time' },
  workerConnections: { cannotLoosen: 'it says how much work is done at a time' },
};

/** Returns the path of a file that nginx writes. */
export function writtenTo(file: string, { writable }: Pick<NginxOptions, 'writable'>): string {
  return writable === undefined ? file : `${writable}/${file}`;
}

/** Returns whether the files are for somebody else's http block. */
export function isIncluded({ form }: Pick<NginxOptions, 'form'>): boolean {
  return form === 'include';
}

/** The first version that reads 103 as an interim answer instead of the final one. */
export const WITH_INTERIM_ANSWERS = [1, 29];

/** Returns whether no nginx older than `wanted` will read this config. `wanted` is a version as numbers, `[1, 27, 3]`. */
export function atLeast(version: string | undefined, wanted: readonly number[]): boolean {
  const parts = (version ?? '1.22').split('.').map(Number);
  const different = wanted.findIndex((number, index) => number !== (parts[index] ?? 0));
  return different < 0 || (parts[different] ?? 0) > (wanted[different] ?? 0);
}
