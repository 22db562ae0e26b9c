import { renderTemplate } from '../../render/render.ts';
import type { RenderedFile } from '../target.ts';
import type { BottlerocketForm } from './options.ts';
import { literalLine, quoted } from './quote.ts';
import type { SettingsModel } from './settings.ts';

export interface FormInput {
  readonly form: BottlerocketForm;
  readonly model: SettingsModel;
  /** Of the EC2NodeClass. */
  readonly nodeClass: string;
}

/** Our settings alone, as TOML. */
export function userDataText(model: SettingsModel): string {
  return renderTemplate('bottlerocket', 'user-data.toml.njk', model);
}

/** The file that the form asks for. */
export function formFile({ form, model, nodeClass }: FormInput): RenderedFile {
  switch (form) {
    case 'userData':
      return { path: 'bottlerocket/user-data.toml', text: userDataText(model), comment: '#' };
    case 'terraform':
      return { path: 'bottlerocket/bootstrap-extra-args.toml', text: userDataText(model), comment: '#' };
    case 'eksctl':
      return {
        path: 'bottlerocket/eksctl.yaml',
        text: renderTemplate('bottlerocket', 'eksctl.yaml.njk', model),
        comment: '#',
      };
    case 'karpenter':
      return karpenterFile(nodeClass, userDataText(model));
    case 'apiclient':
      return { path: 'bottlerocket/apiclient.json', text: renderTemplate('bottlerocket', 'apiclient.json.njk', model) };
    default:
      return form satisfies never;
  }
}

/** User data inside an EC2NodeClass, which takes it as an opaque string. */
export function karpenterFile(nodeClass: string, userData: string): RenderedFile {
  const lines = userData.trimEnd().split('\n').map(literalLine);
  const text = renderTemplate('bottlerocket', 'karpenter.yaml.njk', { name: quoted(nodeClass), lines });
  return { path: 'bottlerocket/karpenter.yaml', text, comment: '#' };
}
