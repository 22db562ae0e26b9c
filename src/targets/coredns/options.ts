import { isIP } from 'node:net';
import * as z from 'zod';
import type { Touches } from '../../accessDiff/declared.ts';
import type { Effect } from '../../policy/fields.ts';

const port = z.int().min(1).max(65535);

/** `10.0.0.10`, `10.0.0.10:53`, `[::1]:53`, `tls://9.9.9.9`, or a file in the form of resolv.conf. */
function isResolver(text: string): boolean {
  if (/^(?:\/[A-Za-z0-9._-]+)+$/.test(text)) return true;
  const [, address = '', portText] =
    /^(?:tls:\/\/|dns:\/\/)?(\[[^\]]+\]|[^:[\]]+|[^[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  return (
    isIP(bare) !== 0 && !bare.includes('%') && (portText === undefined || port.safeParse(Number(portText)).success)
  );
}

const clusterDomain = z.string().regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/, {
  error: 'must be a domain name in lower case, such as cluster.local',
});

export const corednsOptions = z
  .strictObject({
    form: z
      .enum(['corefile', 'configMap', 'eks', 'aks', 'k3s', 'helm', 'nodeLocal', 'import'])
      .optional()
      .describe(
        'corefile: a server of its own (default); configMap: that of kubeadm; eks: the add-on; aks, k3s: ConfigMap coredns-custom; helm: values of the chart; nodeLocal: NodeLocal DNSCache; import: rules for a Corefile of yours',
      ),
    merge: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Corefile, ConfigMap that holds one, or for aks and k3s coredns-custom, to put the rules into; all else of it is kept as it is',
      ),
    forward: z
      .array(
        z.string().refine(isResolver, { error: 'must be an address, address:port, tls://address or an absolute path' }),
      )
      .min(1)
      .max(15)
      .optional()
      .describe('Resolvers that are asked for everything else; /etc/resolv.conf where absent'),
    bind: z
      .array(z.string().refine((text) => isIP(text) !== 0 && !text.includes('%'), { error: 'must be an address' }))
      .min(1)
      .optional()
      .describe('Addresses that CoreDNS listens on; all where absent'),
    port: port.optional().describe('Port that CoreDNS listens on; 53, or what -dns.port says, where absent'),
    clusterDomain: clusterDomain.optional().describe('Domain of the Kubernetes cluster; cluster.local where absent'),
  })
  .describe('DNS for pods: CoreDNS answers for the old name with the records of the new one');

export type CorednsOptions = z.infer<typeof corednsOptions>;

/** How each option touches access. */
export const corednsAccess: Touches<CorednsOptions> = {
  form: { kind: 'rewrite', words: 'the rules are written for', absent: 'corefile', byDefault: 'corefile' },
  merge: { kind: 'rewrite', words: 'the rules stand among', absent: 'nothing else', isFile: true },
  forward: {
    kind: 'rewrite',
    words: 'all other names are asked of',
    absent: '/etc/resolv.conf',
    byDefault: ['/etc/resolv.conf'],
  },
  bind: { kind: 'listen', words: 'CoreDNS listens on', absent: 'all addresses', effect: bindEffect },
  port: { kind: 'listen', words: 'CoreDNS listens on port', absent: '53', byDefault: 53 },
  clusterDomain: {
    kind: 'rewrite',
    words: 'names of the cluster end in',
    absent: 'cluster.local',
    byDefault: 'cluster.local',
  },
};

/**
 * Returns whether the new addresses are a part of the old ones, or the other way round; an absent list is all
 * addresses.
 */
function bindEffect(before: unknown, after: unknown): Effect {
  const includes = (wide: unknown, narrow: unknown) =>
    wide === undefined || (Array.isArray(wide) && Array.isArray(narrow) && narrow.every((one) => wide.includes(one)));
  if (includes(before, after)) return 'narrowing';
  return includes(after, before) ? 'widening' : 'unclear';
}
export type CorednsForm = NonNullable<CorednsOptions['form']>;
