import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { hasNamedSite, writtenName } from '../../policy/domains.ts';
import { resolveName } from '../../policy/names.ts';
import type { Policy } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { gitlabRunnerCodes } from './codes.ts';
import type { GitlabRunnerOptions } from './options.ts';

/** Names under which the runner and its jobs find GitLab and all other names that are rewritten. */
export interface RunnerNames {
  /** URL that the runner uses and that jobs clone from; it has the private name where a site serves that. */
  readonly url: string;
  /** Whether this is another name than GitLab's own. */
  readonly isPrivate: boolean;
  /** Lines of /etc/hosts, sorted by address; empty where names are looked up in DNS. */
  readonly hosts: readonly { readonly address: string; readonly names: readonly string[] }[];
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
}

/** What the runner asks: the private name of GitLab where a site answers for it. */
export function askedUrl(policy: Policy, publicUrl: string): string {
  const url = new URL(publicUrl);
  const { name, rewrite } = resolveName(policy, url.hostname);
  if (rewrite === undefined || !hasNamedSite(rewrite)) return publicUrl;
  return `https://${name}${url.port === '' ? '' : `:${url.port}`}`;
}

export function namesOf(input: TargetInput<GitlabRunnerOptions>, problems: Diagnostic[]): RunnerNames {
  const { policy, options, at } = input;
  const { hostname } = new URL(options.url);
  const { rewrite } = resolveName(policy, hostname);
  const url = askedUrl(policy, options.url);
  const isPrivate = url !== options.url;
  const names = typeof options.names === 'object' ? options.names : undefined;
  const hosts = names && 'hosts' in names ? names.hosts : undefined;
  const nameservers = names && 'nameservers' in names ? names : undefined;
  const own = policy.rewrites.find(({ to, wildcard }) => !wildcard && to === hostname);
  if (own) problems.push(gitlabRunnerCodes.report('private-url', [...at, 'url'], { name: own.to, from: own.from }));
  if (hosts) checkHosts(hosts, input, problems);
  else if (nameservers && rewrite && !isPrivate)
    problems.push(gitlabRunnerCodes.report('manager-name', [...at, 'names'], { name: hostname }));
  else if (options.names === undefined && !input.filesOf?.('coredns')?.length)
    problems.push(
      ...policy.rewrites
        .slice(0, 1)
        .map((rewrite) => gitlabRunnerCodes.report('names-left', at, { name: writtenName(rewrite, 'from') })),
    );
  return {
    url,
    isPrivate,
    hosts: aliasesOf(hosts ?? {}),
    nameservers: nameservers?.nameservers ?? [],
    searches: nameservers?.searches ?? [],
  };
}

function checkHosts(
  hosts: Readonly<Record<string, string>>,
  { policy, at }: TargetInput<GitlabRunnerOptions>,
  problems: Diagnostic[],
): void {
  const place = [...at, 'names', 'hosts'];
  for (const { from, to, wildcard } of policy.rewrites) {
    if (wildcard) problems.push(gitlabRunnerCodes.report('host-wildcard', place, { name: from }));
    else if (!Object.hasOwn(hosts, from))
      problems.push(gitlabRunnerCodes.report('host-missing', place, { name: from, to }));
  }
  for (const name of Object.keys(hosts))
    if (!policy.rewrites.some(({ from, wildcard }) => !wildcard && from === name))
      problems.push(gitlabRunnerCodes.report('host-unknown', [...place, name], { name }));
}

function aliasesOf(hosts: Readonly<Record<string, string>>): RunnerNames['hosts'] {
  const addresses = [...new Set(Object.values(hosts))].sort();
  return addresses.map((address) => ({
    address,
    names: Object.keys(hosts)
      .filter((name) => hosts[name] === address)
      .sort(),
  }));
}
