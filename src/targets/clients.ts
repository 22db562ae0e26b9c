import * as z from 'zod';
import type { Clients, NodeClient, SiteCertificate } from '../rules/clients.ts';
import type { Spec } from '../spec/schema.ts';
import { coredns } from './coredns/index.ts';
import { targets } from './index.ts';
import { mirrorsOption } from './mirrors.ts';
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
