import { ok } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import { defineTarget, type RenderedFile } from '../target.ts';
import { inlineLimit } from './blocks.ts';
import { corednsCodes } from './codes.ts';
import { type CorefileModel, corefileModel } from './corefile.ts';
import { type CorednsOptions, corednsOptions } from './options.ts';
import { literalLine } from './quote.ts';

interface Model {
  readonly form: NonNullable<CorednsOptions['form']>;
  readonly corefile: CorefileModel;
}

export const coredns = defineTarget({
  name: 'coredns',
  summary: 'DNS for pods: the old name resolves to the new one',
  options: corednsOptions,
  plan({ policy: { rewrites }, options, at }) {
    const corefile = corefileModel(rewrites, options);
    const blocks = corefile.blocks.length - 1;
    const says = { names: rewrites.length, blocks, limit: inlineLimit };
    const model: Model = { form: options.form ?? 'corefile', corefile };
    return ok(model, blocks === 0 ? [] : [corednsCodes.report('many-names', at, says)]);
  },
  files: ({ form, corefile }) => [formFile(form, renderTemplate('coredns', 'Corefile.njk', corefile))],
});

function formFile(form: Model['form'], corefile: string): RenderedFile {
  switch (form) {
    case 'corefile':
      return { path: 'coredns/Corefile', text: corefile, comment: '#' };
    case 'configMap':
      return { path: 'coredns/configmap.yaml', text: inYaml('configmap.yaml.njk', corefile), comment: '#' };
    default:
      return form satisfies never;
  }
}

/** A Corefile inside YAML is an opaque string: it is rendered first and then put there line by line. */
function inYaml(template: string, corefile: string): string {
  const lines = corefile.trimEnd().split('\n').map(literalLine);
  return renderTemplate('coredns', template, { lines });
}
