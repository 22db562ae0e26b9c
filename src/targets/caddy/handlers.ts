import { type CidrSet, parseCidr, unionOf } from '../../policy/cidr.ts';
import { CannotTell } from '../../prove/explore.ts';
import { argsOf, type Line, nameOf, SECRETS, type Word } from './caddyfile.ts';
import { type Proxying, proxyingOf } from './proxying.ts';

/** Texts, and names of placeholders. */
export type Template = readonly (string | { readonly name: string })[];

export interface MapRow {
  readonly input: string;
  /** The expression that the row looks for, if it is one. */
  readonly source: string | undefined;
  readonly output: string;
  /** As in `Line`. */
  readonly place: string;
}

/** The first row that fits gives the value. */
export interface MapTable {
  readonly source: Template;
  readonly name: string;
  readonly rows: readonly MapRow[];
  readonly fallback: string;
  readonly fallbackPlace: string;
  /** Places of all that is written of it. */
  readonly lines: readonly string[];
  readonly place: string;
}

/** A network of `client_ip`. */
export interface Network {
  /** As it is written. */
  readonly cidr: string;
  /** Whether it is written as IPv6, by which Caddy never matches an IPv4 address. */
  readonly isLong: boolean;
  readonly set: CidrSet;
}

export type Matcher =
  | { readonly kind: 'vars'; readonly key: string; readonly values: readonly string[] }
  | { readonly kind: 'vars_regexp' | 'header_regexp'; readonly key: string; readonly source: string }
  /** `undefined`: it is not there. */
  | { readonly kind: 'header'; readonly key: string; readonly value: string | undefined }
  | { readonly kind: 'client_ip'; readonly key: ''; readonly networks: readonly Network[] }
  | { readonly kind: 'host'; readonly key: ''; readonly names: readonly string[] }
  | { readonly kind: 'not'; readonly all: Condition }
  | { readonly kind: 'any'; readonly of: Condition }
  | { readonly kind: 'unknown'; readonly what: string };

/** All of them have to fit. */
export type Condition = readonly Matcher[];

/** Whether a matcher asks for a header that is not there. */
export function isAbsence(matcher: Matcher): matcher is Extract<Matcher, { kind: 'header' }> {
  return matcher.kind === 'header' && matcher.value === undefined;
}

interface Common {
  readonly condition: Condition;
  readonly place: string;
}

export type Handler =
  | { readonly kind: 'map'; readonly table: MapTable }
  | { readonly kind: 'secrets' }
  | (Common & { readonly kind: 'vars'; readonly values: ReadonlyMap<string, Template> })
  /** A header of the answer, set now or when it is written. */
  | (Common & { readonly kind: 'header'; readonly name: string; readonly deferred: boolean; readonly value: Template })
  | (Common & { readonly kind: 'body'; readonly largest: number })
  | (Common & { readonly kind: 'error' | 'respond'; readonly text: string; readonly status: Template })
  | (Common & { readonly kind: 'proxy'; readonly proxying: Proxying })
  | (Common & { readonly kind: 'route'; readonly handlers: readonly Handler[] });

export type Matchers = ReadonlyMap<string, Condition>;

/** Handlers of a route, in the order in which they run. Those that decide nothing are left out. */
export function handlersOf(lines: readonly Line[], outer: Matchers): readonly Handler[] {
  const matchers = matchersOf(lines, outer);
  return lines.flatMap((line) => (nameOf(line).startsWith('@') ? [] : handlerOf(line, matchers)));
}

/** Those of a block are known in all of it, wherever they stand. */
export function matchersOf(lines: readonly Line[], outer: Matchers): Matchers {
  const matchers = new Map(outer);
  for (const line of lines) {
    const name = nameOf(line);
    if (!name.startsWith('@')) continue;
    if (matchers.has(name)) throw new CannotTell(`${line.place}: ${name} is there twice`);
    const words = line.words.slice(1);
    const isList = line.block !== undefined && words.length === 0;
    matchers.set(name, isList ? conditionOf(line.block) : [matcherIn({ ...line, words })]);
  }
  return matchers;
}

function conditionOf(lines: readonly Line[]): Condition {
  const all = lines.map(matcherIn);
  // Two of a kind become one, which means something else for each kind.
  const kinds = all.flatMap((each) => ('key' in each ? [`${each.kind} ${each.key}`] : []));
  const areOnce = new Set(kinds).size === kinds.length;
  const expressions = ['vars_regexp', 'header_regexp'].map((kind) => all.filter((each) => each.kind === kind).length);
  if (!areOnce || expressions.some((count) => count > 1))
    throw new CannotTell(`${lines[0]?.place}: a matcher that is there twice`);
  const variables = all.filter(({ kind }) => kind === 'vars');
  if (variables.length < 2) return all;
  // Of several variables Caddy wants one to have its value, of all else everything.
  return [...all.filter(({ kind }) => kind !== 'vars'), { kind: 'any', of: variables }];
}

