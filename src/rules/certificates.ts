import { X509Certificate } from 'node:crypto';
import type { Diagnostic, Related } from '../diagnostics/diagnostic.ts';
import { hasNamedSite } from '../policy/domains.ts';
import type { ReadFile } from '../policy/ranges.ts';
import type { DomainRewrite, Policy } from '../policy/types.ts';
import type { Clients } from './clients.ts';
import { ruleCodes } from './codes.ts';

/**
 * Certificates of sites that lack a name. DNS changes where a client connects, not the name that it verifies, so a site
 * is met under the old name by whoever follows a DNS rewrite and under the new one by whoever uses a mirror.
 */
export function certificates(policy: Policy, { certificates: all }: Clients, read: ReadFile): Diagnostic[] {
  const sites = policy.rewrites.filter(hasNamedSite);
  return all.flatMap(({ file, at }) => {
    const certificate = parse(read(file));
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

/** As Go and browsers do it: the subject's common name has not counted for years. */
function covers(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}

/** The file belongs to the machine that runs the proxy; where it is not here as well, there is nothing to check. */
function parse(text: string | undefined): X509Certificate | undefined {
  if (text === undefined) return undefined;
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}
