import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { templatesRoot } from '../templatesRoot.ts';

/** A cell: words, a piece of code such as a path, or a list that is folded if it is long. */
export type Cell = string | { readonly code: string } | { readonly list: readonly string[]; readonly what: string };

/** What rows can be filtered by, with the words on the page. */
export const FIELDS = { key: 'Key', group: 'Group', upstream: 'Upstream', proxy: 'Proxy' } as const;
export type Field = keyof typeof FIELDS;

export interface PageRow {
  readonly cells: readonly Cell[];
  /** The entries that a row is about. Without groups it is about those of its keys and proxies. */
  readonly about: { readonly [F in Field]?: readonly string[] };
}

export interface PageTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly PageRow[];
}

export interface PageItem {
  /** A word before it: green where all is as it should be, red where somebody has to look. */
  readonly mark?: { readonly text: string; readonly tone: 'yes' | 'no' | 'quiet' };
  readonly text: string;
  readonly more?: string | undefined;
}

export interface PageList {
  readonly title: string;
  readonly items: readonly PageItem[];
  /** What is said where there is nothing to list. */
  readonly none: string;
  /** What is to be known about all items. */
  readonly note?: string | undefined;
}

/** Groups by the entry that gives access to them, for filters; `null` for all groups. */
export type GroupsOf = { readonly [F in Exclude<Field, 'group'>]: Readonly<Record<string, readonly string[] | null>> };

export interface Page {
  readonly name: string;
  /** What a reader has to know first. */
  readonly summary: readonly PageItem[];
  /** In their order on the page. */
  readonly parts: readonly (PageList | PageTable)[];
  readonly groups: readonly string[];
  readonly groupsOf: GroupsOf;
  /** For the script: policy and places, as JSON. */
  readonly data: { readonly policy: string; readonly places: Readonly<Record<string, string>> };
  /** The evaluator, which sets `postern`. */
  readonly script: string;
}

