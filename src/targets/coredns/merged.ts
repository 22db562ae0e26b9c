import { type Diagnostic, hasError, type Result, resultOf, type SpecPath } from '../../diagnostics/diagnostic.ts';
import type { Policy } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import type { ReadFile, RenderedFile } from '../target.ts';
import { corednsCodes } from './codes.ts';
import { type Container, type ContainerFile, configMapContainer, isObject, plainContainer } from './container.ts';
import { mergeCorefile } from './merge.ts';
import type { CorednsForm } from './options.ts';
import { isLiteral, literalLine } from './quote.ts';

export interface Merging {
  readonly policy: Policy;
  readonly at: SpecPath;
  readonly read: ReadFile;
  readonly form: CorednsForm;
  /** What to merge into, relative to the spec. */
  readonly file: string;
}

/** A given Corefile or ConfigMap with our rules in it. It gets no header: not a byte of it is ours but our own lines. */
export function mergedFile({ policy, at: target, read, form, file }: Merging): Result<RenderedFile> {
  const problems: Diagnostic[] = [];
  const at = [...target, 'merge'];
  const refuse = (problem: string, hint: string) =>
    resultOf<RenderedFile>({ path: '', text: '' }, [
      ...problems,
      corednsCodes.report('bad-merge', at, { file, problem, hint }),
    ]);
  const text = read(file);
  if (text === undefined) return refuse('cannot be read', 'the path is relative to the spec');
  const container = containerOf(form, { file, text, at }, problems);
  if (container === 'none')
    return refuse(`cannot be merged into the form "${form}"`, 'merge goes with corefile, configMap, nodeLocal and eks');
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
  const merged = container.apply(edits);
  if (form !== 'eks') return resultOf({ path: pathOf(form, merged), text: merged }, problems);
  // The add-on takes the Corefile as a value, whatever it was taken from.
  const whole = plainContainer({ file, text: container.corefile, at }).apply(edits);
  const lines = whole.trimEnd().split('\n');
  if (!lines.every(isLiteral))
    return refuse('has lines with tabs, blanks at the end or letters beyond ASCII', 'take them out of the Corefile');
  return resultOf(
    {
      path: 'coredns/eks.yaml',
      text: renderTemplate('coredns', 'eks.yaml.njk', { lines: lines.map(literalLine) }),
      comment: '#' as const,
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
