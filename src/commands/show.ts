import { type Composition, placesOf } from '../compose/compose.ts';
import { presetNames, readPreset } from '../compose/presets.ts';
import { hasError, type TextSpan } from '../diagnostics/diagnostic.ts';
import { maskSecrets } from '../diagnostics/mask.ts';
import { positionsByText } from '../diagnostics/position.ts';
import { printable } from '../diagnostics/printable.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { accessPage } from '../report/accessPage.ts';
import { isRecord } from '../source/value.ts';
import { yamlText } from '../source/yaml.ts';
import { suggest } from '../spec/suggest.ts';
import { commandCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { locator } from './location.ts';
import { print } from './print.ts';
import { compileArgument } from './spec.ts';

export interface ShowArguments {
  readonly spec?: string | undefined;
  readonly access?: boolean | undefined;
  readonly preset?: string | undefined;
  readonly format?: 'text' | 'json' | 'markdown' | undefined;
}

/** Prints the flat spec with the origin of each entry, who may do what, or a preset. */
export function show(args: ShowArguments, io: Io): Status {
  const { spec: argument, access = false, preset, format = 'text' } = args;
  if (preset !== undefined) return showPreset(preset, args, io);
  const { source, document, composition, policy, diagnostics } = compileArgument(argument, io);
  if (!source || !composition || !policy || hasError(diagnostics)) {
    const report = { command: 'show', status: 2, diagnostics, asked: 'changes' } as const;
    return print({ ...report, document }, format, io);
  }
  const { spec } = composition;
  if (access && format === 'json') return write(`${JSON.stringify(accessRows(policy, composition), null, 2)}\n`, io);
  if (access) return write(accessPage(spec, policy, source.read).text, io);
  if (format === 'json') return write(`${JSON.stringify({ spec, origins: originsOf(composition) }, null, 2)}\n`, io);
  const text = flatText(composition);
  return write(format === 'markdown' ? `\`\`\`yaml\n${text}\`\`\`\n` : text, io);
}

function write(text: string, io: Io): Status {
  io.out(
    text
      .split('\n')
      .map((line) => printable(maskSecrets(line)))
      .join('\n'),
  );
  return 0;
}

function showPreset(name: string, { spec, access, format = 'text' }: ShowArguments, io: Io): Status {
  const report = { command: 'show', status: 2, asked: 'changes' } as const;
  const beside = spec !== undefined ? spec : access ? '--access' : undefined;
  if (beside !== undefined) {
    const diagnostics = [commandCodes.report('no-meaning', [], { option: beside, mode: '--preset' })];
    return print({ ...report, diagnostics }, format, io);
  }
  const preset = readPreset(name);
  if (!preset) {
    const known = presetNames();
    const diagnostics = [commandCodes.report('unknown-preset', [], { name, near: suggest(name, known), known })];
    return print({ ...report, diagnostics }, format, io);
  }
  const shown = {
    text: preset.text,
    markdown: `\`\`\`yaml\n${preset.text}\`\`\`\n`,
    json: `${JSON.stringify({ preset: name, text: preset.text }, null, 2)}\n`,
  };
  return write(shown[format], io);
}

interface OriginPlace {
  readonly file: string;
  readonly line: number;
  readonly col: number;
}

type Places = (places: readonly TextSpan[]) => OriginPlace[];

function placer(): Places {
  const positions = positionsByText();
  return (places) =>
    places.map(({ file, text, start }) => {
      const { line, column: col } = positions(text)(start);
      return { file, line, col };
    });
}

/**
 * Returns the entries of a section by name, or by index for a list; `undefined` for a section that is a single value.
 */
function entriesIn(value: unknown): readonly (readonly [string | number, unknown])[] | undefined {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item] as const);
  return isRecord(value) ? Object.entries(value) : undefined;
}

function originsOf(composition: Composition): Record<string, Record<string, OriginPlace[]>> {
  const places = placer();
  const sections = Object.entries(composition.spec).flatMap(([section, value]) => {
    const entries = entriesIn(value)?.map(([name]) => [name, places(placesOf(composition, section, name))] as const);
    return entries ? [[section, Object.fromEntries(entries)] as const] : [];
  });
  return Object.fromEntries(sections);
}

/** Returns the spec and its includes as one YAML file. */
function flatText(composition: Composition): string {
  const places = placer();
  const sections = Object.entries(composition.spec).map(([section, value]) => {
    const entries = entriesIn(value) ?? [];
    if (entries.length === 0) return yamlText({ [section]: value });
    const lines = entries.map(([name, entry]) => {
      const from = places(placesOf(composition, section, name)).map(({ file, line }) => `${file}:${line}`);
      const text = yamlText(typeof name === 'number' ? [entry] : { [name]: entry });
      return `  # ${from.join(', ')}\n${indented(text)}`;
    });
    return `${section}:\n${lines.join('')}`;
  });
  return sections.join('');
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

/** Returns a row for each request of each proxy, with the keys that may send it. */
function accessRows(policy: Policy, { document }: Composition): object[] {
  const at = locator(document);
  const until = ({ expires }: ApiKey) => (expires === undefined ? null : new Date(expires * 1000).toISOString());
  const rows = (proxy: Proxy) =>
    proxy.routes.map(({ group, methods, pattern, forwarding, reason, origin }) => ({
      proxy: proxy.id,
      methods,
      path: pattern.text,
      group,
      upstream: forwarding.upstream,
      keys:
        forwarding.auth === 'passthrough'
          ? null
          : policy.apiKeys
              .filter(({ groups }) => groups.includes(group))
              .map((key) => ({ id: key.id, until: until(key), owner: key.owner ?? null })),
      reason: reason ?? null,
      at: at(origin),
    }));
  return policy.proxies.flatMap(rows);
}
