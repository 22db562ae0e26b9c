import { type Diagnostic, hasError, type Result, resultOf } from '../../diagnostics/diagnostic.ts';
import type { Mirror } from '../../policy/pulls.ts';
import { mirrorsOf } from '../mirrors.ts';
import { defineTarget, type RenderedFile, type TargetInput } from '../target.ts';
import { bottlerocketCodes } from './codes.ts';
import { formFile, userDataText } from './forms.ts';
import { compareBottlerocket } from './live.ts';
import { mergeUserData } from './merge.ts';
import { type BottlerocketOptions, bottlerocketOptions } from './options.ts';
import { authoritiesOf } from './pki.ts';
import { settingsModel } from './settings.ts';

/** Raw bytes, before EC2's own base64; and what the file's header may add. */
const sizeLimit = 16_384;
const headerSize = 256;

export const bottlerocket = defineTarget({
  name: 'bottlerocket',
  summary: 'registry mirrors and certificate authorities of Bottlerocket nodes',
  options: bottlerocketOptions,
  plan(input) {
    const { at, options } = input;
    const { value: file, diagnostics } = fileOf(input);
    if (file === undefined || options.form === 'apiclient')
      return file === undefined ? { diagnostics } : { value: file, diagnostics };
    const bytes = Buffer.byteLength(file.text) + (file.comment === undefined ? 0 : headerSize);
    const large = bytes > sizeLimit ? [bottlerocketCodes.report('too-large', at, { bytes, limit: sizeLimit })] : [];
    return resultOf(file, [...diagnostics, ...large]);
  },
  files: (file) => [file],
  live: compareBottlerocket,
  nodes: ({ mirrors = {} }) => ({ mirrors, fallsBack: 'always' }),
});

function fileOf({ policy, options, at, read }: TargetInput<BottlerocketOptions>): Result<RenderedFile> {
  const problems: Diagnostic[] = [];
  const { form = 'userData', nodeClass = 'default', merge } = options;
  const mirrors = mirrorsOf(policy, options.mirrors ?? {}, [...at, 'mirrors']);
  if (mirrors.length === 0) problems.push(bottlerocketCodes.report('no-mirror', at, {}));
  problems.push(...reordered(mirrors));
  const authorities = authoritiesOf({ pki: options.pki, at, read }, problems);
  const model = settingsModel(mirrors, authorities);
  if (merge === undefined || hasError(problems)) return resultOf(formFile({ form, model, nodeClass }), problems);
  const mergeAt = [...at, 'merge'];
  const refuse = (problem: string, hint: string) =>
    problems.push(bottlerocketCodes.report('bad-merge', mergeAt, { file: merge, problem, hint }));
  const text = read(merge);
  if (form !== 'userData') refuse(`cannot be merged into the form "${form}"`, 'merge goes with userData');
  else if (text === undefined) refuse('cannot be read', 'the path is relative to the spec');
  const settings = mirrors.length + authorities.length === 0 ? '' : userDataText(model);
  if (text === undefined || hasError(problems)) return { diagnostics: problems };
  const input = { name: policy.name, file: merge, text, settings, mirrors, authorities, at: mergeAt };
  const merged = mergeUserData(input, problems);
  return merged === undefined
    ? { diagnostics: problems }
    : // No header: not a byte of it is ours but our own lines.
      resultOf({ path: 'bottlerocket/user-data.toml', text: merged }, problems);
}

/** Since Bottlerocket's core kit 13.1, which brought containerd 2, endpoints are kept in a sorted map. */
function reordered(mirrors: readonly Mirror[]): Diagnostic[] {
  return mirrors.flatMap(({ registry, endpoints, origin }) => {
    const [first = ''] = endpoints.toSorted((a, b) => (a < b ? -1 : 1));
    return first === endpoints[0] ? [] : [bottlerocketCodes.report('own-order', origin, { registry, first })];
  });
}