/** One page without anything outside of it: a policy of its own forbids the browser to fetch or run anything else. */
export function pageText(page: Page): string {
  const style = read('page.css');
  const script = `${page.script}\n${read('page.js')}`;
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; base-uri 'none'; form-action 'none'`;
  const parts = page.parts.filter((part) => !('rows' in part) || part.rows.length > 0);
  const sections = parts.map((part) => ('rows' in part ? tableSection(part) : listSection(part)));
  const links = parts.map(({ title }) => `<a href="#${idOf(title)}">${text(title)}</a>`).join(' ');
  const hasProxy = Object.keys(page.groupsOf.proxy).length > 0;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Access: ${text(page.name)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#search">To the search</a>
<h1>Access: ${text(page.name)}</h1>
<p class="quiet">Who may do what, from where, until when. What is not listed here is refused.</p>
<ul id="summary">${page.summary.map(item).join('')}</ul>
<nav>${hasProxy ? '<a href="#question">Ask</a> ' : ''}${links}</nav>
${hasProxy ? question(page) : ''}
${filters(page)}
<main>
${sections.join('\n')}
</main>
<script type="application/json" id="data">${dataText(page)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function options(names: readonly string[]): string {
  return names.map((name) => `<option>${text(name)}</option>`).join('');
}

function question({ groupsOf }: Page): string {
  const [proxies, keys] = [Object.keys(groupsOf.proxy), Object.keys(groupsOf.key)];
  const proxy = `<label>Proxy<select id="proxy"><option value="">all</option>${options(proxies)}</select></label>`;
  return `<section id="question">
<h2>Who can do this request?</h2>
<form id="ask">
<label>Method<input id="method" value="GET" required autocomplete="off"></label>
<label class="long">Path with query<input id="target" value="/" required autocomplete="off" spellcheck="false"></label>
<label>Key<select id="key"><option value="">every key, and none</option><option value="-">without a key</option>${options(keys)}</select></label>
<label>From address<input id="from" placeholder="one that is admitted" autocomplete="off"></label>
<label>Day<input id="at" placeholder="today, or 2027-06-30" autocomplete="off"></label>
${proxies.length > 1 ? proxy : ''}
<button>Ask</button>
</form>
<div id="answer" hidden>
<p id="verdict" role="status"></p>
<div class="wide"><table><thead><tr><th scope="col">Proxy</th><th scope="col">Key</th><th scope="col">Answer</th><th scope="col">Route</th><th scope="col">Spec</th></tr></thead><tbody id="answers"></tbody></table></div>
</div>
</section>`;
}

/** A field with one entry is no choice. */
function filters({ groups, groupsOf }: Page): string {
  const all = { ...groupsOf, group: Object.fromEntries(groups.map((name) => [name, name])) };
  const selects = (Object.keys(FIELDS) as Field[]).flatMap((field) => {
    const names = Object.keys(all[field]);
    if (names.length < 2) return [];
    const empty = '<option value="">all</option>';
    return `<label>${FIELDS[field]}<select id="by-${field}" data-field="${field}">${empty}${options(names)}</select></label>`;
  });
  return `<form id="filter" role="search">
<label class="long">Search in everything (press /)<input id="search" type="search" autocomplete="off" spellcheck="false"></label>
${selects.join('\n')}
<button type="button" id="clear">Show all</button>
</form>
<p id="shown" role="status" hidden></p>`;
}

function item({ mark, text: words, more }: PageItem): string {
  const before = mark ? `<span class="${mark.tone}">${text(mark.text)}</span> ` : '';
  const beside = more === undefined ? '' : `<br><span class="quiet">${text(more)}</span>`;
  return `<li>${before}${text(words)}${beside}</li>`;
}

function listSection({ title, items, none, note }: PageList): string {
  const about = note === undefined ? '' : `\n<p class="quiet">${text(note)}</p>`;
  const body =
    items.length === 0 ? `<p class="quiet">${text(none)}</p>` : `<ul>\n${items.map(item).join('\n')}\n</ul>${about}`;
  return `<section id="${idOf(title)}">\n<h2>${text(title)}</h2>\n${body}\n</section>`;
}

/** Columns in which nothing stands are left out. */
function tableSection({ title, columns, rows }: PageTable): string {
  const used = columns.map((_, index) => rows.some(({ cells }) => cellText(cells[index] ?? '') !== ''));
  const names = columns.map(text);
  const head = names.filter((_, index) => used[index]).map((name) => `<th scope="col">${name}</th>`);
  const row = ({ cells, about }: PageRow) => {
    const shown = cells.map((cell, index) =>
      used[index] ? `<td data-name="${names[index]}">${cellText(cell)}</td>` : '',
    );
    return `<tr data-about="${text(JSON.stringify(about))}">${shown.join('')}</tr>`;
  };
  return `<section id="${idOf(title)}">
<h2>${text(title)}</h2>
<div class="wide"><table><thead><tr>${head.join('')}</tr></thead>
<tbody>
${rows.map(row).join('\n')}
</tbody></table></div>
</section>`;
}

const MOST_UNFOLDED = 20;

function cellText(cell: Cell): string {
  if (typeof cell === 'string') return text(cell);
  if ('list' in cell) {
    const words = text(cell.list.join(', '));
    if (cell.list.length <= MOST_UNFOLDED) return words;
    return `<details><summary>${cell.list.length} ${text(cell.what)}</summary>${words}</details>`;
  }
  // A long path breaks where its segments end.
  return cell.code === '' ? '' : `<code>${text(cell.code).replace(/(?<=.)\//g, '<wbr>/')}</code>`;
}

function dataText({ data, groups, groupsOf }: Page): string {
  const shown = Object.entries(data.places).map(([path, place]) => [path, printable(place)]);
  const rest = JSON.stringify({ places: Object.fromEntries(shown), groups, groupsOf });
  // "<" could end the script element, whatever stands in a spec.
  return `{"policy":${data.policy},${rest.slice(1)}`.replaceAll('<', '\\u003c');
}

function text(words: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return printable(maskSecrets(words)).replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

function idOf(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

function read(name: string): string {
  return readFileSync(new URL(`report/${name}`, templatesRoot), 'utf8');
}

function hashOf(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}
