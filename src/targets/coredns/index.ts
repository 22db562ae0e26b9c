import { type Diagnostic, hasError, type Result, resultOf, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { urlHost } from '../../policy/origin.ts';
import type { Policy } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import { defineTarget, type ReadFile, type RenderedFile } from '../target.ts';
import { inlineLimit } from './blocks.ts';
import { corednsCodes } from './codes.ts';
import {
  type Container,
  type ContainerFile,
  configMapContainer,
  isObject,
  plainContainer,
  withoutServerFields,
} from './container.ts';
import { type CorefileModel, corefileModel, defaultClusterDomain, isBelow, type Surroundings } from './corefile.ts';
import { type CustomPart, customKey, mergeCustom } from './custom.ts';
import { importCorefile } from './import.ts';
import { compareCoredns } from './live.ts';
import { mergeCorefile } from './merge.ts';
import { type CorednsForm, type CorednsOptions, corednsAccess, corednsOptions } from './options.ts';
import { argument, type CorednsToken, isLiteral, literalLine, zone } from './quote.ts';
import { namesHere, readNames } from './readBack.ts';

/** Record types with names in their data, which CoreDNS maps back in answers. */
const MAPPED = ['CNAME', 'DNAME', 'MX', 'NAPTR', 'NS', 'PTR', 'SOA', 'SRV'];
/** Record types with a name in their data, which CoreDNS leaves as it is. */
const KEPT = ['HTTPS', 'SVCB'];
/** Record types without a host name in their data. */
const NAMELESS = ['A', 'AAAA', 'CAA', 'SSHFP', 'TLSA', 'TXT'];

const answerTypes: readonly string[] = [...MAPPED, ...KEPT, ...NAMELESS].sort();

import { run } from './run.ts';

export const coredns = defineTarget({
  name: 'coredns',
  importer: {
    kind: 'corefile',
    remedy: 'give a Corefile, or the ConfigMap that holds one',
    read: importCorefile,
  },
  summary: 'DNS for pods: the old name resolves to the new one',
  options: corednsOptions,
  access: corednsAccess,
  plan({ policy, options, at, read }) {
    const problems: Diagnostic[] = [];
    const form = options.form ?? 'corefile';
    if (options.merge !== undefined && !isCustom(form))
      return mergedFile({ policy, at, read, form, file: options.merge });
    const model = corefileModel(policy.rewrites, options, surroundingsOf(form, options));
    const blocks = model.blocks.length - 1;
    const names = model.blocks.slice(1).reduce((sum, { zones }) => sum + zones.length, 0);
    const says = { names, blocks, limit: inlineLimit };
    if (policy.rewrites.length === 0) problems.push(corednsCodes.report('no-rewrite', at, {}));
    if (blocks > 0) problems.push(corednsCodes.report('many-names', at, says));
    // The cache of a node gives itself the addresses that it listens on.
    if (form !== 'nodeLocal' && options.bind && options.bind.length > 1)
      problems.push(corednsCodes.report('bind-all', [...at, 'bind'], { addresses: options.bind }));
    if (form === 'nodeLocal') {
      problems.push(...clusterNames(policy, options));
      // Without `bind` the Corefile would listen nowhere or everywhere, so none is printed.
      if (options.bind === undefined)
        return { diagnostics: [...problems, corednsCodes.report('missing-bind', at, {})] };
    }
    const input = { name: policy.name, options, model };
    if (options.merge !== undefined)
      return customFile(input, { policy, at, read, form, file: options.merge }, problems);
    return resultOf(formFile(form, input), problems);
  },
  files: (file) => [file],
  live: compareCoredns,
  readBack: { decides: 'names', read: readNames, moved: namesHere },
  names: {
    types: answerTypes,
    namesIn: namesInAnswers,
    kept: ({ origin }, asked) => corednsCodes.report('inner-target', origin, asked),
  },
  run,
});

function surroundingsOf(form: CorednsForm, { port }: CorednsOptions): Surroundings {
  const resolver = form === 'nodeLocal' ? '__PILLAR__UPSTREAM__SERVERS__' : '/etc/resolv.conf';
  const standalone = form === 'corefile' || form === 'import';
  const inCluster = !standalone && form !== 'nodeLocal';
  // The chart has a field for the port, and writes it after the last name only.
  if (form === 'helm') return { port, bareLast: true, inCluster, resolver };
  // In a cluster the port is written out, because kubeadm writes it and its Service counts on it.
  return { port: port ?? (standalone ? undefined : 53), inCluster, resolver, oneFile: form === 'import' };
}

function clusterNames({ rewrites }: Policy, options: CorednsOptions): Diagnostic[] {
  const domain = options.clusterDomain ?? defaultClusterDomain;
  return rewrites.flatMap((rewrite) =>
    (['from', 'to'] as const)
      .filter((side) => isBelow(rewrite[side], domain))
      .map((side) => corednsCodes.report('cluster-name', [...rewrite.origin, side], { name: rewrite[side], domain })),
  );
}

interface FormInput {
  /** Name of the spec. */
  readonly name: string;
  readonly options: CorednsOptions;
  readonly model: CorefileModel;
}

const render = (template: string, model: object) => renderTemplate('coredns', template, model);

/**
 * Returns the file of a form. A Corefile inside of YAML is a plain string: it is rendered first, and then put into the
 * YAML.
 */
function formFile(form: CorednsForm, input: FormInput): RenderedFile {
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
      return yaml('coredns-custom', 'custom.yaml.njk', customModel(customParts(input)));
    case 'import':
      return { path: 'coredns/postern.conf', text: blockText(input.model) || ruleText(input.model), comment: '#' };
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

/** Returns the rules of the main server block alone, one per line, without indentation. */
function ruleText({ blocks }: CorefileModel): string {
  return render('rules.njk', { block: blocks[0] }).replace(/^ +/gm, '');
}

/** Returns the server blocks beside the main one; "" where there are none. */
function blockText(model: CorefileModel): string {
  const blocks = model.blocks.slice(1);
  return blocks.length > 0 ? render('Corefile.njk', { ...model, blocks }) : '';
}

/** Forms whose file is the ConfigMap `coredns-custom`, which others may have keys in as well. */
function isCustom(form: CorednsForm): boolean {
  return form === 'aks' || form === 'k3s';
}

/** AKS and k3s import `*.override` into the main server block and `*.server` beside it. */
function customParts({ name, model }: FormInput): CustomPart[] {
  const texts = { override: ruleText(model), server: blockText(model) };
  return Object.entries(texts).map(([kind, text]) => ({
    key: customKey(name, kind),
    lines: text.trim() === '' ? [] : text.trimEnd().split('\n'),
  }));
}

function customModel(parts: readonly CustomPart[]): object {
  const some = parts.filter(({ lines }) => lines.length > 0);
  const shown = some.length > 0 ? some : parts.slice(0, 1);
  return { parts: shown.map(({ key, lines }) => ({ key: argument(key), lines: lines.map(literalLine) })) };
}

/** A given `coredns-custom` with our keys in it. It gets no header: not a byte of it is ours but our own keys. */
function customFile(
  input: FormInput,
  { policy, at: target, read, file }: Merging,
  problems: Diagnostic[],
): Result<RenderedFile> {
  const at = [...target, 'merge'];
  const text = read(file);
  if (text === undefined) {
    const params = { file, problem: 'cannot be read', hint: 'the path is relative to the spec' };
    return { diagnostics: [...problems, corednsCodes.report('bad-merge', at, params)] };
  }
  const { rewrites } = policy;
  const merged = mergeCustom({ source: { file, text, at }, parts: customParts(input), rewrites }, problems);
  if (merged === undefined) return { diagnostics: problems };
  const extension = merged.trimStart().startsWith('{') ? 'json' : 'yaml';
  const path = `coredns/coredns-custom.${extension}`;
  return resultOf({ path, text: withoutServerFields(merged), copyOf: { file, at } }, problems);
}

/** The `__PILLAR__` words are node-cache's own: it puts addresses there when it starts. */
function nodeLocalLines({ options, model }: FormInput): CorednsToken[] {
  const [local = ''] = options.bind ?? [];
  const health = argument(`${urlHost(local)}:8080`);
  const domains = [options.clusterDomain ?? defaultClusterDomain, 'in-addr.arpa', 'ip6.arpa'];
  const clusterZones = domains.map((domain) => zone(domain, options.port ?? 53));
  return linesOf(render('NodeLocal.njk', { ...model, clusterZones, health }));
}

interface Merging {
  readonly policy: Policy;
  readonly at: SpecPath;
  readonly read: ReadFile;
  readonly form: CorednsForm;
  /** File to merge into, relative to the spec. */
  readonly file: string;
}

/** Returns a given Corefile or ConfigMap with our rules in it. It gets no header: only our own lines are ours. */
function mergedFile({ policy, at: target, read, form, file }: Merging): Result<RenderedFile> {
  const problems: Diagnostic[] = [];
  const at = [...target, 'merge'];
  const copyOf = { file, at };
  const refuse = (problem: string, hint: string) =>
    resultOf<RenderedFile>({ path: '', text: '' }, [
      ...problems,
      corednsCodes.report('bad-merge', at, { file, problem, hint }),
    ]);
  const text = read(file);
  if (text === undefined) return refuse('cannot be read', 'the path is relative to the spec');
  const container = containerOf(form, { file, text, at }, problems);
  if (container === 'none')
    return refuse(
      `cannot be merged into the form "${form}"`,
      'merge goes with corefile, configMap, nodeLocal, eks, aks and k3s',
    );
  if (container === undefined) return { diagnostics: problems };
  const input = {
    name: policy.name,
    rewrites: policy.rewrites,
    text: container.corefile,
    at,
    placeOf: container.placeOf,
  };
  const edits = mergeCorefile(input, problems);
  if (hasError(problems)) return { diagnostics: problems };
  const whole = container.apply(edits);
  const merged = isObject(text) ? withoutServerFields(whole) : whole;
  if (form !== 'eks') return resultOf({ path: pathOf(form, merged), text: merged, copyOf }, problems);
  // The add-on takes the Corefile as a value, whatever it was taken from.
  const corefile = plainContainer({ file, text: container.corefile, at }).apply(edits);
  const lines = corefile.trimEnd().split('\n');
  if (!lines.every(isLiteral))
    return refuse('has lines with tabs, blanks at the end or letters beyond ASCII', 'take them out of the Corefile');
  return resultOf(
    {
      path: 'coredns/eks.yaml',
      text: renderTemplate('coredns', 'eks.yaml.njk', { lines: lines.map(literalLine) }),
      comment: '#' as const,
      copyOf,
    },
    problems,
  );
}

function containerOf(form: CorednsForm, source: ContainerFile, problems: Diagnostic[]): Container | 'none' | undefined {
  switch (form) {
    case 'corefile':
      return isObject(source.text) ? refused(source, problems) : plainContainer(source);
    case 'configMap':
    case 'nodeLocal':
      return configMapContainer(source, problems);
    case 'eks':
      return isObject(source.text) ? configMapContainer(source, problems) : plainContainer(source);
    default:
      return 'none';
  }
}

function refused({ file, at }: ContainerFile, problems: Diagnostic[]): undefined {
  const hint = 'write "form: configMap", or give the Corefile alone';
  problems.push(
    corednsCodes.report('bad-merge', at, { file, problem: 'is an object of Kubernetes, not a Corefile', hint }),
  );
}

function pathOf(form: CorednsForm, text: string): string {
  if (form === 'corefile') return 'coredns/Corefile';
  const extension = text.trimStart().startsWith('{') ? 'json' : 'yaml';
  return `coredns/${form === 'nodeLocal' ? 'node-local-dns' : 'configmap'}.${extension}`;
}

/**
 * Returns whether names in the data of an answer are mapped back, kept, or absent. The owner is always the name that
 * was asked.
 */
export function namesInAnswers(type: string): 'mapped' | 'kept' | 'none' {
  if (MAPPED.includes(type)) return 'mapped';
  return KEPT.includes(type) ? 'kept' : 'none';
}
