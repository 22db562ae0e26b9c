#!/usr/bin/env node
// node check-certificate.js CERTIFICATE FOLDER: shows that the Caddyfile in FOLDER decides, for all requests, what the
// rows of CERTIFICATE say. Exit status: 0 it holds, 1 something else is decided, 2 it cannot be told.
//  1. The table of paths is taken apart into patterns of the form that rows have, "/api/{int}/x". Patterns and rows are
//     walked together, a segment at a time: each segment is a text that one of them has here, or any other text, of
//     which only the narrowest type is told. Where a path ends, it has come to an entry of the table, and to some rows.
//  2. For both and each method, the site is run from top to bottom, as Caddy runs what is in `route`, for all callers,
//     addresses and values of quoted tables, and has to come to what the rows demand. What is not known is refused.
// Nothing in a certificate is believed. All lines of the files have to be in `around` word for word, but those of the
// tables in `FOLLOWED`. The rest is left to the reader, and so are the sites in `beside`, which have other ports.
// On trust is Caddy's manual on its directives; that {request.safe_path} is "" or the path as it was sent, that types
// accept what narrower ones do (`WIDER`) and no ""; that {key.id} owns the key that was sent, and {key.token} is its
// token, without a blank at its start; that the imported secrets make no other directive than the table {key.found};
// the expressions that find the client's address in a header where proxies in front tell it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
const [KNOWN, ANEW] = ['postern caddy 1', 'write it anew with "postern prove --certificate"'];
const [differs, cannot] = [1, 2].map((status) => (why) => { throw Object.assign(new Error(why), { status }); });
const once = (map, key, make) => (map.has(key) ? map : map.set(key, make())).get(key);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const unique = (items) => [...new Set(items)];
const FOLLOWED = /^(?:request\.(?:row|route)|caller\.class|decision\.(?:pass|reason|status|allow))$/;

