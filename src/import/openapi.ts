import { grouped } from '../policy/grouped.ts';
import { parsePattern } from '../policy/pattern.ts';
import { parseDocument } from '../source/document.ts';
import { isRecord, listOf, memberOf, parseJson } from '../source/value.ts';
import {
  CALLER,
  type Draft,
  type DraftGroup,
  freeName,
  type ImportChoice,
  type Imported,
  type Importer,
  type ImportFile,
  type ImportProblem,
  identifierOf,
  type NotCarried,
} from './draft.ts';

export interface Operation {
  readonly method: string;
  readonly pattern: string;
  readonly tag: string;
  readonly contentTypes: readonly string[];
  /** Line in the file, from 1. */
  readonly line: number;
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];

interface Source {
  readonly name: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** Line of a path below `paths`. */
  readonly lineOf: (path: string) => number;
}

export interface Description {
  readonly operations: readonly Operation[];
  readonly origin: string | undefined;
  readonly title: string;
  /** Whether it says how callers authenticate. */
  readonly hasLogin: boolean;
  readonly notCarriedOver: readonly NotCarried[];
}

/** Returns the operations of an OpenAPI description of version 2, 3.0 or 3.1; `undefined` for any other document. */
function describedBy(source: Source, choice: ImportChoice = {}): Description | undefined {
  const { document, name, lineOf } = source;
  const { paths } = document;
  if (!isRecord(paths) || (typeof document['openapi'] !== 'string' && typeof document['swagger'] !== 'string'))
    return undefined;
  const server = serverOf(document);
  const notCarriedOver: NotCarried[] = [];
  const operations: Operation[] = [];
  for (const reason of server.problems)
    notCarriedOver.push({ file: name, line: lineOf(SERVERS), what: 'servers', reason });
  const globs = (choice.paths ?? []).map(globRegex);
  for (const [path, written] of Object.entries(paths)) {
    const lose = (what: string, reason: string) =>
      void notCarriedOver.push({ file: name, line: lineOf(path), what, reason });
    if (!isRecord(written)) continue;
    const referred = resolved(document, written);
    const item = isRecord(referred) ? { ...referred, ...written } : written;
    const wanted = (base: string) =>
      globs.length === 0 || globs.some((glob) => glob.test(base + path) || glob.test(path));
    if (!isRecord(referred)) lose(path, `its description ${FAR}`);
    for (const method of [...METHODS, 'trace', 'query']) {
      const operation = item[method];
      if (!isRecord(operation) || !isWanted(method, operation, choice)) continue;
      const own = serverFor([operation, item], server);
      if (!wanted(own.base)) continue;
      const what = `${method.toUpperCase()} ${path}`;
      const reason = METHODS.includes(method) ? elsewhere(own, server) : 'a spec forwards no such method';
      if (reason !== undefined) {
        lose(what, reason);
        continue;
      }
      const parameters = parametersOf(document, item, operation);
      const pattern = patternOf(`${own.base}${path.startsWith('/') ? '' : '/'}${path}`, parameters.schemas);
      for (const unknown of parameters.unknown) lose(what, `${unknown}, so that any segment is taken for it`);
      if ('problem' in pattern) lose(what, pattern.problem);
      else
        operations.push({
          ...pattern,
          method: method.toUpperCase(),
          tag: tagOf(operation),
          contentTypes: typesOf(document, operation),
          line: lineOf(path),
        });
    }
  }
  return { operations, origin: server.origin, title: titleOf(document), hasLogin: hasLogin(document), notCarriedOver };
}

function hasLogin({ components, securityDefinitions }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(securityDefinitions ?? memberOf(components, 'securitySchemes'));
}

/** Returns the server of an operation: its own, that of its path, or that of the document. */
function serverFor(inner: readonly Readonly<Record<string, unknown>>[], whole: Server): Server {
  const own = inner.find(({ servers }) => Array.isArray(servers) && servers.length > 0);
  const found = own && serverOf(own);
  return found ? { ...found, origin: found.origin ?? whole.origin } : whole;
}

/** Returns why an operation is not served where the others are. */
function elsewhere(own: Server, whole: Server): string | undefined {
  if (own === whole) return undefined;
  const [problem] = own.problems;
  if (problem !== undefined) return `of its own servers: ${problem}`;
  return own.origin === whole.origin ? undefined : 'a server of its own serves it: give it another upstream';
}

