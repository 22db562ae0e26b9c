import { renderTemplate } from '../../render/render.ts';
import type { RenderedFile } from '../target.ts';
import { type CorefileModel, defaultClusterDomain } from './corefile.ts';
import type { CorednsForm, CorednsOptions } from './options.ts';
import { argument, type CorednsToken, literalLine, zone } from './quote.ts';

export interface FormInput {
  /** Name of the spec. */
  readonly name: string;
  readonly options: CorednsOptions;
  readonly model: CorefileModel;
}

const render = (template: string, model: object) => renderTemplate('coredns', template, model);

/** The file that the form asks for. A Corefile inside YAML is an opaque string: it is rendered first, then put there. */
export function formFile(form: CorednsForm, input: FormInput): RenderedFile {
  switch (form) {
    case 'corefile':
      return { path: 'coredns/Corefile', text: render('Corefile.njk', input.model), comment: '#' };
    case 'configMap':
      return yaml('configmap', 'configMap.yaml.njk', { name: argument('coredns'), lines: corefileLines(input) });
    case 'nodeLocal':
      return yaml('node-local-dns', 'configMap.yaml.njk', {
        name: argument('node-local-dns'),
        lines: nodeLocalLines(input),
      });
    case 'eks':
      return yaml('eks', 'eks.yaml.njk', { lines: corefileLines(input) });
    case 'helm':
      return yaml('helm-values', 'helm.yaml.njk', { ...input.model, port: input.options.port ?? 53 });
    case 'aks':
    case 'k3s':
      return yaml('coredns-custom', 'custom.yaml.njk', customPart(input));
    case 'import':
      return { path: 'coredns/postern.conf', text: part(input.model), comment: '#' };
    default:
      return form satisfies never;
  }
}

function yaml(name: string, template: string, model: object): RenderedFile {
  return { path: `coredns/${name}.yaml`, text: render(template, model), comment: '#' };
}

function corefileLines({ model }: FormInput): CorednsToken[] {
  return linesOf(render('Corefile.njk', model));
}

function linesOf(text: string): CorednsToken[] {
  return text.trimEnd().split('\n').map(literalLine);
}

/** What goes into the server block of somebody else: the rules, or else server blocks to stand beside it. */
function part(model: CorefileModel): string {
  const blocks = model.blocks.slice(1);
  return blocks.length > 0 ? render('Corefile.njk', { ...model, blocks }) : ruleText(model);
}

/** The rules alone, a line each, without the indentation of a server block. */
export function ruleText(model: CorefileModel): string {
  return render('rules.njk', model).replace(/^ +/gm, '');
}

/** AKS and k3s import `*.override` into the main server block and `*.server` beside it. */
function customPart({ name, model }: FormInput): object {
  const kind = model.blocks.length > 1 ? 'server' : 'override';
  return { key: argument(`postern-${name}.${kind}`), lines: linesOf(part(model)) };
}

/** The `__PILLAR__` words are node-cache's own: it puts addresses there when it starts. */
function nodeLocalLines({ options, model }: FormInput): CorednsToken[] {
  const [local = ''] = options.bind ?? [];
  const health = argument(`${local.includes(':') ? `[${local}]` : local}:8080`);
  const domains = [options.clusterDomain ?? defaultClusterDomain, 'in-addr.arpa', 'ip6.arpa'];
  const clusterZones = domains.map((domain) => zone(domain, options.port ?? 53));
  return linesOf(render('NodeLocal.njk', { ...model, clusterZones, health }));
}
