import { X509Certificate } from 'node:crypto';
import type { Diagnostic, Related, SpecPath } from '../diagnostics/diagnostic.ts';
import { dateOf } from '../policy/dates.ts';
import { hasNamedSite } from '../policy/domains.ts';
import type { ReadFile } from '../policy/ranges.ts';
import type { DomainRewrite, Policy, Proxy } from '../policy/types.ts';
import type { Clients } from './clients.ts';
import { ruleCodes } from './codes.ts';

/** The input of rules about certificates. A file that cannot be read here is only on the machine of the proxy. */
interface Files {
  readonly clients: Clients;
  readonly read: ReadFile;
  /** Seconds since 1970; absent if expiry is not checked. */
  readonly now?: number | undefined;
}

/** Reports certificates that lack a name, or that expire soon. */
export function certificates(policy: Policy, { clients, read, now }: Files): Diagnostic[] {
  const known = (file: string) => all(read(file));
  return [
    ...siteNames(policy, clients, known),
    ...policy.proxies.flatMap((proxy) => proxyNames(proxy, known)),
    ...(now === undefined ? [] : named(policy, clients).flatMap((one) => ending(one, known(one.file), now))),
  ];
}

type Known = (file: string) => readonly X509Certificate[];

/**
 * Reports certificates of sites that lack a name. DNS changes where a client connects and not the name that it
 * verifies, so clients behind a DNS rewrite verify the old name, and nodes with a mirror the new one.
 */
function siteNames(policy: Policy, { certificates: given }: Clients, known: Known): Diagnostic[] {
  const sites = policy.rewrites.filter(hasNamedSite);
  return given.flatMap(({ file, at }) => {
    const [certificate] = known(file);
    if (!certificate) return [];
    const missing = sites.flatMap((site) => missingNames(site, certificate));
    const names = missing.map(({ name }) => name);
    return names.length === 0 ? [] : [ruleCodes.report('certificate-name', at, { file, names }, { related: missing })];
  });
}

function missingNames(site: DomainRewrite, certificate: X509Certificate): (Related & { readonly name: string })[] {
  return (['from', 'to'] as const)
    .filter((side) => !covers(certificate, site[side]))
    .map((side) => ({
      name: site[side],
      at: [...site.origin, side],
      message: side === 'from' ? 'what clients verify after a DNS rewrite' : 'what nodes verify at a mirror',
    }));
}

function proxyNames({ tls, hosts, publicUrl, origin }: Proxy, known: Known): Diagnostic[] {
  const [certificate] = tls ? known(tls.certFile) : [];
  if (!tls || !certificate) return [];
  const asked = new Set([...hosts, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])]);
  const names = [...asked].filter((name) => !covers(certificate, name));
  if (names.length === 0) return [];
  return [ruleCodes.report('proxy-certificate', [...origin, 'tls', 'certFile'], { file: tls.certFile, names })];
}

/** Returns whether a certificate is for a name. The subject's common name does not count, as in Go and browsers. */
function covers(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}

interface CertificateFile {
  readonly file: string;
  readonly at: SpecPath;
}

function named({ proxies, upstreams }: Policy, clients: Clients): CertificateFile[] {
  return [
    ...clients.certificates,
    ...proxies.flatMap(({ tls, origin }) => (tls ? [{ file: tls.certFile, at: [...origin, 'tls', 'certFile'] }] : [])),
    ...upstreams.flatMap(({ tls, origin }) =>
      tls?.caFile === undefined ? [] : [{ file: tls.caFile, at: [...origin, 'tls', 'caFile'] }],
    ),
  ];
}

const FOURTEEN_DAYS = 14 * 24 * 3600;

/** Reports the earliest expiry among a file's certificates, if it is soon. */
function ending({ file, at }: CertificateFile, found: readonly X509Certificate[], now: number): Diagnostic[] {
  const end = Math.min(...found.map(({ validTo }) => Math.floor(Date.parse(validTo) / 1000)));
  if (!Number.isFinite(end) || end > now + FOURTEEN_DAYS) return [];
  return [ruleCodes.report('expiring-certificate', at, { file, ends: dateOf(end), over: end <= now })];
}

/** Returns the certificates of a file in their order; none if the file cannot be read here or holds something else. */
function all(text: string | undefined): readonly X509Certificate[] {
  const blocks = text?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