function isWanted(
  method: string,
  operation: Readonly<Record<string, unknown>>,
  { tags, methods }: ImportChoice,
): boolean {
  if (methods && !methods.some((one) => one.toLowerCase() === method)) return false;
  const own = Array.isArray(operation['tags']) ? operation['tags'] : [];
  return !tags || own.some((tag) => typeof tag === 'string' && tags.includes(tag));
}

function tagOf({ tags }: Readonly<Record<string, unknown>>): string {
  return Array.isArray(tags) && typeof tags[0] === 'string' ? tags[0] : '';
}

function titleOf({ info }: Readonly<Record<string, unknown>>): string {
  return isRecord(info) && typeof info['title'] === 'string' ? info['title'] : '';
}

/** Returns a glob as a regular expression: `*` matches within a segment, `**` across segments. */
function globRegex(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replace(/\*+/g, (stars) => (stars.length > 1 ? '.*' : '[^/]*'));
  return new RegExp(`^${source}$`);
}

interface Server {
  readonly origin: string | undefined;
  /** Path before all paths. */
  readonly base: string;
  /** What of its address is not carried over, as clauses. */
  readonly problems: readonly string[];
}

function serverOf(described: Readonly<Record<string, unknown>>): Server {
  const { host, basePath, schemes, servers } = described;
  if (typeof described['swagger'] === 'string') {
    const scheme = Array.isArray(schemes) && !schemes.includes('https') && schemes.includes('http') ? 'http' : 'https';
    const base = typeof basePath === 'string' ? basePath.replace(/\/+$/, '') : '';
    return { origin: typeof host === 'string' ? originOf(`${scheme}://${host}`) : undefined, base, problems: [] };
  }
  const first: unknown = Array.isArray(servers) ? servers[0] : undefined;
  if (!isRecord(first) || typeof first['url'] !== 'string') return { origin: undefined, base: '', problems: [] };
  const problems = Array.isArray(servers) && servers.length > 1 ? ['only the first of several servers'] : [];
  const variables = isRecord(first['variables']) ? first['variables'] : {};
  const url = first['url'].replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = variables[name];
    if (!isRecord(variable) || typeof variable['default'] !== 'string') return whole;
    problems.push(`{${name}} has its default, and no other value`);
    return variable['default'];
  });
  const found = /^(https?:\/\/[^/{}?#]+)?(\/[^{}?#]*)?$/i.exec(url);
  if (!found)
    problems.push(
      'its address is relative, or has a part without a value: write the url, and put its path before all paths',
    );
  return { origin: originOf(found?.[1]), base: (found?.[2] ?? '').replace(/\/+$/, ''), problems };
}

/** Returns an origin without the user and the password that a description may hold. */
function originOf(origin: string | undefined): string | undefined {
  return origin?.replace(/\/\/.*@/, '//');
}

type Parameters = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

interface PathParameters {
  readonly schemas: Parameters;
  /** Parameters that could not be resolved, as clauses. */
  readonly unknown: readonly string[];
}

/** Returns the schemas of path parameters by name. Those of an operation replace those of its path. */
function parametersOf(
  document: Readonly<Record<string, unknown>>,
  item: Readonly<Record<string, unknown>>,
  operation: Readonly<Record<string, unknown>>,
): PathParameters {
  const schemas = new Map<string, Readonly<Record<string, unknown>>>();
  const unknown = new Set<string>();
  for (const one of [item['parameters'], operation['parameters']].flatMap(listOf)) {
    const parameter = resolved(document, one);
    if (!isRecord(parameter)) unknown.add(`a parameter ${FAR}`);
    if (!isRecord(parameter) || parameter['in'] !== 'path' || typeof parameter['name'] !== 'string') continue;
    const { name } = parameter;
    const schema = parameter['schema'] === undefined ? parameter : resolved(document, parameter['schema']);
    if (!isRecord(schema)) unknown.add(`the schema of {${name}} ${FAR}`);
    const { style } = parameter;
    const isOther = style === 'matrix' || style === 'label';
    if (isOther) unknown.add(`{${name}} is written in the style "${style}"`);
    schemas.set(name, isRecord(schema) && !isOther ? schema : {});
  }
  return { schemas, unknown: [...unknown] };
}

const DEEPEST = 8;
const FAR = `is in another file, or more than ${DEEPEST} references away`;

/**
 * Follows up to `left` references within the file. Returns `undefined` for longer chains and for references to other
 * files.
 */
function resolved(document: unknown, value: unknown, left = DEEPEST): unknown {
  if (!isRecord(value) || typeof value['$ref'] !== 'string') return value;
  if (left === 0 || !value['$ref'].startsWith('#/')) return undefined;
  const found = value['$ref']
    .slice(2)
    .split('/')
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
    .reduce<unknown>(
      (at, part) => (isRecord(at) ? at[part] : Array.isArray(at) ? at[Number(part)] : undefined),
      document,
    );
  return resolved(document, found, left - 1);
}

function patternOf(path: string, parameters: Parameters): { readonly pattern: string } | { readonly problem: string } {
  const segments = path.slice(1).split('/');
  const used = new Set<string>();
  const parts = segments.map((segment) => {
    // A segment such as ":search" is a literal, unless it is described as a parameter.
    const [, colon = ''] = /^:([A-Za-z_]\w*)$/.exec(segment) ?? [];
    const whole =
      /^\{([+]?)([A-Za-z0-9_. $-]+)([*+]?)\}$/.exec(segment) ??
      (parameters.has(colon) ? ['', '', colon, ''] : undefined);
    if (!whole) return segment;
    const [, plus = '', name = '', star = ''] = whole;
    const schema = parameters.get(name) ?? {};
    const [only, ...others] = valuesOf(schema);
    if (only !== undefined && others.length === 0) return only;
    const word = freeName(name.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^(?![A-Za-z_])/, '_'), used);
    return plus !== '' || star !== '' ? `{${word}*}` : `{${word}${typeOf(schema)}}`;
  });
  const pattern = `/${parts.join('/')}`;
  const parsed = parsePattern(pattern);
  return 'problem' in parsed ? { problem: parsed.problem } : { pattern };
}

