import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { resultOf } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import { mirrorsOf } from '../mirrors.ts';
import { defineTarget, type RenderedFile } from '../target.ts';
import { bottlerocketCodes } from './codes.ts';
import { type BottlerocketOptions, bottlerocketOptions } from './options.ts';
import { authoritiesOf } from './pki.ts';
import { literalLine, quoted } from './quote.ts';
import { type SettingsModel, settingsModel } from './settings.ts';

/** Raw bytes, before EC2's own base64; and what the file's header may add. */
const sizeLimit = 16_384;
const headerSize = 256;

export const bottlerocket = defineTarget({
  name: 'bottlerocket',
  summary: 'registry mirrors and certificate authorities of Bottlerocket nodes',
  options: bottlerocketOptions,
  plan({ policy, options, at, read }) {
    const problems: Diagnostic[] = [];
    const mirrors = mirrorsOf(policy, options.mirrors ?? {}, [...at, 'mirrors']);
    if (mirrors.length === 0) problems.push(bottlerocketCodes.report('no-mirror', at, {}));
    const authorities = authoritiesOf({ pki: options.pki, at, read }, problems);
    const file = formFile(settingsModel(mirrors, authorities), options);
    const bytes = Buffer.byteLength(file.text) + headerSize;
    const limited = options.form !== 'apiclient';
    if (limited && bytes > sizeLimit)
      problems.push(bottlerocketCodes.report('too-large', at, { bytes, limit: sizeLimit }));
    return resultOf(file, problems);
  },
  files: (file) => [file],
});

function formFile(
  model: SettingsModel,
  { form = 'userData', nodeClass = 'default' }: BottlerocketOptions,
): RenderedFile {
  const render = (template: string, extra: object = {}) =>
    renderTemplate('bottlerocket', template, { ...model, ...extra });
  switch (form) {
    case 'userData':
      return { path: 'bottlerocket/user-data.toml', text: render('user-data.toml.njk'), comment: '#' };
    case 'terraform':
      return { path: 'bottlerocket/bootstrap-extra-args.toml', text: render('user-data.toml.njk'), comment: '#' };
    case 'eksctl':
      return { path: 'bottlerocket/eksctl.yaml', text: render('eksctl.yaml.njk'), comment: '#' };
    case 'karpenter': {
      const lines = render('user-data.toml.njk').trimEnd().split('\n').map(literalLine);
      const text = render('karpenter.yaml.njk', { name: quoted(nodeClass), lines });
      return { path: 'bottlerocket/karpenter.yaml', text, comment: '#' };
    }
    case 'apiclient':
      return { path: 'bottlerocket/apiclient.json', text: render('apiclient.json.njk') };
    default:
      return form satisfies never;
  }
}
