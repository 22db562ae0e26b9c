#!/usr/bin/env node
// node check-certificate.js CERTIFICATE FOLDER: shows that the nginx files in FOLDER decide, for all requests, what the
// rows of CERTIFICATE say. Exit status: 0 it holds, 1 something else is decided, 2 it cannot be told.
// The tables are evaluated as nginx does it, for a request of which nothing is known. Where a table looks at a part of it,
// all answers are tried, each in a way of its own: a segment of a path is one of the texts that the table has there, or
// another; its type is one of those in the certificate, or none. So every request goes one of the ways, and at the end of
// each the files have to come to what the rows say. Method and path are first, and `cuts` is all that they lead to.
// Nothing in a certificate is believed. The tables in `quoted` and all directives in `around` have to be in the files
// word for word: read there what they do. On trust is nginx's manual on maps and locations; that the expressions of $verb
// cut a request line as their groups are called; that types accept what narrower ones do (`WIDER`), and possessive marks
// change none of them; that the variable `caller` owns the key that was sent where secure_link says "1".
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
const ending = (status) => (why) => { throw Object.assign(new Error(why), { status }); };
const [differs, cannot] = [ending(1), ending(2)];
const once = (map, key, make) => (map.has(key) ? map : map.set(key, make())).get(key);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const unique = (items) => [...new Set(items)];
const upTo = (count) => Array.from({ length: Math.max(0, count) }, (_, index) => index + 1);
const variablesIn = (quote) => [...JSON.stringify(quote).matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name);
// ---- The files: a directive is a list of its words, with a list of directives at the end where it has a block
const TOKEN = /\s+|#[^\n]*|"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'|([{};])|((?:\$\{|\\[^]|[^\s;{}\\"'])(?:\$\{|\\[^]|[^\s;{\\])*)/gy;
function directivesOf(folder, name) {
  const [stack, text] = [[[]], readFileSync(join(folder, name), 'latin1')]; let [words, end] = [[], 0];
  for (const { 0: token, 1: double, 2: single, 3: sign, 4: plain, index } of text.matchAll(TOKEN)) {
    end = index + token.length;
    const word = double ?? single ?? plain;
    if (word !== undefined) words.push(word.replace(/\\(["'\\ \t\r\n;{}])/g, '$1'));
    const isRead = words[0] === 'include' && !words[1]?.startsWith('secrets/');
    if (sign === ';') stack.at(-1).push(...(isRead ? directivesOf(folder, words[1]) : [words]));
    if (sign === '{') stack.at(-1).push([...words, stack[stack.push([]) - 1]]);
    if (sign === '}') words.length > 0 || stack.length === 1 ? cannot(`${name}: a "}" too many`) : stack.pop();
    if (sign !== undefined) words = [];
  }
  return end < text.length || words.length > 0 || stack.length > 1 ? cannot(`${name} breaks off`) : stack[0];
}
function tableOf(quote) {
  const [kind, source, variable, block] = quote;
  if (kind === 'geo') return { quote, ...(same(quote.at(-1), [['default', '$']]) && { source: '', exact: new Map(), after: new Map(), regexes: [], fallback: '$' }) };
  const rows = block.filter(([key]) => key !== 'volatile');
  if (rows.some(([key, ...values]) => /^\\|^hostnames$/.test(key) || values.length !== 1 || Array.isArray(values[0]))) cannot(`${variable}: an odd row`);
  const exact = new Map(rows.filter(([key]) => !/^~|^default$/.test(key)).map(([key, value]) => [key.toLowerCase(), value]));
  const after = new Map();
  for (const key of exact.keys())
    for (const { index, 1: segment } of key.matchAll(/\/([^/]*)/g)) once(after, key.slice(0, index), () => new Set()).add(segment);
  const regexes = rows.filter(([key]) => key[0] === '~').map(([key, value]) => [key.slice(1), value]);
  return { quote, source, exact, after, regexes, fallback: rows.find(([key]) => key === 'default')?.[1] ?? '' };
}
/** Each type of segments with the next wider one, narrowest first. */
const WIDER = { int: 'hex', hex: 'slug', uuid: 'slug', slug: 'segment', segment: 'encodedPath', encodedPath: 'encodedText', encodedText: undefined };
/** Calls `visit` once for each combination of choices that it makes. */
function explore(visit) {
  const path = [];
  do {
    let depth = 0;
    visit((options) => options[(path[depth++] ??= { chosen: 0, count: options.length }).chosen]);
    while (path.length > 0 && path.at(-1).chosen + 1 >= path.at(-1).count) path.pop();
    if (path.length > 0) path.at(-1).chosen++;
  } while (path.length > 0);
}
/** Possessive marks are left out, but for those that are no marks: in brackets and behind a backslash. */
const plainly = (source) => source.replace(/(\[(?:\\.|[^\]])*\]|\\.)|([*+?}])\+/g, (_, kept, sign) => kept ?? sign);
/** What is known of a request in one way. A text is a list of strings, of parts that are not known, and of functions. */
class Request {
  constructor(choose, world) { Object.assign(this, { choose, ...world, chosen: new Map(), parts: new Map() }); }
  one(name, options) { return once(this.chosen, name, () => this.choose(options)); }
  part(name, kind) { return once(this.parts, name, () => ({ kind, not: new Set() })); }
  typeOf(text) { return once(this.known, text, () => this.types.find(([, source]) => new RegExp(`^(?:${source})$`).test(text))?.[0]); }
  /** Returns which of these texts a part is; `undefined` for any other text. */
  which(part, texts) {
    if (part.text !== undefined) return texts.find((text) => text === part.text);
    const isOpen = (text) => !part.not.has(text) && (text !== '' || part.kind !== 'segment')
      && (!('type' in part) || part.type === this.typeOf(text)) && (!('capitals' in part) || part.capitals === /[A-Z]/.test(text));
    const open = texts.filter(isOpen); part.text = this.choose([...open, undefined]);
    open.forEach((text) => part.not.add(text)); return part.text;
  }
  /** Returns whether a segment is of a type; of several segments, whether all of them are. */
  isOf(part, wanted) {
    if (part.text === undefined && !('type' in part)) part.type = this.choose([...this.types.map(([type]) => type), undefined]);
    let type = part.text === undefined ? part.type : this.typeOf(part.text);
    while (type && type !== wanted) type = WIDER[type];
    return type === wanted;
  }
  hasCapitals(part) { return part.text === undefined ? (part.capitals ??= this.choose([false, true])) : /[A-Z]/.test(part.text); }
  /** Number of segments; 0 where the target is no path. `slash`: there are more than that, or a slash behind them. */
  shape() { return this.one('shape', this.shapes); }
  segment(number) {
    const { count, slash } = this.shape();
    return number > count ? [] : [this.part(number, number === count && slash === undefined ? 'last' : 'segment')];
  }
  /** The segments after this number of them, and the slash that ends the path. */
  rest(number) {
    const { count, after, slash } = this.shape();
    const parts = upTo(count - number).flatMap((index) => this.segment(number + index));
    const isEmpty = parts.at(-1)?.kind === 'last' && this.which(parts.at(-1), ['']) === '';
    return { after: [...parts.slice(0, isEmpty ? -1 : undefined), ...(after ? [this.part('further', 'many')] : [])], slash: slash || isEmpty ? ['/'] : [] };
  }
  /** Returns the key of a table that a text is; nginx ignores case. */
  keyOf(text, { exact, after }) {
    let key = '';
    for (const each of text) {
      if (typeof each !== 'string' && each.kind !== 'any' && !after.has(key) && !exact.has(key)) return undefined;
      const part = typeof each === 'function' ? each() : each;
      if (typeof part === 'string') key += part.toLowerCase();
      else if (part.kind === 'any') key += this.which(part, [...exact.keys()].filter((own) => own.startsWith(key)).map((own) => own.slice(key.length))) ?? '\n';
      else {
        const texts = [...(after.get(key) ?? [])];
        if (texts.some((own) => own !== '') && (part.kind === 'many' || this.hasCapitals(part))) cannot('a table looks up capital letters, or many segments');
        key += `/${this.which(part, texts) ?? '\n'}`;
      }
    }
    return exact.has(key) ? key : undefined;
  }
  /** Returns whether an expression is found in a text, for the few kinds that tables of paths and callers have. */
  isFound(source, text) {
    const [first] = text; const [, start] = /^\^([\w ]+)$/.exec(source) ?? [];
    if (start && typeof first === 'string' && (first.length >= start.length || !start.startsWith(first))) return first.startsWith(start);
    if (source === '[*][}]/?+\\z' && text.every((part) => typeof part === 'string')) return /[*][}]\/?$/.test(text.join(''));
    if (source === '[*][}] ' && typeof first === 'string' && first.includes(' ')) return first.includes('*} ');
    const isIts = (end) => this.types.find(([, own]) => plainly(source) === plainly(`^(?:/${own})+${end}`))?.[0];
    const [type, rest] = once(this.known, `^${source}`, () => [isIts('\\z'), isIts('(?<rest_end>/?)\\z')]);
    const parts = text.filter((part) => part.kind);
    if (parts.length < text.length || (!type && !rest)) cannot(`the expression ${source}`);
    const isEmpty = rest && parts.at(-1)?.kind === 'last' && this.which(parts.at(-1), ['']) === '';
    const full = isEmpty ? parts.slice(0, -1) : parts;
    return full.length > 0 && full.every((part) => this.isOf(part, type ?? rest)) && (rest ? { end: isEmpty ? ['/'] : [] } : true);
  }
}
/** What variables are for the requests of one way. nginx finds it out when they are used, and once. */
class Meaning {
  constructor(request, world, cuts = new Map()) { Object.assign(this, { request, ...world, cuts, values: new Map(), passed: [] }); }
  evaluate(text) {
    const joined = []; const split = () => text.split(/\$\{(\w+)\}|\$([A-Za-z_]\w*)/);
    const parts = once(templates, text, split).flatMap((part, at) => (!part ? [] : at % 3 > 0 ? this.value(part) : [part]));
    for (const part of parts) joined.push(typeof part === 'string' && typeof joined.at(-1) === 'string' ? joined.pop() + part : part);
    return joined;
  }
  text(text) {
    const [own = '', ...more] = this.evaluate(text);
    return typeof own === 'string' && more.length === 0 ? own : cannot(`${text} may be anything`);
  }
  value(name) {
    this.used.add(name); const cut = this.cuts.get(name);
    if (!cut) return once(this.values, name, () => this.find(name));
    if (cut.isEarly && !this.isCut) cannot(`$${name} is used before the request line is cut`);
    this.isCut ||= cut.isCut; return [cut.value];
  }
  find(name) {
    const { is, next } = this.quoted[name] ?? {};
    if (next) return [this.passed.push(name), this.value(next)][1];
    if (name === 'verb') return [(this.isCut = true), [this.method.replace(/^HEAD$/, 'GET')]][1];
    if (is === 'anything') return [this.request.part(name, 'any')];
    if (is === 'decision') return [`$${name}`];
    if (this.ranges.has(name) && (this.quoted[name] || !this.tables.has(name))) return [this.request.one(name, this.ranges.get(name))];
    if (!this.tables.has(name)) return this.fromLine(name);
    const table = this.tables.get(name);
    if (table.exact?.has('include')) cannot(`$${name} has rows in other files`);
    const text = this.evaluate(table.source ?? cannot(`$${name} looks up addresses, and is not quoted`));
    const key = this.request.keyOf(text, table); let found;
    if (key !== undefined) return this.evaluate(table.exact.get(key));
    const [, value] = table.regexes.find(([source]) => (found = this.request.isFound(source, text))) ?? ['', table.fallback];
    if (found?.end) this.values.set('rest_end', found.end);
    return this.evaluate(value);
  }
  /** A part of the request line. It is only there once the line is cut. */
  fromLine(name) {
    const [, kind, digits] = /^(method|segment|plain|after|slash)(?:_(\d+))?$/.exec(name) ?? cannot(`$${name} is not known`);
    if (this.cuts.size > 0 || !this.line.includes(`(?<${name}>`)) cannot(`$${name} is not known here`);
    this.isEarly ||= !this.isCut;
    if (kind === 'method') return [this.method];
    if (kind === 'after' || kind === 'slash') return this.request.rest(Number(digits))[kind];
    const segment = this.request.segment(Number(digits));
    return kind === 'segment' ? segment : segment.map((part) => () => (this.request.hasCapitals(part) ? '' : part));
  }
}
const templates = new Map(); // ---- What the rows say
/** Returns the rows with the path of the request: those that are left after all of its segments. */
function rowsFor(request, rows) {
  const { count, after, slash } = request.shape(); let left = count > 0 ? rows.map((row) => ({ row, at: 0 })) : [];
  const pass = (segment, isMany) => {
    const open = left.flatMap(({ row, at }) => [{ row, at: at + 1, part: row.path[at] }, { row, at, part: row.path[at - 1], isAgain: true }])
      .filter(({ part, isAgain }) => part !== undefined && (isAgain ? part.endsWith('*}') : !isMany));
    const text = isMany ? undefined : request.which(segment, unique(open.map(({ part }) => part)).filter((part) => part[0] !== '{'));
    const fits = unique(open.map(({ part }) => /^\{(\w+)/.exec(part)?.[1])).filter((type) => type && request.isOf(segment, type));
    left = open.filter(({ part }) => (part[0] === '{' ? fits.includes(/\w+/.exec(part)[0]) : part === text));
  };
  for (let number = 1; number <= count && left.length > 0; number++) pass(request.segment(number)[0], false);
  if (after) pass(request.part('further', 'many'), true);
  if (slash) left = left.filter(({ row, at }) => row.path[at] === '').map(({ row, at }) => ({ row, at: at + 1 }));
  return unique(left.filter(({ row, at }) => at === row.path.length).map(({ row }) => row));
}
/** Returns what the rows say of a target: the methods of its path, and how the request is treated, as part of which groups. */
function targetOf(request, method, { rows, treatments }) {
  const found = rowsFor(request, rows);
  const named = unique(found.flatMap(({ methods }) => (methods.includes('GET') ? [...methods, 'HEAD'] : methods))).sort();
  const exact = found.filter(({ methods }) => methods.includes(method) || (method === 'HEAD' && methods.includes('GET')));
  const fitting = exact.length > 0 ? exact : found.filter(({ methods }) => methods.includes('*'));
  const [treatment, ...others] = unique(fitting.map((row) => row.treatment));
  if (others.length > 0 || (treatment && !treatments[treatment])) cannot(`rows do not agree on ${treatment}`);
  return { allow: found.length > 0 ? named.join(', ') : undefined, treatment: treatments[treatment], groups: unique(fitting.map(({ group }) => group)).sort() };
}
const STATUS = { address: 403, 'key-unknown': 403, 'key-expired': 403, 'key-address': 403, 'token-missing': 403, path: 404, 'key-routes': 403 };
/** Returns what the rows demand: a refusal, or the quoted table that makes all further checks. */
function wantedOf({ allow, treatment, groups }, request, { proxy, keys, ranges }) {
  const isIn = (sets) => sets === 'any' || sets.some((name) => request.one(name, ranges.get(name)) === '');
  if (!isIn(treatment?.from ?? proxy.from)) return 'address';
  const isKeyed = proxy.caller && !treatment?.open;
  const link = isKeyed && request.one('secure_link', ranges.get('secure_link'));
  const key = isKeyed && keys.find(({ id }) => id === request.one(proxy.caller, ranges.get(proxy.caller)));
  if (isKeyed && (link !== '1' || !key)) return link === '0' ? 'key-expired' : 'key-unknown';
  if (isKeyed && !isIn(key.from)) return 'key-address';
  if (isKeyed && request.which(request.part(proxy.token, 'any'), ['']) === '') return 'token-missing';
  if (allow === undefined || !treatment) return allow === undefined ? 'path' : 'method';
  return isKeyed && groups[0] !== '' && !groups.some((group) => key.groups.includes(group)) ? 'key-routes' : `$${proxy.goesOn}`;
}
const namesOf = (block) => block.filter(([name]) => /^(?:listen|server_name)$/.test(name));
/** Shows that one server decides what its rows say. Returns how many kinds of target and ways there are. */
function check({ keys, types }, proxy, directives, tables) {
  const isNamed = ([name, block]) => name === 'server' && same(namesOf(block), proxy.names);
  const [[, server] = [], ...others] = directives.filter(isNamed);
  if (!server || others.length > 0) cannot(`not one server is ${JSON.stringify(proxy.names)}`);
  for (const [name, { table, is, next }] of Object.entries(proxy.quoted))
    if (!same(tables.get(name)?.quote, table) || !(next ? !is : /^(?:anything|method|decision|value)$/.test(is))) cannot(`$${name} is not as it is quoted`);
  const rows = proxy.rows.map(([methods, path, treatment, group]) => ({ methods: methods.split(' '), path: path.split('/').slice(1), treatment, group }));
  const line = JSON.stringify(proxy.quoted.verb);
  const world = { tables, proxy, keys, types, rows, line, quoted: proxy.quoted, treatments: proxy.treatments, used: new Set(), known: new Map(), ranges: new Map() };
  world.types = Object.keys(WIDER).filter((type) => types[type]).map((type) => [type, types[type]]);
  world.depth = Math.max(...rows.map(({ path }) => path.length), ...[...line.matchAll(/segment_(\d+)/g)].map(([, number]) => Number(number)));
  const more = [{ after: true, slash: false }, { after: true, slash: true }, { after: false, slash: true }];
  world.shapes = [{ count: 0 }, ...upTo(world.depth).map((count) => ({ count })), ...more.map((each) => ({ ...each, count: world.depth }))];
  const ids = [...tables.values()].flatMap(({ source = '', exact }) => (variablesIn(source).includes(proxy.caller) ? [...exact.keys()] : []));
  world.ranges.set('secure_link', ['', '0', '1']).set(proxy.caller, unique(['', ...keys.map(({ id }) => id), ...ids]));
  for (const [name, { table }] of Object.entries(proxy.quoted))
    if (table[0] === 'geo' && table[1] === '$client') world.ranges.set(name, unique(['', ...table.at(-1).map(([, value]) => value)]));
  const locationOf = (name) => server.find(([word, sign, path]) => word === 'location' && sign === '=' && path === `/./${name}`)?.[3] ?? cannot(`no location ${name}`);
  const statusOf = (name) => Number(locationOf(name).find(([word]) => word === 'return')?.[1]);
  const refuses = (value) => (value[0] === '$' ? proxy.quoted[value.slice(1)]?.table.at(-1).every(([, each]) => refuses(each)) : statusOf(value) >= 400);
  if (proxy.caller && !refuses(`$${proxy.keyless}`)) cannot(`$${proxy.keyless} lets requests through`);
  if (!Object.values(proxy.quoted).every(({ next, table }) => !next || table.at(-1).every(([, value]) => value === `$${next}` || refuses(value)))) cannot('a check leads elsewhere');
  const tails = unique(variablesIn(Object.values(proxy.quoted).filter(({ is }) => is === 'decision').map(({ table }) => table))).filter((name) => tables.has(name) && !proxy.quoted[name]);
  for (const { open, from, leads } of Object.values(proxy.treatments))
    if (typeof open !== 'boolean' || from === undefined || !same(Object.keys(leads).sort(), tails.sort())) cannot(`treatments say nothing of ${tails}`);
  const targets = new Map();
  const looking = [...tables.values()].filter(({ source = '' }) => /\$\{?(?:verb|method)\b/.test(source));
  const isPassedOn = [...tables].some(([name, { exact = new Map(), regexes = [], fallback = '' }]) => name !== 'verb' && !proxy.quoted[name] && /\$\{?(?:verb|method)\b/.test(JSON.stringify([[...exact], regexes, fallback])));
  if (isPassedOn || !looking.every(({ source }) => /^\$(?:\{(?:verb|method)\}|verb|method)(?: |$)/.test(source))) cannot('methods are looked up in another way');
  const words = looking.flatMap(({ exact }) => [...exact.keys()].map((key) => key.split(' ')[0].toUpperCase()));
  const methods = unique([...words, ...rows.flatMap((row) => row.methods), 'GET', 'HEAD']).filter((word) => /^[A-Z_-]+$/.test(word));
  methods.push(`${methods.join('')}X`);
  explore((choose) => {
    const request = new Request(choose, world); const method = request.one('method', methods);
    const cuts = proxy.cuts.map((name) => {
      const meaning = new Meaning(request, { ...world, method });
      return [name, { value: meaning.text(`\${${name}}`), isCut: meaning.isCut && !meaning.isEarly, isEarly: meaning.isEarly }];
    });
    const target = targetOf(request, method, world);
    targets.set(JSON.stringify([cuts, target]), { cuts: new Map(cuts), target });
  });
  let ways = 0; const verdict = server.find(([word]) => word === 'rewrite')?.[2];
  for (const { cuts, target } of targets.values())
    explore((choose) => {
      const [request] = [new Request(choose, world), ways++]; const meaning = new Meaning(request, world, cuts);
      const found = meaning.text(verdict).slice('/./'.length); const wanted = wantedOf(target, request, world);
      const shown = `${JSON.stringify({ ...target, cuts: [...cuts], chosen: [...request.chosen] })}`;
      const isKeyless = wanted === 'key-unknown' && found === `$${proxy.keyless}`;
      if ((found !== wanted && !isKeyless) || !same(meaning.passed, proxy.checks)) differs(`${found} instead of ${wanted}: ${shown}`);
      if (wanted === `$${proxy.goesOn}`)
        for (const [name, text] of Object.entries(target.treatment.leads)) if (meaning.text(`\${${name}}`) !== text) differs(`$${name} is not ${text}: ${shown}`);
      if (found[0] === '$') return;
      const location = locationOf(found); const status = wanted === 'method' ? proxy.notAllowed : STATUS[wanted];
      if (location[0]?.[0] !== 'internal' || statusOf(found) !== status) differs(`location ${found}`);
      const allow = location.find(([word, header]) => word === 'add_header' && header === 'Allow')?.[2] ?? '';
      if (wanted === 'method' && status === 405 && meaning.text(allow) !== target.allow) differs(`Allow: ${shown}`);
    });
  const decides = ([word, header]) => !/^(?:access_log|limit_\w+|proxy_redirect)$/.test(word) && (word !== 'add_header' || /^(?:Allow$|Access-)/.test(header));
  const said = server.flatMap((each) => (Array.isArray(each.at(-1)) ? each.at(-1) : [each])).filter(decides);
  for (const name of variablesIn([said, Object.values(proxy.quoted).map(({ table }) => table)]))
    if (tables.has(name) && !proxy.quoted[name] && !world.used.has(name)) cannot(`$${name} is used, and neither quoted nor followed`);
  return [targets.size, ways];
}
try {
  const [, , file, folder] = process.argv; const certificate = JSON.parse(readFileSync(file, 'utf8'));
  if (certificate.certificate !== 'postern nginx 1') cannot('this is no certificate that is known here');
  const all = directivesOf(folder, 'nginx.conf').flatMap((each) => (each[0] === 'http' ? each.at(-1) : [each]));
  const isTable = ([kind]) => kind === 'map' || kind === 'geo';
  if (!same(all.filter((each) => !isTable(each) && each[0] !== 'log_format'), certificate.around)) cannot('what is no table is not as it is quoted');
  const tables = new Map();
  for (const each of all.filter(isTable)) tables.set(tables.has(each.at(-2)) ? cannot(`${each.at(-2)} is made twice`) : each.at(-2).slice(1), tableOf(each));
  const isCovered = (block) => !JSON.stringify(block).includes('_pass"') || certificate.proxies.some(({ names }) => same(namesOf(block), names));
  if (!all.every(([name, block]) => name !== 'server' || isCovered(block))) cannot('a server that passes requests on has no rows');
  for (const proxy of certificate.proxies) {
    const [targets, ways] = check(certificate, proxy, all, tables);
    console.log(`holds for ${proxy.names.join(' ')}: ${proxy.rows.length} rows, ${targets} kinds of target, ${ways} ways`);
  }
} catch (error) {
  process.exitCode = error.status ?? 2;
  console.error(`${error.status === 1 ? 'differs' : 'cannot be told'}: ${error.message}`);
}