/** Returns the only values that a schema admits; none where it admits others, or one that a pattern cannot hold. */
function valuesOf(schema: Readonly<Record<string, unknown>>): readonly string[] {
  const values = (schema['const'] === undefined ? listOf(schema['enum']) : [schema['const']]).map(String);
  return values.length <= 40 && values.every((value) => /^[A-Za-z0-9._~-]+$/.test(value)) ? values : [];
}

const HEX = /^\^?\[(?:0-9|\\d|a-f|A-F){2,3}\](?:\+|\*|\{[\d,]+\})\$?$/;

/**
 * Returns the type of a parameter in a pattern, such as `:int`, `:hex` or `:open|closed`, if its schema says so; else
 * "", which matches any segment.
 */
function typeOf(schema: Readonly<Record<string, unknown>>): string {
  const { type, format, pattern } = schema;
  const values = valuesOf(schema);
  const kinds = [type].flat();
  if (values.length > 1) return `:${values.join('|')}`;
  if (kinds.includes('integer') && !kinds.includes('string'))
    return typeof schema['minimum'] === 'number' && schema['minimum'] < 0 ? '' : ':int';
  if (format === 'uuid') return ':uuid';
  if (typeof pattern === 'string' && /^\^?(?:\\d|\[0-9\])\+?\$?$/.test(pattern)) return ':int';
  if (typeof pattern === 'string' && HEX.test(pattern)) return ':hex';
  return '';
}

/** Returns the media types of a body, sorted. */
function typesOf(document: Readonly<Record<string, unknown>>, operation: Readonly<Record<string, unknown>>): string[] {
  const body = resolved(document, operation['requestBody']);
  const content = isRecord(body) && isRecord(body['content']) ? Object.keys(body['content']) : [];
  const consumed = operation['consumes'] ?? document['consumes'];
  const types = content.length > 0 || !Array.isArray(consumed) ? content : consumed.map(String);
  return [...new Set(types.map((type) => type.toLowerCase().split(';', 1)[0] ?? ''))].sort();
}

const OWN_KEYS = [
  'Its security schemes are not carried over: callers send keys of this spec, and the upstream gets a token of theirs,',
  'as tokenHeader and tokenScheme of the upstream say.',
];

/**
 * Returns the operations of a description as a draft. It admits JSON bodies; other types are listed as not carried
 * over.
 */