/** Only `not` may have a block. */
function matcherIn(line: Line): Matcher {
  const { words, block, place } = line;
  if (!block) return matcherOf(words, line);
  if (words.length !== 1 || nameOf(line) !== 'not') throw new CannotTell(`${place}: a matcher that is not known`);
  return { kind: 'not', all: conditionOf(block) };
}

function matcherOf([first, ...rest]: readonly Word[], { place }: Line): Matcher {
  const [key = '', ...values] = rest.map(({ text }) => text);
  const kind = first?.text ?? '';
  if (kind === 'not') return { kind, all: [matcherOf(rest, { words: rest, block: undefined, place })] };
  if (kind === 'vars' && values.length > 0) return { kind, key, values };
  if (kind === 'vars_regexp' && values.length === 1) return { kind, key, source: values[0] ?? '' };
  if (kind === 'header_regexp' && values.length === 1) return { kind, key: key.toLowerCase(), source: values[0] ?? '' };
  if (kind === 'client_ip' && key !== '')
    return { kind, key: '', networks: [key, ...values].map((cidr) => networkOf(cidr, place)) };
  if (kind === 'host' && key !== '') return { kind, key: '', names: [key, ...values] };
  if (kind === 'header' && key.startsWith('!') && values.length === 0)
    return { kind, key: key.slice(1).toLowerCase(), value: undefined };
  if (kind === 'header' && !key.startsWith('!') && values.length === 1)
    return { kind, key: key.toLowerCase(), value: values[0] ?? '' };
  return { kind: 'unknown', what: `${place}: ${kind} ${key}` };
}

function networkOf(cidr: string, place: string): Network {
  const range = parseCidr(cidr);
  if (typeof range === 'string') throw new CannotTell(`${place}: client_ip has "${cidr}"`);
  return { cidr, isLong: cidr.includes(':'), set: unionOf([range]) };
}