// ---- The files. A line is a list of its words, with a list of lines at its end where it has a block. Files stand in
// the place of their imports; those of snippets and of secrets stay.
const FILE = /^[\w.-]+\.(?:routes|paths)$/;
const WORD = /[ \t]*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`|([!$-;=-[\]-_a-~][!#-[\]-_a-~]*))(?=\s|$)/y;
function linesOf(folder, name) {
  const [text, stack] = [readFileSync(join(folder, name), 'latin1'), [[]]];
  if (text.includes('{$')) cannot(`${name} is filled in from the environment`);
  for (const [index, line] of text.split('\n').entries()) {
    const words = [];
    for (let at = 0; !/^[ \t]*(?:#|$)/.test(line.slice(at)); at = WORD.lastIndex) {
      WORD.lastIndex = at;
      const [, quoted, raw, bare] = WORD.exec(line) ?? cannot(`${name}:${index + 1} has a word that is not known`);
      words.push(quoted?.replaceAll('\\"', '"') ?? raw ?? bare);
      const isOdd = words.length > 1 ? /^[{}]$/ : /^(?:[{}]|import|\(.*\))$/; // Quotes may not count.
      if (bare === undefined && isOdd.test(words.at(-1))) cannot(`${name}: an odd word in quotes`);
    }
    const last = words.at(-1);
    if (words.slice(0, -1).some((word) => /^[{}]$/.test(word))) cannot(`${name}:${index + 1}: a brace inside a line`);
    if (last === '{') stack.at(-1).push([...words.slice(0, -1), stack[stack.push([]) - 1]]);
    else if (last === '}') words.length > 1 || stack.length === 1 ? cannot(`${name}: a "}" too many`) : stack.pop();
    else if (words[0] === 'import' && FILE.test(words.slice(1).join())) stack.at(-1).push(...linesOf(folder, words[1]));
    else if (words.length > 0) stack.at(-1).push(words);
  }
  return stack.length > 1 ? cannot(`${name} breaks off`) : stack[0];
}
const blockOf = (line) => (Array.isArray(line.at(-1)) ? line.at(-1) : undefined);
/** Puts snippets in the place of their imports, in `route` too. */
const filled = (lines, snippets) => lines.flatMap((line) => {
  if (line[0] === 'route' && blockOf(line)) return [[...line.slice(0, -1), filled(blockOf(line), snippets)]];
  if (line[0] !== 'import' || line[1] === 'secrets/keys*') return [line];
  return line.length > 2 ? cannot(line) : filled(snippets.get(line[1]), snippets);
});
/** Adds the forms that IPv4 addresses may have in a header. */
const withMapped = (ranges) => ranges.concat(ranges.filter((range) => !range.includes(':')).map((range) =>
  range.replace(/^(.*)\/(\d+)$/, (_, address, bits) => `::ffff:${address}/${96 + Number(bits)}`)));
/** Leaves out the lines that tell the client's address, which have to be these but for two expressions. */
function withoutClient(lines, { header, trusted }, snippets) {
  const start = lines.findIndex((line) => same(line, ['vars', 'hops', '0']));
  const [name, address] = [lines[start + 1]?.[1], '{client.hop{args[1]}}'];
  const [map = [], ...rest] = snippets.get(name) ?? [];
  const hopOf = (_, at) => ['import', name, `${at}`, `${at + 1}`, at < 8 ? `{client.hop${at + 1}}` : ''];
  const isHop = [['vars', 'hops', '{args[0]}'], ['client_ip', ...withMapped(trusted)], ['not', 'vars', address, '']];
  const next = ['vars', '@hop{args[1]}', [['hops', '{args[1]}'], ['client_ip', '{args[2]}']]];
  const form = [['map', `{http.request.header.${header}}`, address], ['@hop{args[1]}', isHop], next];
  const found = [map.slice(0, 3), ...rest, lines.slice(start + 1, start + 10)];
  if (!same(found, [...form, Array.from({ length: 9 }, hopOf)])) cannot("the client's address is told in another way");
  if (/client_ip/.test(JSON.stringify(filled(lines.slice(0, start), snippets)))) cannot('it is used before it is told');
  return lines.toSpliced(start, 10);
}
/** Returns whether a line does nothing but set variables of a shadow, which nothing that is followed looks at. */
function isAside([name, ...all]) {
  const [args, block] = [all.filter((word) => typeof word === 'string' && word[0] !== '@'), blockOf(all)];
  if (name === 'map') return args.length === 2 && /^\{shadow\.\w+\}$/.test(args[1]);
  if (name === 'vars') return (args.length > 0 ? [args] : block)?.every(([own]) => /^shadow(?:_\w+)?$/.test(own));
  return name[0] === '@' || (name === 'route' && block?.every(isAside));
}
const isFollowed = ([word, , name]) => word === 'map' && FOLLOWED.test(String(name).slice(1, -1));
/** Leaves out the rows of tables that are followed. */
const around = (lines, snippets) => lines.map((line) => {
  if (line[0] === 'import' && line[1] !== 'secrets/keys*' && !snippets.has(line[1])) cannot(`import ${line[1]}`);
  if (isFollowed(line)) return line.slice(0, 3);
  return blockOf(line) ? [...line.slice(0, -1), around(blockOf(line), snippets)] : line;
});

// ---- Expressions.
/** Those that mean the same here and in Caddy, which forgets no group where another one is repeated. */
const SAFE = /^\^(?:[\w~:/@,= -]|\[\^?[^[\]\\\x80-\xff]+\][+*]?|\((?:\?:)?|\)\??|\||\$|\.\*)*$/;
const PIECE = /([\w ~:/@,=%&;!'<>-]+|\[([^^\\\]])\]|\$$)|\((?:\?:)?|\||\)\??/y;
/** Returns all texts that an expression without repetition stands for, with a sign for each of `atoms`. */
function textsOf(source, atoms) {
  if (source[0] !== '^') cannot(`the expression ${source} has no start`);
  const groups = [[['']]]; // The texts so far, for each group that is open and each of its alternatives.
  for (let at = 1; at < source.length; ) {
    const add = (own, ends) => own.push(own.pop().flatMap((start) => ends.map((end) => start + end)));
    const atom = atoms.find(([text]) => source.startsWith(text, at));
    const found = atom ? [atom[0], ...atom] : Object.assign(PIECE, { lastIndex: at }).exec(source);
    const [word, own, sign] = found ?? cannot(`the expression ${source} from "${source.slice(at)}" on`);
    if (own) add(groups.at(-1), [sign ?? own]);
    else if (word[0] === '(') groups.push([['']]);
    else if (groups.length === 1) cannot(`the expression ${source} has two starts`);
    else if (word === '|') groups.at(-1).push(['']);
    else add(groups.at(-2), groups.pop().flat().concat(word === ')?' ? [''] : []));
    at += word.length;
  }
  return groups.length > 1 ? cannot(`the expression ${source} breaks off`) : groups[0][0];
}
const ANY = [['[^ ]+', '⊕'], ['[^ ]*', '⊛'], ['[^ ]', '⊙']];
/** Types of segments, each with the next wider one, narrowest first, and how safe paths are tested for them. */
const WIDER = { int: 'hex', hex: 'slug', uuid: 'slug', slug: 'segment', segment: 'encodedPath' };
Object.assign(WIDER, { encodedPath: 'encodedText', encodedText: 'none' });
const SOURCES = { int: '[0-9]+', hex: '[0-9A-Fa-f]+', slug: '[A-Za-z0-9._-]+', encodedText: '[^/]+' };
SOURCES.uuid = [8, 4, 4, 4, 12].map((count) => `[0-9A-Fa-f]{${count}}`).join('-');
SOURCES.segment = '(?:[^/%]|%[^23]|%2[^35Ff]|%3[^Ff])+';
SOURCES.encodedPath = '(?:[^/%]|%[^23]|%2[^35]|%3[^Ff])+';
const PARTS = ['*', ''].flatMap((many) => Object.entries(SOURCES).map(([type, own]) =>
  [many ? `${own}(?:/${own})*` : own, `{${type}${many}}`]));
const isWithin = (type, wanted) => type !== undefined && (type === wanted || isWithin(WIDER[type], wanted));
const typeOf = (text) => Object.keys(WIDER).find((type) => new RegExp(`^(?:${SOURCES[type]})$`).test(text)) ?? 'none';
const TYPE = `\\{(?:${Object.keys(SOURCES).join('|')})`;
const PATH = new RegExp(`^(?=/)(?:/(?:[^/{} ]*|${TYPE}\\}))*(?:/${TYPE}\\*\\}/?)?$`);
const METHODS = /^(?:[A-Z][A-Z0-9_-]*|\*)(?: (?:[A-Z][A-Z0-9_-]*|\*))*$/;

// ---- 1. Paths.
/** Returns each pair of what the table of paths holds and rows say. */
function endsOf(table, rows) {
  const [next, entryAt, rowsAt] = [new Map(), new Map(), new Map()];
  const add = (path) => {
    if (!PATH.test(path)) cannot(`the path ${path}`);
    for (const { index, 1: part } of path.matchAll(/\/([^/]*)/g))
      once(next, path.slice(0, index), () => new Set()).add(part);
  };
  for (const [index, [key]] of table.rows.entries()) {
    const paths = key[0] === '~' && key.at(-1) === '$' ? textsOf(key.slice(1, -1), PARTS) : cannot(`the row ${key}`);
    for (const path of paths) { add(path); once(entryAt, path, () => index); }
  }
  for (const row of rows) { add(row.path); once(rowsAt, row.path, () => []).push(row); }
  const step = (places, text, type) => unique(places.flatMap((place) => {
    const isHere = (part) => (part[0] === '{' ? isWithin(type, part.replace(/[{}*]/g, '')) : part === text);
    const isAgain = isWithin(type, /\/\{(\w+)\*\}$/.exec(place)?.[1]);
    const following = [...(next.get(place) ?? [])].filter(isHere).map((part) => `${place}/${part}`);
    return isAgain ? [place, ...following] : following;
  })).sort();
  const [states, ends] = [new Map([['', ['']]]), new Map()];
  for (const places of states.values()) {
    const index = Math.min(...places.map((place) => entryAt.get(place) ?? Number.POSITIVE_INFINITY));
    const end = { row: table.rows[index]?.[1] ?? table.fallback, rows: places.flatMap((at) => rowsAt.get(at) ?? []) };
    ends.set(JSON.stringify([end.row, unique(end.rows.map(({ said }) => said)).sort()]), end);
    const texts = places.flatMap((place) => [...(next.get(place) ?? [])].filter((part) => part[0] !== '{'));
    const reach = (to) => states.set(to.join(' '), to);
    for (const text of unique(['', ...texts])) reach(step(places, text, typeOf(text)));
    for (const type of [...Object.keys(WIDER), 'none']) reach(step(places, undefined, type));
  }
  return [...ends.values()];
}
/** The rows that a table may have which finds methods in an entry: one method, those without a class, all others. */
const ROUTES = [/^~\^([A-Z][A-Z0-9_-]*) \(\?:\[\^ \]\+ \)\*\1=\(\[\^ \]\+\) "\$1"$/];
ROUTES.push(/^~\^\(\?:[A-Z|-]+\)  ""$/, /^~\^\[A-Z_-\]\+ \[\*\]=\(\[\^ \]\+\)\(\?: \.\*\)\?\$ "\$1"$/);
function routeOf({ source, rows, fallback }, method, row) {
  if (source !== '{http.request.method} {http.vars.row}') cannot('{request.route} looks at something else');
  for (const [key, value] of rows) {
    if (!ROUTES.some((form) => form.test(`${key} "${value}"`))) cannot(`the row ${key} of routes`);
    const found = new RegExp(key.slice(1)).exec(`${method} ${row}`);
    if (found) return value && found[1];
  }
  return fallback;
}
const USUAL = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']; // Told where every method is taken.
/** Returns what rows say of a method: how a request is treated, as part of which groups, and what is allowed. */
function targetOf(rows, method, treatments) {
  const named = unique(rows.flatMap(({ methods }) => methods)).sort();
  const isNever = method === 'CONNECT' || method === 'TRACE' || !/^[A-Z_-]+$/.test(method);
  const own = named.includes(method) ? method : isNever ? undefined : '*';
  const fitting = rows.filter(({ methods }) => methods.includes(own));
  const [name, ...more] = unique(fitting.map((row) => row.treatment));
  if (more.length > 0) cannot(`rows do not agree on ${name}`);
  const told = named.includes('*') ? unique([...USUAL, ...named]).filter((each) => each !== '*').sort() : named;
  return { allow: told.join(', '), groups: unique(fitting.map(({ group }) => group)), treatment: treatments[name] };
}

// ---- 2. What a site does with a request.
class Way { // `ask` is called for all that is not known.
  constructor(known) { Object.assign(this, { vars: new Map(), maps: new Map(), frozen: new Set() }, known); }
  evaluate(template, vars = this.vars) {
    const text = template.replace(/\{([\w.]+)\}/g, (_, name) => this.value(name, vars));
    return /[{}\\$]/.test(text) ? cannot(`the text ${template}`) : text;
  }
  value(name, vars = this.vars) {
    const set = vars.get(/^http\.vars\.(\w+)$/.exec(name)?.[1]);
    if (set) return this.evaluate(set.template, set.vars);
    if (/^(?:http\.vars\.token|caller\.class)$/.test(name) && !this.maps.has(name)) return ''; // As Caddy does.
    const table = this.maps.get(name) ?? cannot(`{${name}} is not known here`);
    if (name === 'key.id' || name === 'key.token') {
      table.isOwn ??= same([table.source, table.rows, table.fallback], ['{http.vars.found}', KEY_ROWS[name], '']);
      const isFound = this.hasSecrets && vars.get('found')?.template === '{key.found}';
      if (!isFound || !table.isOwn) cannot(`{${name}}`);
      return this.ask(name, name === 'key.id' ? ['', ...this.ids, '⟨key⟩'] : ['', '⟨token⟩']);
    }
    const isSafe = this.maps.get('request.safe_path')?.source === '{http.request.orig_uri}';
    if (name === 'request.row') return isSafe ? this.row : cannot(name);
    if (name === 'request.route') return this.value('http.vars.row', vars) === this.row ? this.route : cannot(name);
    this.freeze(table.source);
    if (FOLLOWED.test(name)) return this.lookUp(name, table, vars);
    const values = unique([...table.rows.map(([, value]) => value), table.fallback]);
    return values.some((value) => /[${}\s\\]/.test(value)) ? cannot(`{${name}} is no word`) : this.ask(name, values);
  }
  /** What a quoted table has looked at must not change any more. */
  freeze(template) {
    for (const [, name] of template.matchAll(/\{([\w.]+)\}/g)) {
      if (/^(?:http\.vars\.)?shadow/.test(name)) cannot(`{${name}} is a shadow's`);
      if (this.maps.has(name)) this.freeze(this.maps.get(name).source);
      this.frozen.add(name);
    }
  }
  lookUp(name, table, vars) {
    table.isChecked ||= !checkForms(name, table);
    const text = this.evaluate(table.source, vars);
    if (text.includes('⟨')) once(table.looked, text, () => checkUnknown(name, table, text, this.ids));
    const fields = table.source.split(' ').length;
    if (fields > 1 && text.split(' ').length !== fields) cannot(`a value with a blank in {${name}}: ${text}`);
    for (const [key, value] of table.rows) {
      const found = key[0] === '~' && once(table.expressions, key, () => new RegExp(key.slice(1))).exec(text);
      if (found) return value.replace(/\$(\d)/g, (_, group) => found[Number(group)] ?? '');
      if (key === text) return this.evaluate(value, vars);
    }
    return this.evaluate(table.fallback, vars);
  }
  /** Returns whether all conditions of a matcher hold. Of headers and protocol nothing is known. */
  fits(lines) {
    const names = lines.map(([name]) => name).filter((name) => name !== 'not' && name !== 'header');
    if (names.length > unique(names).length) cannot(`a matcher has two of ${names}`);
    const head = lines.filter(([name]) => /^(?:header|protocol)$/.test(name));
    const isRest = lines.filter((line) => !head.includes(line)).every((line) => this.holds(line));
    return isRest && (head.length === 0 || this.ask(JSON.stringify(head), [true, false]));
  }
  holds([name, ...args]) {
    if (name === 'not') return !this.fits(blockOf(args) ?? [args]);
    if (name === 'client_ip') return this.ask(addressName(args), [true, false]);
    const [key = '', ...values] = args;
    if (values.some((value) => typeof value !== 'string' || /[{}]/.test(value))) cannot(`a matcher with ${values}`);
    if (!/^vars(?:_regexp)?$/.test(name)) cannot(`the matcher ${name}`);
    const own = /[{}]/.test(key) ? this.evaluate(key) : this.value(`http.vars.${key}`);
    if (own.includes('⟨')) cannot(`the matcher ${name} of ${own}`);
    if (name === 'vars') return values.includes(own);
    if (values.length !== 1 || !SAFE.test(values[0])) cannot(`the matcher ${name}`);
    return new RegExp(values[0]).test(own);
  }
  /** Runs lines in order. Returns what becomes of the request, or nothing if they leave it to those that follow. */
  run(lines, outer) {
    const matchers = once(this.matchers, lines, () => new Map([...(outer ?? []), ...matchersOf(lines)]));
    return lines.reduce((end, line) => end ?? (isAside(line) ? undefined : this.directive(line, matchers)), undefined);
  }
  directive([name, ...all], matchers) {
    const has = all[0]?.[0] === '@';
    const [args, block] = [has ? all.slice(1) : all, blockOf(all)];
    if (typeof args[0] === 'string' && /^[/*@]/.test(args[0])) cannot(`${name} ${args[0]}`);
    if (name === 'log_append' || name === 'request_body') return undefined;
    if (name === 'header' && args[0] !== 'Allow')
      return /allow/i.test(JSON.stringify(args)) ? cannot('a header that may be Allow') : undefined;
    if (has && !this.fits(matchers.get(all[0]) ?? cannot(`the matcher ${all[0]}`))) return undefined;
    const is = (known, count) => name === known && args.length === count;
    if (is('import', 1)) this.hasSecrets = !this.frozen.has('key.found');
    else if (is('route', 1) && block) return this.run(block, matchers);
    else if (is('map', 3) && !has && block) this.define(args[0], args[1], block);
    else if (is('vars', 1) && block) for (const line of block) this.set(line);
    else if (is('vars', 2)) this.set(args);
    else if (is('header', 2)) this.allow = this.evaluate(args[1]);
    else if (is('error', 2)) return { refused: this.evaluate(args[0]), status: this.evaluate(args[1]) };
    else if (is('respond', 2) && !block) return { leads: [name, ...args] };
    else if (name === 'reverse_proxy' && block?.every(([word]) => word === 'import' || word === 'header_up'))
      return { leads: [name, ...args.slice(0, -1), ...block.at(-1)] };
    else cannot(`${name} with ${args.length} words is not known here`);
    return undefined;
  }
  set([name, template, ...more]) {
    if (typeof template !== 'string' || more.length > 0 || !/^\w+$/.test(name)) cannot(`the variable ${name}`);
    if (this.frozen.has(`http.vars.${name}`)) cannot(`${name} is changed after it was looked at`);
    if (SCALAR.test(template)) cannot(`the number ${template}`);
    if (name === 'client_ip') cannot("the client's address is changed");
    this.freeze(template); // It is evaluated when it is used, and has to be then what it is now.
    this.vars = new Map(this.vars).set(name, { template, vars: this.vars });
  }
  define(source, destination, block) {
    const [, name] = /^\{([\w.]+)\}$/.exec(destination) ?? cannot(`a table for ${destination}`);
    const isOwn = /^(?:http(?!\.auth\.user\.id$)|env|file|time|system|client)\b/.test(name);
    if (isOwn || this.maps.has(name) || this.frozen.has(name)) cannot(`{${name}} is made twice`);
    const table = once(this.tables, block, () => tableOf(source, block));
    const known = { 'request.row': this.rowTable, 'request.route': this.routeTable }[name] ?? table;
    this.maps.set(name, table === known ? table : cannot(`not one table is {${name}}`));
  }
}
function matchersOf(lines) {
  const own = lines.filter(([name]) => name[0] === '@').map(([name, ...parts]) => [name, blockOf(parts) ?? [parts]]);
  return new Map(own).size < own.length ? cannot('a matcher is there twice') : own;
}
function tableOf(source, block) {
  const isOdd = ([key, value, ...more]) => typeof value !== 'string' || more.length > 0 || key === 'import';
  if (block.some(isOdd)) cannot(`an odd row of ${source}`);
  const [rows, ends] = [block.filter(([key]) => key !== 'default'), block.filter(([key]) => key === 'default')];
  if (ends.length > 1 || block.some(([, value]) => value === '-')) cannot(`an odd table of ${source}`);
  return { source, rows, fallback: ends[0]?.[1] ?? '', expressions: new Map(), looked: new Map() };
}
/** Numbers and truths, which Caddy writes in its own way. */
const SCALAR = /^(?:(?!(?:0|[1-9]\d{0,8})$)[+-]?[.\d][\w.+-]*|[+-]?(?:inf|infinity|nan)|t|f|true|false)$/i;
/** Refuses a table whose rows may mean something else to Caddy. */
function checkForms(name, { rows, fallback }) {
  const isKnown = ([key]) => key[0] !== '~' || SAFE.test(key.slice(1));
  const isOdd = ([key, value]) =>
    SCALAR.test(value) || (key[0] === '~' ? /[{}\\]|\$(?!\d(?!\w))/ : /[{}\\$]/).test(value);
  if (!rows.every(isKnown)) cannot(`an expression of {${name}} is not known`);
  if (rows.some(isOdd) || SCALAR.test(fallback)) cannot(`{${name}} leads to something odd`);
}
/** Refuses a table that could tell apart what is not known: keys that are nobody's, and tokens, which stand last. */
function checkUnknown(name, { rows }, text, ids) {
  const textsAt = ([key]) => (key[0] === '~' ? textsOf(key.slice(1), ANY) : [`${key}$`]);
  if (text === '⟨key⟩') {
    const isNobody = (own) => !ids.includes(own.slice(0, -1)) || own.at(-1) !== '$';
    return rows.flatMap(textsAt).some(isNobody) ? cannot(`{${name}} knows other keys`) : undefined;
  }
  if (!/^[^⟨]* ⟨token⟩$/.test(text)) cannot(`{${name}} looks at a key or a token`);
  const count = text.split(' ').length;
  const isGood = (own) => own.length < count || (own.length === count && /^[⊙$]?$/.test(own.at(-1)));
  const isBad = (row) => textsAt(row).some((own) => !isGood(own.split(' ')));
  return rows.some(isBad) ? cannot(`{${name}} tells tokens apart`) : undefined;
}
const KEY_ROWS = { 'key.id': [['~^([^ ]+) ', '$1']], 'key.token': [['~^[^ ]+ [a-z]+ (.+)$', '$1']] };
const addressName = (ranges) => `client_ip ${[...ranges].sort().join(' ')}`;
const STATUS = { 'key-missing': 401, 'key-malformed': 401, path: 404, query: 400, malformed: 400 };
Object.assign(STATUS, { 'content-type': 415, 'body-size': 413 });
/** Returns what rows demand of a request. */
function wantedOf({ treatment, groups, allow }, { from, methodNotAllowed, usesKeys, client }, keys, way) {
  const isIn = (ranges) =>
    ranges === 'any' || way.ask(addressName(client ? withMapped(ranges) : ranges), [true, false]);
  const refused = (reason) => ({ refused: reason, status: String(STATUS[reason] ?? 403) });
  if (!isIn(treatment?.from ?? from)) return refused('address');
  if (usesKeys && !treatment?.isOpen) {
    const key = keys.find(({ id }) => id === way.value('key.id'));
    if (!key || !isIn(key.from)) return refused(way.value('key.fault'));
    if (way.value('key.token') === '') return refused('token-missing');
    const isOwn = groups[0] === '' || groups.some((group) => key.groups.includes(group));
    if (treatment && !isOwn) return refused('key-routes');
  }
  if (!treatment) return allow === '' ? refused('path') : { refused: 'method', status: methodNotAllowed };
  for (const name of ['request.query', 'request.body'])
    if (way.value(name) !== 'ok') return refused(way.value(name));
  return { leads: treatment.leads };
}
/** Returns whether errors are only told to the client. */
const isOnlyTold = (lines, snippets) => lines.every((line) => {
  const own = line[0] === 'import' ? snippets.get(line[1]) : line[0] === 'route' && blockOf(line);
  if (own) return isOnlyTold(own, snippets);
  return line[0][0] === '@' || (/^(?:header|log_append|map|respond|vars)$/.test(line[0]) && !isFollowed(line));
});
/** Checks one site. Returns how much there was to check. */
function check({ keys }, proxy, sites, snippets) {
  const [site, ...more] = sites.filter((each) => same(namesOf(each), proxy.names)).map(blockOf);
  if (!site || more.length > 0) cannot(`not one site is ${proxy.names}`);
  const [routes, others] = [site.filter(([word]) => word === 'route'), site.filter(([word]) => word !== 'route')];
  if (routes.length !== 1 || routes[0].length !== 2) cannot('a site of another form');
  for (const line of filled(others, snippets)) {
    const isTold = line[0] === 'handle_errors' && line.length === 2 && isOnlyTold(blockOf(line), snippets);
    if (!isTold && !/^(?:bind|tls|log)$/.test(line[0])) cannot(`${line[0]} is not known beside the route of a site`);
  }
  const lines = proxy.client ? withoutClient(blockOf(routes[0]), proxy.client, snippets) : blockOf(routes[0]);
  const [block, tables, matchers] = [filled(lines, snippets), new Map(), new Map()];
  const named = (name) => {
    const [line, ...rest] = block.filter((each) => each[0] === 'map' && each[2] === `{${name}}`);
    const isOne = line && rest.length === 0;
    return isOne ? once(tables, line[3], () => tableOf(line[1], line[3])) : cannot(`not one table is {${name}}`);
  };
  const [rowTable, routeTable] = [named('request.row'), named('request.route')];
  if (rowTable.source !== '{request.safe_path}') cannot('{request.row} looks at something else');
  const classes = ['', ...Object.values(proxy.treatments).flatMap((each) => each.classes)];
  if (classes.length > unique(classes).length) cannot('a class has two treatments');
  const rows = proxy.rows.map(([methods, path, treatment, group]) => {
    const { isOpen = false, leads } = proxy.treatments[treatment] ?? cannot(`no treatment ${treatment}`);
    if ((group === '') !== (isOpen || leads[0] === 'respond')) cannot(`${path} names no group, or asks for no key`);
    if (!METHODS.test(methods)) cannot(`the methods ${methods}`);
    const own = unique(methods.split(' ').flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : each)));
    return { methods: own, path, treatment, group, said: JSON.stringify([own, treatment, group]) };
  });
  const ids = keys.map(({ id }) => id);
  if (ids.some((id) => !/^[\w.-]+$/.test(id)) || unique(ids).length < ids.length) cannot('an odd key');
  const [targets, always] = [new Map(), routeTable.rows.flatMap(([key]) => key.match(/[A-Z_-][A-Z0-9_-]*/g) ?? [])];
  always.push('HEAD', 'OPTIONS', 'CONNECT', 'TRACE', 'ANY-OTHER_METHOD', '⟨method⟩');
  for (const { row, rows: own } of endsOf(rowTable, rows))
    for (const method of unique([...always, ...own.flatMap(({ methods }) => methods)]).filter((each) => each !== '*')) {
      const target = { row, route: routeOf(routeTable, method, row), ...targetOf(own, method, proxy.treatments) };
      targets.set(JSON.stringify(target), target);
    }
  let ways = 0;
  for (const target of targets.values()) {
    const [{ row, route, treatment }, wrong] = [target, (what) => differs(`${what}: ${JSON.stringify(target)}`)];
    if (treatment ? !treatment.classes.includes(route) : route !== '') wrong(`the class "${route}"`);
    const all = [new Map()]; // What is chosen where something is asked. More are found on the way.
    for (const chosen of all) {
      const ask = (name, [first, ...rest]) => {
        if (!chosen.has(name)) for (const other of rest) all.push(new Map([...chosen, [name, other]]));
        return once(chosen, name, () => first);
      };
      const way = new Way({ ask, row, route, rowTable, routeTable, ids, tables, matchers });
      const found = [way.run(block) ?? cannot('a request comes to the end of the site'), way.allow];
      const wanted = wantedOf(target, proxy, keys, way);
      const both = [found, [wanted, wanted.status === '405' ? target.allow : undefined]];
      if (!same(...both)) wrong(`${JSON.stringify(both)} of ${[...chosen]}, where rows want the second`);
      ways += 1;
    }
  }
  return `${rows.length} rows, ${targets.size} kinds of target, ${ways} ways`;
}
const namesOf = (site) => [site.slice(0, -1), ...blockOf(site).filter(([word]) => word === 'bind')];
/** Reads a certificate. What all objects have means nothing in it, and no name stands twice in one. */
function certificateOf(file) {
  const text = readFileSync(file, 'latin1');
  const isRecord = (own) => typeof own === 'object' && own && !Array.isArray(own);
  const found = JSON.parse(text, (_, own) => (isRecord(own) ? { __proto__: null, ...own } : own));
  const form = found?.certificate;
  if (form !== KNOWN) cannot(`this is not "${KNOWN}", but ${JSON.stringify(form)}; ${ANEW}`);
  const [whole, own] = [text, JSON.stringify(found)].map((each) => each.replace(/\s+/g, ''));
  return whole === own ? found : cannot(`a certificate that is written in another way; ${ANEW}`);
}
try {
  const [, , file, folder] = process.argv;
  const certificate = certificateOf(file);
  const lines = linesOf(folder, 'Caddyfile');
  if (!lines.every(blockOf)) cannot('a line stands outside of all sites');
  const isSnippet = ([name]) => name[0] === '(';
  const snippets = new Map(lines.filter(isSnippet).map(([name, block]) => [name.slice(1, -1), block]));
  const isLost = snippets.size < lines.filter(isSnippet).length || [...snippets.keys()].some((name) => FILE.test(name));
  if (isLost) cannot('a snippet is there twice, or is a file');
  if (!same(around(lines, snippets), certificate.around)) cannot('what is not followed is not as it is quoted');
  const sites = lines.filter((line) => !isSnippet(line) && line.length > 1);
  const { proxies, beside } = certificate;
  const portOf = (address) => Number(/:(\d+)$/.exec(address)?.[1] ?? cannot(`the site ${address}`));
  const ports = proxies.flatMap(({ names: [addresses] }) => addresses.map(portOf));
  for (const own of sites.map(namesOf).filter((each) => !proxies.some(({ names }) => same(each, names)))) {
    const isBeside = beside.some((names) => same(own, names)) && !own[0].some((each) => ports.includes(portOf(each)));
    console.log(isBeside ? `not looked at: ${own.join(' ')}` : cannot('a site has no rows'));
  }
  if (proxies.length === 0) cannot('there is no proxy');
  for (const proxy of proxies)
    console.log(`holds for ${proxy.names.join(' ')}: ${check(certificate, proxy, sites, snippets)}`);
} catch (error) {
  process.exitCode = error.status ?? 2;
  const why = error.status || error.code ? error.message : `the certificate has another form, or is cut off; ${ANEW}`;
  console.error(`${error.status === 1 ? 'differs' : 'cannot be told'}: ${why}`);
}