function openapiDraft({ operations, origin, title, hasLogin, notCarriedOver }: Description, file: string): Imported {
  const lost: NotCarried[] = [...notCarriedOver];
  const upstream = identifierOf(
    origin
      ?.replace(/^https?:\/\//, '')
      .split('.')
      .slice(0, 1)
      .join('') ?? 'upstream',
    'upstream',
  );
  if (origin === undefined)
    lost.push({ file, line: 1, what: 'servers', reason: 'no server is named: write its url under upstreams' });
  for (const { method, pattern, contentTypes, line } of operations) {
    const others = contentTypes.filter((type) => type !== 'application/json');
    if (others.length > 0 && !['GET', 'HEAD'].includes(method))
      lost.push({
        file,
        line,
        what: `${method} ${pattern}`,
        reason: `bodies of ${others.join(', ')} are refused: name them under contentTypes where they are needed`,
      });
  }
  const taken = new Set([upstream, 'clients', 'caller', 'api']);
  const routes = [...grouped(operations, ({ tag }) => tag)].map(([tag, own]): DraftGroup => {
    const byPath = grouped(own, ({ pattern }) => pattern);
    const allow = [...byPath].map(([pattern, same]) => {
      const methods = [...new Set(same.map(({ method }) => method))].sort();
      const listed = methods.filter((method) => method !== 'HEAD' || !methods.includes('GET'));
      return { request: `${listed.join()} ${pattern}` };
    });
    return { id: freeName(identifierOf(tag.toLowerCase(), 'operations'), taken), upstream, allow };
  });
  const draft: Draft = {
    name: identifierOf(title.toLowerCase(), 'imported').toLowerCase(),
    head: [
      `Imported from an OpenAPI description: ${operations.length} operations. Take out what nobody needs.`,
      ...(hasLogin ? OWN_KEYS : []),
    ],
    ipRanges: [{ id: 'clients', notes: ['TODO: who may connect'], value: ['192.0.2.0/24'] }],
    upstreams: [{ id: upstream, value: { url: (origin ?? 'https://upstream.example').toLowerCase() } }],
    routes,
    apiKeys: [CALLER],
    proxies: [{ id: 'api', value: { listen: 8080, ipRanges: ['@clients'] } }],
  };
  return { draft, notCarriedOver: lost };
}

/** Reads a file as an OpenAPI description. */
export function readOpenapi(file: ImportFile, choice: ImportChoice): Description | ImportProblem {
  const value = parseJson(file.text) ?? parseDocument({ name: file.name, text: file.text }).value?.value;
  const lines = pathLines(file.text);
  const described =
    isRecord(value) &&
    describedBy({ name: file.name, document: value, lineOf: (path) => lines.get(path) ?? 1 }, choice);
  return described || { file: file.name, line: 1, problem: 'it is no OpenAPI description of version 2 or 3' };
}

const PATH_KEY = /^\s*(?:["'](\/[^"']*)["']|(\/[^"'\s]*?))\s*:(?=[\s{]|$)/;

const SHOWN_TAGS = 20;

/** Stands for the list of servers among the paths, which all begin with a slash. */
const SERVERS = 'servers';

/**
 * Returns the line of each path. JSON parsers keep no places, so lines are searched for what looks like a path, which
 * works in any usual layout.
 */
function pathLines(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    const [, quoted, plain] = PATH_KEY.exec(line.slice(0, 2_000)) ?? [];
    const path = quoted ?? plain;
    if (path !== undefined && !found.has(path)) found.set(path, index + 1);
    if (!found.has(SERVERS) && /^\s{0,4}["']?servers["']?\s*:/.test(line.slice(0, 40))) found.set(SERVERS, index + 1);
  }
  return found;
}

function nothingOf(file: ImportFile, { tags }: ImportChoice): string {
  const whole = tags ? readOpenapi(file, {}) : { operations: [] };
  const own =
    'problem' in whole ? [] : [...new Set(whole.operations.map(({ tag }) => tag))].filter((tag) => tag !== '');
  const known = own.length === 0 ? '' : `; it has tags such as ${own.sort().slice(0, SHOWN_TAGS).join(', ')}`;
  return `it has no operation of those that are asked for${known}`;
}

export const openapi: Importer = {
  kind: 'openapi',
  remedy: 'give one OpenAPI description of version 2 or 3, in JSON or YAML',
  read([file, ...others], choice = {}) {
    if (!file || others.length > 0)
      return { file: others[0]?.name ?? '', line: 0, problem: 'one description is one file' };
    const found = readOpenapi(file, choice);
    if ('problem' in found) return found;
    if (found.operations.length === 0) return { file: file.name, line: 1, problem: nothingOf(file, choice) };
    return openapiDraft(found, file.name);
  },
};