function handlerOf(line: Line, matchers: Matchers): Handler[] {
  const name = nameOf(line);
  const { place, block } = line;
  if (name === 'map') return [{ kind: 'map', table: tableOf(line) }];
  if (name === 'import' && argsOf(line).join() === SECRETS) return [{ kind: 'secrets' }];
  const [first] = line.words.slice(1);
  // In quotes, too, Caddy takes such a word for a matcher.
  if (first && /^[/*]/.test(first.text)) throw new CannotTell(`${place}: a path is looked at`);
  const named = first?.text.startsWith('@') ? first.text : undefined;
  const condition = named === undefined ? [] : matchers.get(named);
  if (!condition) throw new CannotTell(`${place}: ${named} is not known`);
  const words = line.words.slice(named === undefined ? 1 : 2);
  const common = { condition, place: `${place} "${[name, ...line.words.slice(1).map(({ text }) => text)].join(' ')}"` };
  switch (name) {
    case 'vars':
      return [{ kind: name, ...common, values: valuesOf(words, block, place) }];
    case 'header':
      return headersOf(words, block, place).map((header) => ({ kind: name, ...common, ...header }));
    case 'log_append':
      return [];
    case 'request_body':
      return bodyOf(block ?? [], place).map((largest) => ({ kind: 'body', ...common, largest }));
    case 'error':
    case 'respond':
      return [{ kind: name, ...common, ...answerOf(name, words, line) }];
    case 'reverse_proxy':
      return [{ kind: 'proxy', ...common, proxying: proxyingOf(words, block ?? [], place) }];
    case 'route':
      if (words.length > 0 || !block) throw new CannotTell(`${place}: a route that is not known`);
      return [{ kind: name, ...common, handlers: handlersOf(block, matchers) }];
    default:
      throw new CannotTell(`${place} has "${name}"`);
  }
}

function tableOf({ words, block, place }: Line): MapTable {
  const [source, destination, ...more] = words.slice(1);
  const [, name] = /^\{([\w.-]+)\}$/.exec(destination?.text ?? '') ?? [];
  if (!source || name === undefined || more.length > 0 || !block || /^[@/*]/.test(source.text))
    throw new CannotTell(`${place}: a map that is not known`);
  const rows: MapRow[] = [];
  const seen = new Set<string>();
  let [fallback, fallbackPlace] = [undefined as string | undefined, place];
  for (const row of block) {
    const [input, output, ...others] = row.words;
    if (!input || others.length > 0 || row.block) throw new CannotTell(`${row.place}: a row that is not known`);
    const isDefault = input.text === 'default';
    const expression = input.text.startsWith('~') ? input.text.slice(1) : '';
    if (isDefault ? fallback !== undefined : seen.has(expression || input.text))
      throw new CannotTell(`${row.place}: a row that is there twice`);
    if (isDefault) {
      fallback = output ? scalar(output, row.place) : '';
      fallbackPlace = row.place;
      continue;
    }
    seen.add(expression || input.text);
    // Such a row is passed over, whatever it is for.
    if (!output || output.text === '-') continue;
    // An empty expression is none to Caddy, and the row is for the empty text.
    const own = input.text === '~' ? '' : input.text;
    rows.push({ input: own, source: expression || undefined, output: scalar(output, row.place), place: row.place });
  }
  const lines = [place, ...block.map((row) => row.place)];
  return { source: templateOf(source.text, place), name, rows, fallback: fallback ?? '', fallbackPlace, lines, place };
}

/** Without quotes, Caddy takes a word for a number or the like where it can, and writes it in its own way. */
function scalar({ text, quoted }: Word, place: string): string {
  if (!quoted && /^[-+.0-9]|^(?:t|T|TRUE|True|f|F|FALSE|False|[Ii][Nn][Ff].*|[Nn][Aa][Nn])$/.test(text))
    if (!/^(?:0|[1-9][0-9]{0,8})$/.test(text)) throw new CannotTell(`${place}: a value that is no text`);
  return text;
}

function valuesOf(words: readonly Word[], block: readonly Line[] | undefined, place: string) {
  const pairs = block ? block.map((line) => line.words) : [words];
  const values = new Map<string, Template>();
  for (const [name, value, ...more] of pairs) {
    if (
      !name ||
      !value ||
      more.length > 0 ||
      (block && words.length > 0) ||
      /[{}]/.test(name.text) ||
      values.has(name.text)
    )
      throw new CannotTell(`${place}: variables that are not known`);
    values.set(name.text, templateOf(scalar(value, place), place));
  }
  return values;
}

interface AnswerHeader {
  readonly name: string;
  readonly deferred: boolean;
  readonly value: Template;
}

/** Headers of an answer that matter: Allow, and what browsers are told of other origins. */
function headersOf(words: readonly Word[], block: readonly Line[] | undefined, place: string): AnswerHeader[] {
  const lines = block ? block.map((line) => line.words) : [words];
  // Interim answers are no answers, and 101 is none of them: it opens a WebSocket.
  const codes = lines.flatMap(([name, what, ...more]) =>
    name?.text === 'match' && what?.text === 'status' ? more : [],
  );
  if (codes.length > 0 && codes.every(({ text }) => /^1(?!01)[0-9]{2}$/.test(text))) return [];
  const isForSome = lines.some(([name]) => name?.text === 'match');
  const isDeferred = lines.some(([name]) => name?.text === 'defer');
  return lines.flatMap(([name, value, ...more]) => {
    const [, order = '', plain = ''] = /^([-+?>]?)(.*)$/.exec(name?.text ?? '') ?? [];
    const field = plain.toLowerCase();
    if (field.includes('{')) throw new CannotTell(`${place}: a header is called "${plain}"`);
    if (/^(?:upgrade$|sec-websocket-)/.test(field)) throw new CannotTell(`${place}: changes ${plain} of answers`);
    if (!/^(?:allow|access-control-.*)$/.test(field) && (!field.includes('*') || field.startsWith('x-'))) return [];
    if ((order !== '' && order !== '>') || !value || more.length > 0 || isForSome)
      throw new CannotTell(`${place}: changes ${plain} in a way that is not known`);
    return [{ name: field, deferred: isDeferred || order === '>', value: templateOf(value.text, place) }];
  });
}

function bodyOf(block: readonly Line[], place: string): number[] {
  return block.flatMap((line) => {
    const [value = ''] = argsOf(line);
    if (nameOf(line) === 'read_timeout') return [];
    if (nameOf(line) !== 'max_size' || !/^[0-9]+$/.test(value))
      throw new CannotTell(`${place}: a body that is not known`);
    return [Number(value)];
  });
}

function answerOf(name: 'error' | 'respond', words: readonly Word[], { block, place }: Line) {
  const [first, second, ...more] = words.map(({ text }) => text);
  if (first === undefined || more.length > 0 || block) throw new CannotTell(`${place}: "${name}" is not known`);
  if (second !== undefined) return { text: first, status: templateOf(second, place) };
  if (/^[0-9]{3}$/.test(first)) return { text: '', status: [first] };
  return { text: first, status: [name === 'error' ? '500' : '200'] };
}

/** `a{b.c}\{d` → "a", b.c, "{d". */
export function templateOf(text: string, place: string): Template {
  const parts: (string | { name: string })[] = [];
  let rest = text;
  while (rest !== '') {
    const [whole = '', plain, escaped, name] =
      /^(?:([^{}\\]+|\\(?![{}]))|\\([{}])|\{([A-Za-z][\w.-]*)\})/.exec(rest) ?? [];
    if (whole === '') throw new CannotTell(`${place}: a value with a brace that is not known`);
    parts.push(plain ?? escaped ?? { name: name ?? '' });
    rest = rest.slice(whole.length);
  }
  return parts;
}
