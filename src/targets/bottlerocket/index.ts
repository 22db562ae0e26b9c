import { parse, TomlError } from 'smol-toml';
import { type Diagnostic, hasError, type Result, resultOf, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import { type Token, token, unquotable } from '../../render/token.ts';
import { isRecord, listOf, memberOf } from '../../source/value.ts';
import { jsonString, type Mirror, mirrorsOf } from '../mirrors.ts';
import { defineTarget, type RenderedFile, type TargetInput } from '../target.ts';
import { bottlerocketCodes } from './codes.ts';
import { importBottlerocket } from './import.ts';
import { compareBottlerocket } from './live.ts';
import { type BottlerocketForm, type BottlerocketOptions, bottlerocketAccess, bottlerocketOptions } from './options.ts';
import { type Authority, authoritiesOf } from './pki.ts';
import { readBottlerocket } from './readBack.ts';

type BottlerocketToken = Token<'bottlerocket'>;
const quoted = (text: string) => jsonString('bottlerocket', text);

/** Most bytes of user data, before EC2's base64; `headerSize` is what the header of the file may add. */
const sizeLimit = 16_384;
const headerSize = 256;

export const bottlerocket = defineTarget({
  name: 'bottlerocket',
  summary: 'registry mirrors and certificate authorities of Bottlerocket nodes',
  options: bottlerocketOptions,
  access: bottlerocketAccess,
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
  readBack: { decides: 'pulls', read: readBottlerocket },
  importer: {
    kind: 'bottlerocket',
    remedy: 'give the user data of nodes in TOML, or what "apiclient get" prints',
    read: importBottlerocket,
  },
  nodes: ({ mirrors = {}, merge }, read) => ({
    mirrors,
    fallsBack: 'always',
    others: mirrorsGiven(merge && read(merge)),
    kinds: [
      { name: 'containerd 1.7' },
      { name: 'containerd 2', ordered: byName, bypassed: registriesWithCredentials(merge && read(merge)) },
    ],
  }),
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
  problems.push(...bypassing(mirrors, merge, text, mergeAt));
  const merged = mergeUserData(input, problems);
  return merged === undefined
    ? { diagnostics: problems }
    : // No header: not a byte of it is ours but our own lines.
      resultOf({ path: 'bottlerocket/user-data.toml', text: merged, copyOf: { file: merge, at: mergeAt } }, problems);
}

/**
 * Returns endpoints in the order of containerd 2, which Bottlerocket has since core kit 13.1: they are kept in a sorted
 * map.
 */
function byName(endpoints: readonly string[]): readonly string[] {
  return endpoints.toSorted((a, b) => (a < b ? -1 : 1));
}

/**
 * Reports registries with credentials that bypass the mirror of "*": since containerd 2 each has a file of its own, and
 * the mirror of "*" serves only registries without a file.
 */
function bypassing(mirrors: readonly Mirror[], file: string, text: string, at: SpecPath): Diagnostic[] {
  const named = new Set(mirrors.map(({ registry }) => registry));
  if (!named.has('*')) return [];
  const bypassed = registriesWithCredentials(text).filter((registry) => !named.has(registry));
  return bypassed.map((registry) => bottlerocketCodes.report('credentials-bypass', at, { file, registry }));
}

function reordered(mirrors: readonly Mirror[]): Diagnostic[] {
  return mirrors.flatMap(({ registry, endpoints, origin }) => {
    const [first = ''] = byName(endpoints);
    return first === endpoints[0] ? [] : [bottlerocketCodes.report('own-order', origin, { registry, first })];
  });
}

interface FormInput {
  readonly form: BottlerocketForm;
  readonly model: SettingsModel;
  /** Name of the EC2NodeClass. */
  readonly nodeClass: string;
}

/** Returns our settings alone, as TOML. */
function userDataText(model: SettingsModel): string {
  return renderTemplate('bottlerocket', 'user-data.toml.njk', model);
}

/** Returns the file of a form. */
function formFile({ form, model, nodeClass }: FormInput): RenderedFile {
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

/** Returns user data inside of an EC2NodeClass, as a plain string. */
function karpenterFile(nodeClass: string, userData: string): RenderedFile {
  const lines = userData.trimEnd().split('\n').map(literalLine);
  const text = renderTemplate('bottlerocket', 'karpenter.yaml.njk', { name: quoted(nodeClass), lines });
  return { path: 'bottlerocket/karpenter.yaml', text, comment: '#' };
}

interface MergeInput {
  /** Name of the spec, by which its own lines are recognized. */
  readonly name: string;
  /** The given user data and where it comes from. */
  readonly file: string;
  readonly text: string;
  /** Our settings as TOML; empty where there are none. */
  readonly settings: string;
  readonly mirrors: readonly Mirror[];
  readonly authorities: readonly Authority[];
  readonly at: SpecPath;
}

/**
 * Returns given user data with our settings as its last lines, between markers; all else is kept byte for byte. TOML
 * allows a table of an array anywhere but no other table twice, so the given settings are read first.
 */
function mergeUserData(input: MergeInput, problems: Diagnostic[]): string | undefined {
  const { name, file, text, at } = input;
  const refuse = (problem: string, hint: string, offset?: number) => {
    const place = offset === undefined ? {} : { place: { file, text, start: offset, end: offset } };
    problems.push(bottlerocketCodes.report('bad-merge', at, { file, problem, hint }, place));
    return undefined;
  };
  const base = withoutManaged(text, name);
  if (base === undefined)
    return refuse(
      'has broken markers',
      `remove the lines "# BEGIN postern ${name}" and "# END postern ${name}" and all between`,
    );
  const given = parsed(base);
  if (given instanceof TomlError)
    return refuse(`is not TOML: ${reasonOf(given)}`, 'Bottlerocket would refuse it too', offsetOf(base, given));
  const clash = clashOf(given, input);
  if (clash) return refuse(clash, 'take it out there or here');
  if (input.settings === '') return base;
  const lineEnd = base.includes('\r\n') ? '\r\n' : '\n';
  const gap = base === '' || base.endsWith('\n') ? '' : lineEnd;
  const managed = [`# BEGIN postern ${name}`, ...input.settings.trimEnd().split('\n'), `# END postern ${name}`];
  const merged = `${base}${gap}${managed.map((line) => line + lineEnd).join('')}`;
  const result = parsed(merged);
  // Most likely the given data has an inline table, which cannot be extended.
  if (result instanceof TomlError)
    return refuse(`cannot take these settings: ${reasonOf(result)}`, 'write settings as tables, not inline');
  return merged;
}

/** Returns the registries for which given user data has credentials; none where it cannot be read. */
function registriesWithCredentials(text: string | undefined): string[] {
  const given = text === undefined ? undefined : parsed(text);
  const registry = memberOf(memberOf(given, 'settings'), 'container-registry');
  const lists = [memberOf(registry, 'credentials'), memberOf(registry, 'creds')];
  const names = lists.flatMap((list) => (Array.isArray(list) ? list.map((one) => memberOf(one, 'registry')) : []));
  return [...new Set(names.filter((name) => typeof name === 'string'))].sort();
}

/** Returns the mirrors of given user data, without what was merged into it; none where it cannot be read. */
function mirrorsGiven(text: string | undefined): Readonly<Record<string, readonly string[]>> {
  const given = text && parsed(text.replaceAll(/^# BEGIN postern .*?^# END postern .*?$/gms, ''));
  const mirrors = memberOf(memberOf(memberOf(given, 'settings'), 'container-registry'), 'mirrors');
  // Older user data has a table.
  const pairs = isRecord(mirrors)
    ? Object.entries(mirrors)
    : listOf(mirrors).map((one) => [memberOf(one, 'registry'), memberOf(one, 'endpoint')] as const);
  return Object.fromEntries(pairs.map(([name, endpoints]) => [String(name), listOf(endpoints).map(String)]));
}

/** Returns the text without our lines; `undefined` where the markers are not exactly one pair. */
function withoutManaged(text: string, name: string): string | undefined {
  const lines = text.split('\n');
  const places = (marker: string) =>
    lines.flatMap((line, index) => (line.trim() === `# ${marker} postern ${name}` ? [index] : []));
  const [begins, ends] = [places('BEGIN'), places('END')];
  const [begin, end] = [begins[0], ends[0]];
  if (begin === undefined && end === undefined) return text;
  if (begin === undefined || end === undefined || begins.length + ends.length > 2 || end < begin) return undefined;
  return [...lines.slice(0, begin), ...lines.slice(end + 1)].join('\n');
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) return error;
    throw error;
  }
}

/** Only the first line: the rest is an excerpt, and our own excerpt looks like all others. */
function reasonOf(error: TomlError): string {
  return (error.message.split('\n', 1)[0] ?? '').replace(/^Invalid TOML document: /, '');
}

function offsetOf(text: string, { line, column }: TomlError): number {
  return text
    .split('\n')
    .slice(0, line - 1)
    .reduce((sum, before) => sum + before.length + 1, column - 1);
}

function clashOf(given: unknown, { mirrors, authorities }: MergeInput): string | undefined {
  const settings = memberOf(given, 'settings');
  const existing = memberOf(memberOf(settings, 'container-registry'), 'mirrors');
  if (existing !== undefined && !Array.isArray(existing) && mirrors.length > 0) {
    return 'lists mirrors in the old form, which does not go together with that of today';
  }
  const names = new Set(
    (Array.isArray(existing) ? existing : []).map((mirror: unknown) => memberOf(mirror, 'registry')),
  );
  const doubled = mirrors.find(({ registry }) => names.has(registry));
  if (doubled) return `has a mirror of "${doubled.registry}" already`;
  const authority = authorities.find(({ name }) => memberOf(memberOf(settings, 'pki'), name) !== undefined);
  return authority && `has a certificate authority "${authority.name}" already`;
}

/** Settings of a node in Bottlerocket's terms. */
interface SettingsModel {
  readonly mirrors: readonly {
    readonly registry: BottlerocketToken;
    readonly endpoints: readonly BottlerocketToken[];
  }[];
  /** `name` as TOML writes a key, `key` as JSON and YAML do. */
  readonly authorities: readonly Readonly<Record<'name' | 'key' | 'data', BottlerocketToken>>[];
}

function settingsModel(mirrors: readonly Mirror[], authorities: readonly Authority[]): SettingsModel {
  return {
    mirrors: mirrors.map(({ registry, endpoints }) => ({
      registry: quoted(registry),
      endpoints: endpoints.map(quoted),
    })),
    authorities: authorities.map(({ name, data }) => ({ name: bareKey(name), key: quoted(name), data: quoted(data) })),
  };
}

/** Returns a key that needs no quotes. */
function bareKey(text: string): BottlerocketToken {
  if (!/^[A-Za-z0-9-]+$/.test(text)) throw unquotable('not a bare key', text);
  return token('bottlerocket', text);
}

/** Returns one line of user data in a YAML literal block. */
function literalLine(text: string): BottlerocketToken {
  if (/[\p{Cc}\u0085\u2028\u2029\ufeff]/u.test(text.replaceAll('\t', ' '))) throw unquotable('not a line', text);
  return token('bottlerocket', text);
}
