import * as z from 'zod';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { NodeSettings } from '../policy/pulls.ts';
import type { Policy } from '../policy/types.ts';
import type { Clients, NodeClient, SiteCertificate } from '../rules/clients.ts';
import type { Spec } from '../spec/schema.ts';
import { coredns } from './coredns/index.ts';
import { targets } from './index.ts';
import { mirrorsOf, mirrorsOption } from './mirrors.ts';
import type { Target } from './target.ts';

const nodeOptions = z.looseObject({ mirrors: mirrorsOption, fallback: z.boolean().optional() });
const siteOptions = z.looseObject({
  sites: z.looseObject({ tls: z.looseObject({ certFile: z.string() }) }),
});

/** Who is told about the rewrites of a spec: read from the options that the targets share, whatever their names. */
export function clientsOf(spec: Spec): Clients {
  const used = targets.filter(({ name }) => spec.targets?.[name] !== undefined);
  const optionsOf = ({ name }: Target) => spec.targets?.[name];
  return {
    nodes: used.filter(isForNodes).map((target) => nodeClient(target, optionsOf(target))),
    pods: used.some(({ name }) => name === coredns.name),
    certificates: used.flatMap((target) => siteCertificates(target, optionsOf(target))),
  };
}

/** What each kind of node is told that the spec has a target for, without what its product cannot do. */
export function nodesOf(policy: Policy, spec: Spec): (NodeSettings & { readonly target: string })[] {
  return clientsOf(spec).nodes.map(({ target, at, fallsBack }) => {
    const options = spec.targets?.[target];
    const { mirrors = {} } = nodeOptions.parse(options);
    const emitted = targets.find(({ name }) => name === target)?.emit({ policy, options, at, read: () => undefined });
    const refused = new Set(emitted?.diagnostics.filter(isRefusal).map((problem) => JSON.stringify(problem.at)));
    const all = mirrorsOf(policy, mirrors, [...at, 'mirrors']);
    return {
      target,
      mirrors: all.filter(({ origin }) => !refused.has(JSON.stringify(origin))),
      fallsBack: fallsBack !== 'never',
    };
  });
}

function isRefusal({ code }: Diagnostic): boolean {
  return code === 'mirror/unsupported';
}

function isForNodes(target: Target): boolean {
  return hasOption(target, 'mirrors');
}

function nodeClient(target: Target, options: unknown): NodeClient {
  const { mirrors = {}, fallback = true } = nodeOptions.parse(options);
  const fallsBack = !fallback ? 'never' : hasOption(target, 'fallback') ? 'configured' : 'always';
  return { target: target.name, at: ['targets', target.name], mirrored: Object.keys(mirrors), fallsBack };
}

function siteCertificates({ name }: Target, options: unknown): SiteCertificate[] {
  const { data } = siteOptions.safeParse(options);
  return data ? [{ file: data.sites.tls.certFile, at: ['targets', name, 'sites', 'tls', 'certFile'] }] : [];
}

function hasOption({ options }: Target, name: string): boolean {
  return options instanceof z.ZodObject && name in options.shape;
}
