#!/usr/bin/env node
// node check-certificate.js CERTIFICATE FOLDER: shows that the nginx files in FOLDER decide, for all requests, what the
// rows of CERTIFICATE say. Exit status: 0 it holds, 1 something else is decided, 2 it cannot be told.
// The idea: a table does the same for all texts that it has no row for. So tables are evaluated for a text that is not
// known, and each row that could be found in its place tells of one more text to try. Once no row tells of a new one,
// all texts have been tried.
//  1. So paths are tried, one segment after the other. Behind each, what is kept are the variables that the certificate
//     names in `walk`, and the places in the rows that fit so far; paths that agree on both go on as one.
//  2. Where a path ends, the variables in `cuts` are evaluated for each method, and it has come to some rows.
//  3. For each outcome of the two, the verdict is evaluated for all callers, addresses and whatever else it asks about,
//     and has to be what the rows demand.
// Nothing in a certificate is believed. Its tables in `quoted` and all directives in `around` have to be in the files
// word for word: read there what they do, those in `checks` before all that rows say. The servers in `beside` have
// other ports, and are left to the reader. On trust is nginx's manual on its tables and locations; that the expressions
// of $verb cut a request line as their groups are called, and those of $marked_1 mark capital letters; that types
// accept what narrower ones do (`WIDER`) and no "", and possessive marks change none of them; that the variable
// `caller` owns the key that was sent where secure_link says "1".
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
const [KNOWN, ANEW] = ['postern nginx 2', 'write it anew with "postern prove --certificate"'];
const [differs, cannot] = [1, 2].map((status) => (why) => { throw Object.assign(new Error(why), { status }); });
const once = (map, key, make) => (map.has(key) ? map : map.set(key, make())).get(key);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const unique = (items) => [...new Set(items)];
const lower = (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const namesIn = (quote, name) => [...JSON.stringify(quote).matchAll(name)].map(([, own]) => own);
const [VARIABLE, GROUP] = [/\$\{?([A-Za-z_]\w*)/g, /\(\?P?[<'](\w+)/g];

// ---- The files. A directive is a list of its words, with a list of directives at the end where it has a block.
const [SPACE, QUOTED, SIGN] = [/[ \t\r\n]+|#[^\n]*/, /"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'/, /([{};])/];
const LINES = { t: '\t', r: '\r', n: '\n' };
const BARE = /((?:\$\{|\\[^]|[^ \t\r\n;{}\\"'])(?:\$\{|\\[^]|[^ \t\r\n;{\\])*)/;
const TOKEN = new RegExp([SPACE, QUOTED, SIGN, BARE].map(({ source }) => source).join('|'), 'gy');
function directivesOf(folder, name) {
  if (!/^[\w.-]+$/.test(name)) cannot(`include ${name}`);
  const [text, stack] = [readFileSync(join(folder, name), 'latin1'), [[]]];
  let [words, end] = [[], 0];
  for (const { 0: token, 1: double, 2: single, 3: sign, 4: bare, index } of text.matchAll(TOKEN)) {
    const [word, isOwn] = [double ?? single ?? bare, words[0] === 'include' && !words[1]?.startsWith('secrets/')];
    if (word !== undefined) words.push(word.replace(/\\(["'\\trn])/g, (_, own) => LINES[own] ?? own));
    if (sign === ';') stack.at(-1).push(...(isOwn ? directivesOf(folder, words[1]) : [words]));
    if (sign === '{') stack.at(-1).push([...words, stack[stack.push([]) - 1]]);
    if (sign === '}') words.length > 0 || stack.length === 1 ? cannot(`${name}: a "}" too many`) : stack.pop();
    [words, end] = [sign ? [] : words, index + token.length];
  }
  return end < text.length || words.length > 0 || stack.length > 1 ? cannot(`${name} breaks off`) : stack[0];
}
/** `runs`: what keys have between "/" and blanks, by what they have before it. nginx ignores the case of keys. */
function tableOf(quote) {
  const [isGeo, rows] = [quote[0] === 'geo', quote.at(-1)];
  const table = { quote, exact: new Map(), runs: new Map(), expressions: [], fallback: '' };
  if (isGeo && !same(rows, [['default', '$']])) return table; // It looks up addresses, and has no source.
  for (const [key, value, ...more] of rows) {
    const text = key.replace(/^\\/, '');
    if (value === undefined ? key !== 'volatile' : more.length > 0) cannot(`an odd row: ${key}`);
    if (key === 'include' || value === undefined) table.isOdd = true;
    else if (key === 'default') table.fallback = value;
    else if (key[0] === '~') table.expressions.push([plainly(key.slice(1)), value, key]);
    else for (const { index, 0: run } of table.exact.set(lower(text), value) && text.matchAll(/(?<=^|[/ ])[^/ ]*/g))
        once(table.runs, lower(text.slice(0, index)), () => new Set()).add(run);
  }
  return { ...table, source: isGeo ? '' : quote[1] };
}
/** An expression without possessive marks, which are no marks in brackets. */
const plainly = (source) => source.replace(/(\[(?:\\.|[^\]])*\])|([*+?}])\+/g, (_, kept, sign) => kept ?? sign);
/** Expressions that mean the same here and in nginx, and those of types. */
const STRICT = /^\^?(?:(?:[\w /-]|\[\^?(?:[^[\]\\^]|\\t)+\])(?:[*+?]\+?)?|\(\?<\w+>|\))*(?:\\z)?$/;
const TYPES = /^(?:(?:[\w%;-]|\[\^?[^[\]\\^]+\]|\))(?:[*+?]\+?|\{\d+\})?|\(\?:|\|)+$/;
/** What a part with a possessive mark has found is not given back. */
function strictly(key, source) {
  let count = 0;
  const strict = (all, own) => (own ? `(?=(?<_${count}>${own}))\\k<_${count++}>` : all);
  const isOfType = world.expressions.has(source);
  if (!isOfType && !STRICT.test(key.slice(1))) cannot(`the expression ${source} is not known`);
  const whole = isOfType ? source : key.slice(1).replace(POSSESSIVE, strict);
  return new RegExp(whole.replace(/\\z$/, '(?![^])'), 'u');
}
const POSSESSIVE = /((?:\[[^\]]+\]|[\w /-])[*+?])\+|\[[^\]]+\]/g;
/** A beginning of an expression that says itself, and the rest. */
const BEGINNING = /^\^((?:(?:[\w /-]|\[[^\]^\\]\])(?![*+?{]))*)([^|]*)$/;
/** An expression for longer paths than tables look: what they made of the first segments, and those behind. */
const LONGER = /^\^((?:[\w/-]|\[[^\]^\\]\])*) ((?:\(\?<\w+>\/\[\^\/\]\+\)|\/(?:[\w-]|\[[^\]^\\]\])*)+)\\z$/;
const literally = (source) => source.replace(/\[(.)\]/g, '$1');
const segmentsBehind = (source) => [...source.matchAll(/\(\?<(\w+)>\/\[\^\/\]\+\)|\/([^(/]*)/g)];
/** Types of segments, each with the next wider one, narrowest first. */
const WIDER = { int: 'hex', hex: 'slug', uuid: 'slug', slug: 'segment', segment: 'encodedPath' };
Object.assign(WIDER, { encodedPath: 'encodedText', encodedText: 'none' });
const isWithin = (type, wanted) => type !== undefined && (type === wanted || isWithin(WIDER[type], wanted));
const TYPE = `\\{(?:${Object.keys(WIDER).join('|')})`;
const PATH = new RegExp(`^(?=/)(?:/(?:[^/{} ]*|${TYPE}\\}))*(?:/${TYPE}\\*\\}/?)?$`);
const METHODS = /^(?:[A-Z][A-Z0-9_-]*|\*)(?: (?:[A-Z][A-Z0-9_-]*|\*))*$/;
/** The narrowest type that has the segments of two; "" has none. */
const widest = (a, b) => (b === '' || isWithin(b, a) ? a : widest(WIDER[a], b));

// ---- What variables are for some requests: nginx finds it out when they are used, and once. In a text, "⟨7⟩" is what
// is not known, "…name;" what comes later, and "↑" stands before capital letters: signs that no byte can be.
let world; // All that is the same for all requests to the server at hand.
const unknown = (own) => `⟨${world.unknown.push(own) - 1}⟩`;
class Way {
  /** `known`: the variables in `given`, what `part` tells of the request line, and `ask` of all else. */
  constructor(known) { Object.assign(this, { values: new Map(), isCut: false, isEarly: false }, known); }
  evaluate(template) {
    const pieces = once(world.templates, template, () => template.split(/\$\{(\w+)\}|\$(\w+)/));
    return pieces.map((piece, at) => (piece && at % 3 > 0 ? this.value(piece) : (piece ?? ''))).join('');
  }
  value(name) {
    const own = this.given.get(name);
    if (!own) return once(this.values, name, () => this.find(name));
    this.isEarly ||= own.isEarly && !this.isCut; // A request line has no parts before $verb is used.
    this.isCut ||= own.isCut;
    return own.text;
  }
  find(name) {
    const { is } = world.quoted[name] ?? {};
    if (is === 'decision') return `…$${name};`;
    const table = (is === 'marked' || !world.quoted[name]) && world.tables.get(name);
    if (table) return world.used.add(name) && this.lookUp(table, is === 'marked');
    const values = is === 'anything' || /^http_/.test(name) ? ['', world.anyText(name)] : world.ranges.get(name);
    if (values) return this.evaluate(this.ask ? this.ask(name, values) : cannot(`a path depends on $${name}`));
    if (name === 'verb') this.isCut = true;
    else this.isEarly ||= !this.isCut;
    return (world.parts.includes(name) ? this.part?.(name) : undefined) ?? cannot(`$${name} is not known here`);
  }
  lookUp({ quote, source, exact, runs, expressions, fallback, isOdd }, isMarked) {
    if (source === undefined || isOdd) cannot(`${quote.at(-2)} has to be quoted`);
    const text = this.evaluate(source);
    const [mark, id] = /⟨(\d+)⟩/.exec(text) ?? [];
    if (isMarked && mark) return world.unknown[id].isOdd ? '' : mark;
    const key = this.keyOf(lower(text), exact, runs);
    if (exact.has(key)) return this.evaluate(exact.get(key));
    for (const [expression, value, own] of text && expressions) { // nginx tries none on "".
      const found = this.match(expression, text, own);
      for (const [group, part] of Object.entries(found?.groups ?? {})) this.values.set(group, part ?? '');
      if (found) return this.evaluate(value);
    }
    return this.evaluate(fallback);
  }
  /** Returns the only key that a text can be. What is not known learns of all others. */
  keyOf(text, exact, runs) {
    for (const { index, 0: mark, 1: id } of text.matchAll(/⟨(\d+)⟩|[…↑]/g)) {
      const [start, { isAny, learn }] = [text.slice(0, index), world.unknown[id] ?? {}];
      const isInside = isAny || /[^/ ]$/.test(start); // No key has a run that begins here.
      const keys = isInside ? [...exact.keys()].filter((key) => key.startsWith(start)) : [];
      const others = isInside ? keys.map((key) => key.slice(index)) : [...(runs.get(start) ?? [])];
      if (others.length === 0) return undefined;
      if ((isInside && !isAny) || /[^/ ]/.test(text[index + mark.length] ?? ' ')) cannot(`"${text}" has no end`);
      others.forEach(learn);
    }
    return text;
  }
  /** Returns the groups of an expression if it is found in a text. */
  match(source, text, key) {
    const [, start, mark, later] = /^([^⟨…]*)([^…]*)(.*)$/s.exec(text);
    if (/\[\^?\]/.test(source)) cannot(`the expression ${source}`); // Its brackets end elsewhere.
    if (mark + later === '') return once(world.strict, key, () => strictly(key, source)).exec(text.replaceAll('↑', ''));
    const all = world.expressions.get(source); // All segments are of one type, with those that come later.
    if (all) {
      const rest = later === '' ? { type: '', end: '' } : later === this.rest?.later ? this.rest : undefined;
      if (!rest || text[0] !== '/') cannot(`the expression ${source} looks at a part of what comes later`);
      const types = [...(start + mark).split('/').slice(1).map(world.typeOf), ...(rest.type ? [rest.type] : [])];
      const isFound = types.every((each) => isWithin(each, all.type)) && (rest.end === '' || all.hasEnd);
      return isFound ? { groups: { rest_end: rest.end } } : null;
    }
    const [, before, behind] = (start.includes(' ') && LONGER.exec(source)) || [];
    if (behind) return literally(before) === start.split(' ')[0] ? matchBehind(behind, text.split(' ')[1]) : null;
    const isPast = source === '[*][}] ' && start.includes(' ') && !/ /.test(mark + later);
    if (isPast) return start.includes('*} ') ? {} : null;
    const { name } = world.unknown[/^⟨(\d+)⟩$/.exec(mark + later)?.[1]] ?? {};
    const [whole, literal, tail] = BEGINNING.exec(source) ?? ['', '', source];
    const begins = literally(literal);
    if (!begins.startsWith(start) && !start.startsWith(begins)) return null;
    if (tail === '' && start.startsWith(begins)) return {};
    if (begins !== start || !name) cannot(`the expression ${source} for ${text}`);
    return this.ask(`${name} ~ ${whole && '^'}${tail}`, [true, false]) ? {} : null;
  }
}

/** Returns the groups of an expression for the segments behind those that tables look at. */
function matchBehind(source, text) {
  const [wanted, groups, segments] = [segmentsBehind(source), {}, text.split('/').slice(1)];
  if (segments.includes('⟨0⟩') && segments.length <= wanted.length) cannot(`"${text}" has no end`);
  if (segments.length !== wanted.length) return null;
  for (const [index, [, group, literal]] of wanted.entries()) {
    const own = segments[index];
    const { learn } = world.unknown[/^⟨(\d+)⟩$/.exec(own)?.[1]] ?? {};
    if (group && own !== '') groups[group] = `/${own}`;
    else if (group || own !== literally(literal)) return learn?.(literally(literal)) ?? null;
  }
  return { groups };
}

// ---- 1. and 2. All paths with all methods.
/** Parts of a request line: segments before the last one of `count` are forgotten, `behind` tells of those after it. */
const partsOf = (count, last, behind, method) => (name) => {
  const [, kind, digits] = /^([a-z]+)_(\d+)$/.exec(name) ?? [];
  if (!kind) return { __proto__: null, method, verb: method === 'HEAD' ? 'GET' : method }[name];
  if (kind === 'after' || kind === 'slash' || Number(digits) > count) return behind(name);
  if (!last || Number(digits) < count) return kind === 'segment' ? '/⟨0⟩' : undefined;
  const [text, marked] = last.hasCapitals ? ['', `/↑${last.text}`] : [`/${last.text}`, `/${last.text}`];
  return { __proto__: null, plain: text, segment: marked }[kind];
};
/** Returns the places in the rows that a segment leads to from others, or many segments. */
const placesOf = (places, { text, type }, isMany = false) => unique(places.flatMap((place) => {
  const parts = [...(world.next.get(place) ?? [])];
  if (isMany && !parts.every((part) => part === '' || part.endsWith('*}'))) cannot('rows are longer than tables look');
  const isHere = (part) => (part[0] === '{' ? isWithin(type, /^\{(\w+)\*?\}$/.exec(part)?.[1]) : part === text);
  const isAgain = isWithin(type, /\/\{(\w+)\*\}$/.exec(place)?.[1]);
  return [...parts.filter(isHere).map((part) => `${place}/${part}`), ...(isAgain ? [place] : [])];
}));
/** Yields all that a segment may be: first what is not known, then each text that rows and tables have here. */
function* segmentsOf({ given, places }) {
  let isDone = false;
  const parts = places.flatMap((place) => [...(world.next.get(place) ?? [])]);
  const texts = new Set(parts.filter((part) => part[0] !== '{'));
  const learn = (run) => [lower(run), run.replace(/\{\^([A-Z]+)\}/g, '$1')].forEach((text) =>
    isDone && !texts.has(text) ? cannot(`the segment "${text}" was not tried`) : texts.add(text));
  const kept = [...given].map(([name, { text }]) => (name.startsWith('plain_') ? text : '')).join('');
  ['', ...(world.runs.get(`${lower(kept)}/`) ?? [])].forEach(learn);
  const after = unknown({ learn });
  for (const own of world.others) yield { ...own, text: unknown({ ...own, learn }), after };
  for (const text of texts) yield { text, type: world.typeOf(text), hasCapitals: /[A-Z]/.test(text) };
  isDone = true;
}
/** Returns each pair of what tables and rows lead to, for all paths and methods. */
function targetsOf({ walk, cuts, treatments }) {
  const [targets, depth] = [new Map(), walk.length];
  const finish = (count, { given, places }, behind = {}) => {
    const rows = places.flatMap((place) => world.rowsAt.get(place) ?? []);
    const methods = new Set(['HEAD', 'OPTIONS', ...rows.flatMap((row) => row.methods)].filter((name) => name !== '*'));
    methods.add(unknown({ learn: (run) => methods.add(run.toUpperCase()) }));
    for (const method of methods) {
      const part = partsOf(count, undefined, (name) => behind[name] ?? '', method);
      const ways = cuts.map((name) => [name, new Way({ given, part })]);
      const own = ways.map(([name, way]) => [name, { text: way.value(name), isCut: way.isCut, isEarly: way.isEarly }]);
      const target = targetOf(rows, method, treatments);
      targets.set(JSON.stringify([own, target]), { given: new Map(own), target });
    }
  };
  // Some tables test all segments that come later. So it is said first what the narrowest type of these is and what the
  // path ends with, and what comes has to keep to it.
  const isTested = namesIn([...world.tables.values()].map(({ quote }) => quote), GROUP).includes('rest_end');
  const types = ['', ...Object.keys(WIDER), 'none'];
  const rests = isTested ? types.flatMap((type) => [{ type, end: '' }, { type, end: '/' }]) : [undefined];
  const is = (rest, type, end) => !rest || (rest.type === type && rest.end === end);
  const leads = (rest, { text, type }, own) =>
    text ? !own || is(rest, widest(type, own.type), own.end) : is(rest, '', '/');
  let states = rests.map((rest) => ({ given: new Map(), places: [''], rest }));
  finish(0, { given: new Map(), places: [] });
  for (let count = 1; count <= depth; count++) {
    const following = new Map();
    const names = [...walk.map((_, index) => `segment_${index + 1}`).slice(count), `after_${depth}`];
    for (const { given, places, rest: before } of states) for (const last of segmentsOf({ given, places })) {
      const behind = (name) => (last.text === '' ? '' : `…${name};`);
      for (const rest of rests.filter((own) => leads(before, last, own))) {
        const part = partsOf(count, last, behind);
        const way = new Way({ given, part, isCut: true, rest: rest && { ...rest, later: names.map(behind).join('') } });
        const keep = (text) => text.replace(/⟨\d+⟩/g, (mark) => (mark === last.text ? last.after : mark));
        const values = walk[count - 1].map((name) => [name, { text: keep(way.value(name)), isEarly: true }]);
        const reached = { given: new Map(values), places: placesOf(places, last), rest, isOver: last.text === '' };
        following.set(JSON.stringify([values, reached]), reached);
      }
    }
    for (const state of following.values()) if (is(state.rest, '', '')) finish(count, state);
    states = [...following.values()].filter(({ isOver }) => !isOver);
  }
  const slashed = (places) => places.map((place) => `${place}/`).filter((place) => world.rowsAt.has(place));
  const end = (state, tail, places) => {
    finish(depth, { ...state, places }, { [`after_${depth}`]: tail });
    finish(depth, { ...state, places: slashed(places) }, { [`after_${depth}`]: tail, [`slash_${depth}`]: '/' });
  };
  // Of what comes behind, expressions look at `left` segments one by one, and at no marks of capital letters.
  const isSame = ({ after, isOdd, hasCapitals }) => after && (isOdd || hasCapitals);
  const goOn = (state, tail, left) => {
    const { places, rest: before } = state;
    if (is(before, '', '')) end(state, tail, places);
    if (left === 0)
      for (const { type } of world.others.filter((each) => is(before, each.type, '')))
        end(state, `${tail}/⟨0⟩`, placesOf(places, { type }, true));
    else
      for (const last of segmentsOf({ given: new Map(), places })) if (!isSame(last))
        for (const rest of rests.filter((own) => leads(before, last, own)))
          goOn({ ...state, places: placesOf(places, last), rest }, `${tail}/${last.text}`, left - 1);
  };
  for (const state of states) goOn(state, '', world.longest);
  return [...targets.values()];
}
/** What clients are told where every method is taken. */
const USUAL = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
/** Returns what some rows say of a method: how a request is treated, as part of which groups, and what is allowed. */
function targetOf(rows, method, treatments) {
  const named = unique(rows.flatMap(({ methods }) => methods)).sort();
  const fitting = rows.filter(({ methods }) => methods.includes(named.includes(method) ? method : '*'));
  const [name, ...more] = unique(fitting.map((row) => row.treatment));
  if (more.length > 0 || (name !== undefined && !treatments[name])) cannot(`rows do not agree on ${name}`);
  const [isThere, groups] = [rows.length > 0, unique(fitting.map(({ group }) => group)).sort()];
  const told = named.includes('*') ? unique([...USUAL, ...named]).filter((each) => each !== '*').sort() : named;
  return { isThere, allow: told.join(', '), groups, treatment: treatments[name], isOptions: method === 'OPTIONS' };
}

// ---- 3. The verdict.
/** Returns what the rows demand of a request: a refusal, or the quoted table that makes all further checks. */
function wantedOf({ isThere, treatment, groups, isOptions }, proxy, keys, ask) {
  const valueOf = (name) => ask(name, world.ranges.get(name) ?? cannot(`$${name} has no values`));
  const has = (name) => ask(name, ['', world.anyText(name)]) !== '';
  const isIn = (sets) => sets === 'any' || sets.some((name) => valueOf(name) === '');
  for (const [name, next] of proxy.checks) if (valueOf(name) !== `$${next}`) return valueOf(name);
  if (!isIn(treatment?.from ?? proxy.from)) return 'address';
  const { asks, answer } = (isOptions && isThere && proxy.preflight) || { asks: [] };
  const isAsked = ([name, expression]) => has(name) && (!expression || ask(`${name} ~ ${expression}`, [true, false]));
  if (asks.length > 0 && asks.every(isAsked)) return answer;
  if (proxy.caller && !treatment?.isOpen) {
    const [link, key] = [valueOf('secure_link'), keys.find(({ id }) => id === valueOf(proxy.caller))];
    if (link !== '1' || !key) return link === '0' ? 'key-expired' : 'key-unknown';
    if (!isIn(key.from)) return 'key-address';
    if (!has(proxy.token)) return 'token-missing';
    if (treatment && groups[0] !== '' && !groups.some((group) => key.groups.includes(group))) return 'key-routes';
  }
  return treatment ? `$${proxy.goesOn}` : isThere ? 'method' : 'path';
}
/** Notes what is the same for all requests to a server. */
function prepare({ keys, types: given }, { quoted, caller, walk, rows, treatments }, tables) {
  const [verb, all] = [quoted.verb ?? cannot('$verb is not quoted'), [...tables.values()]];
  for (const [name, { table, is }] of Object.entries(quoted))
    if (!same(tables.get(name)?.quote, table) || (is === 'marked' && !/^marked_/.test(name))) cannot(`not $${name}`);
  const parts = ['verb', ...namesIn(verb, GROUP)];
  if (!parts.includes(`after_${walk.length}`)) cannot(`request lines are not cut into ${walk.length} segments`);
  if (parts.some((name) => name !== 'verb' && tables.has(name))) cannot('a part of the request line is a table');
  for (const name of namesIn(all.map(({ quote }) => (same(quote, verb.table) ? '' : quote)), GROUP))
    if (parts.includes(name) || tables.has(name) || /^http_|^secure_link$/.test(name)) cannot(`$${name} is made twice`);
  const [rowsAt, next, runs, texts, expressions] = Array.from({ length: 5 }, () => new Map());
  for (const [methods, path, treatment, group] of rows) {
    if (!METHODS.test(methods) || !PATH.test(path)) cannot(`the row ${methods} ${path}`);
    if (group !== '' && treatments[treatment]?.isOpen) cannot(`${path} asks for no key, and names a group`);
    const own = unique(methods.split(' ').flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method)));
    once(rowsAt, path, () => []).push({ methods: own, treatment, group });
    for (const { index, 1: part } of path.matchAll(/\/([^/]*)/g))
      once(next, path.slice(0, index), () => new Set()).add(part);
  }
  for (const [start, own] of all.flatMap((table) => [...table.runs]))
    for (const run of own) once(runs, start, () => new Set()).add(run);
  const types = Object.keys(WIDER).filter((type) => given[type]).map((type) => [type, plainly(given[type])]);
  for (const [type, own] of types) if (!TYPES.test(own)) cannot(`the type ${type} is ${own}`);
  for (const [type, own] of types)
    expressions.set(`^(?:/${own})+\\z`, { type }).set(`^(?:/${own})+(?<rest_end>/?)\\z`, { type, hasEnd: true });
  const others = [...types.map(([type]) => type), 'none'].flatMap((type) =>
    [0, 1, 2, 3].map((bits) => ({ type, hasCapitals: bits > 1, isOdd: bits % 2 > 0 })));
  const typeOf = (marked) => {
    const [text, id] = [marked.replace('↑', ''), /⟨(\d+)⟩/.exec(marked)?.[1]];
    if (id) return (text === `⟨${id}⟩` ? world.unknown[id].type : undefined) ?? cannot(`the type of ${text}`);
    return types.find(([, source]) => new RegExp(`^(?:${source})$`, 'u').test(text))?.[0] ?? 'none';
  };
  const ids = ['', ...keys.map(({ id }) => id)];
  const isId = (name, rest) => rest === '' || (name === caller && ids.some((id) => lower(id) === rest));
  const any = (name) => ({ name, isAny: true, learn: (rest) => isId(name, rest) || cannot(`$${name} may be ${rest}`) });
  const anyText = (name) => once(texts, name, () => unknown(any(name)));
  const told = Object.entries(quoted).filter(([name, { is }]) => !is && name !== 'verb' && name !== caller);
  world = { tables, quoted, parts, rowsAt, next, runs, expressions, others, typeOf, anyText, used: new Set() };
  const behind = all.flatMap((table) => table.expressions.map(([source]) => LONGER.exec(source)?.[2] ?? ''));
  world.longest = Math.max(0, ...behind.map((source) => segmentsBehind(source).length));
  Object.assign(world, { templates: new Map(), strict: new Map() });
  Object.assign(world, { unknown: [{ learn: () => cannot('a segment is not kept') }] });
  const valueOf = ([key, value]) => (key === 'include' ? cannot('rows in other files are not known') : value);
  const ranges = told.map(([name, { table }]) => [name, unique(['', ...table.at(-1).map(valueOf)])]);
  world.ranges = new Map([['secure_link', ['', '0', '1']], [caller, [...ids, anyText(caller)]], ...ranges]);
}
const namesOf = (block) => block.filter(([name]) => /^(?:listen|server_name)$/.test(name));
/** Checks one server. Returns how many kinds of target and ways there are. */
function check(certificate, proxy, directives, tables) {
  prepare(certificate, proxy, tables);
  const isIt = ([name, block]) => name === 'server' && same(namesOf(block), proxy.names);
  const [[, server] = [], ...more] = directives.filter(isIt);
  if (!server || more.length > 0) cannot(`not one server is ${JSON.stringify(proxy.names)}`);
  // What quoted decisions use of the tables that are followed is said of each treatment.
  const decisions = Object.values(proxy.quoted).filter(({ is }) => is === 'decision');
  const tails = unique(namesIn(decisions, VARIABLE)).filter((name) => tables.has(name) && !proxy.quoted[name]);
  const [targets, verdict] = [targetsOf(proxy), server.find(([word]) => word === 'rewrite')?.[2]];
  const ways = targets.flatMap(({ given, target }) => {
    const all = [new Map()]; // What is chosen where something is asked. More are found on the way.
    for (const chosen of all) {
      const ask = (name, [first, ...others]) => {
        if (!chosen.has(name)) for (const other of others) all.push(new Map([...chosen, [name, other]]));
        return once(chosen, name, () => first);
      };
      const way = new Way({ given, ask });
      const decided = (template) => way.evaluate(template).replace(/…(.*?);/g, '$1');
      const [found, wanted] = [decided(verdict), wantedOf(target, proxy, certificate.keys, ask)];
      const wrong = (what) => differs(`${what}: ${JSON.stringify([wanted, target, [...given], [...chosen]])}`);
      const isKeyless = wanted === 'key-unknown' && /^[/][.][/]key-(?:missing|malformed)$/.test(found);
      if (found !== `/./${wanted}` && !isKeyless) wrong(found);
      const isTold = wanted === 'method' || wanted === proxy.preflight?.answer;
      if (isTold && way.value(proxy.allow) !== target.allow) wrong(`Allow is ${way.value(proxy.allow)}`);
      for (const name of wanted === `$${proxy.goesOn}` ? tails : [])
        if (decided(`$${name}`) !== target.treatment.leads[name]) wrong(`$${name} is ${decided(`$${name}`)}`);
      if (way.isEarly) cannot('a part of the request line is used before it is cut');
    }
    return all;
  });
  for (const name of [...namesIn(server, GROUP), ...namesIn(server, /"set","\$(\w+)"/g)])
    if (tables.has(name) || world.parts.includes(name)) cannot(`$${name} is made twice`);
  // All else that decides is in `around` and `quoted`: of the tables that are not quoted it uses what was compared with
  // the rows, and no group of one that is followed.
  const told = [proxy.allow, ...tails, ...namesIn(verdict, VARIABLE), ...proxy.checks.map(([, next]) => next)];
  const isOpen = (name) => tables.has(name) && !proxy.quoted[name] && !told.includes(name);
  const groups = namesIn([...world.used].map((name) => (proxy.quoted[name] ? '' : tables.get(name).quote)), GROUP);
  const outside = certificate.around.filter(([name]) => name !== 'server');
  for (const name of namesIn([outside, server, Object.values(proxy.quoted)], VARIABLE))
    if (isOpen(name) || groups.includes(name)) cannot(`$${name} is not quoted, and not compared with rows`);
  return `${proxy.rows.length} rows, ${targets.length} kinds of target, ${ways.length} ways`;
}
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
  const all = directivesOf(folder, 'nginx.conf').flatMap((each) => (each[0] === 'http' ? each.at(-1) : [each]));
  const [isTable, tables] = [([kind]) => kind === 'map' || kind === 'geo', new Map()];
  if (!same(all.filter((each) => !isTable(each) && each[0] !== 'log_format'), certificate.around))
    cannot('what is no table is not as it is quoted');
  for (const [name, quote] of all.filter(isTable).map((each) => [each.at(-2).slice(1), each]))
    tables.set(tables.has(name) ? cannot(`$${name} is made twice`) : name, tableOf(quote));
  if ([VARIABLE, GROUP].some((name) => namesIn(all, name).some((own) => own !== lower(own))))
    cannot('a variable with capital letters, which nginx ignores');
  const { proxies, beside } = certificate;
  const portOf = ([, address]) => Number(/(?:^|:)(\d+)$/.exec(address)?.[1] ?? cannot(`it listens on ${address}`));
  const portsOf = (names) => names.filter(([name]) => name === 'listen').map(portOf);
  const ports = proxies.flatMap(({ names }) => portsOf(names));
  const others = all.filter(([name]) => name === 'server').map(([, block]) => namesOf(block));
  for (const own of others.filter((each) => !proxies.some(({ names }) => same(each, names)))) {
    const isBeside = beside.some((names) => same(own, names)) && !portsOf(own).some((port) => ports.includes(port));
    console.log(isBeside ? `not looked at: ${own.join(' ')}` : cannot('a server has no rows'));
  }
  if (proxies.length === 0) cannot('there is no proxy');
  for (const proxy of proxies)
    console.log(`holds for ${proxy.names.join(' ')}: ${check(certificate, proxy, all, tables)}`);
} catch (error) {
  process.exitCode = error.status ?? 2;
  const why = error.status || error.code ? error.message : `the certificate has another form, or is cut off; ${ANEW}`;
  console.error(`${error.status === 1 ? 'differs' : 'cannot be told'}: ${why}`);
}
