import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { templatesRoot } from '../templatesRoot.ts';

/** A cell: words, or a piece of code such as a path. */
export type Cell = string | { readonly code: string };

export interface PageTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
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
}

export interface Page {
  readonly name: string;
  /** In their order on the page. */
  readonly parts: readonly (PageList | PageTable)[];
  readonly proxies: readonly string[];
  readonly keys: readonly string[];
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
<nav>${page.proxies.length > 0 ? '<a href="#question">Ask</a> ' : ''}${links}</nav>
${page.proxies.length > 0 ? question(page) : ''}
<div id="filter"><label>Search in all tables (press /)<input id="search" type="search" autocomplete="off"></label></div>
<main>
${sections.join('\n')}
</main>
<script type="application/json" id="data">${dataText(page)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function question({ proxies, keys }: Page): string {
  const options = (names: readonly string[]) => names.map((name) => `<option>${text(name)}</option>`).join('');
  const proxy = `<label>Proxy<select id="proxy"><option value="">all</option>${options(proxies)}</select></label>`;
  return `<section id="question">
<h2>Who can do this request?</h2>
<form id="ask">
<label>Method<input id="method" value="GET" required></label>
<label class="long">Path with query<input id="target" value="/" required></label>
<label>Key<select id="key"><option value="">every key, and none</option><option value="-">without a key</option>${options(keys)}</select></label>
<label>From address<input id="from" placeholder="one that is admitted"></label>
<label>Day<input id="at" placeholder="today, or 2027-06-30"></label>
${proxies.length > 1 ? proxy : ''}
<button>Ask</button>
</form>
<div id="answer" hidden>
<p id="verdict" role="status"></p>
<div class="wide"><table><thead><tr><th>Proxy</th><th>Key</th><th>Answer</th><th>Route</th><th>Spec</th></tr></thead><tbody id="answers"></tbody></table></div>
</div>
</section>`;
}

function listSection({ title, items, none }: PageList): string {
  const lines = items.map(({ mark, text: words, more }) => {
    const before = mark ? `<span class="${mark.tone}">${text(mark.text)}</span> ` : '';
    const beside = more === undefined ? '' : `<br><span class="quiet">${text(more)}</span>`;
    return `<li>${before}${text(words)}${beside}</li>`;
  });
  const body = lines.length === 0 ? `<p class="quiet">${text(none)}</p>` : `<ul>${lines.join('')}</ul>`;
  return `<section id="${idOf(title)}">\n<h2>${text(title)}</h2>\n${body}\n</section>`;
}

function tableSection({ title, columns, rows }: PageTable): string {
  const head = columns.map((column) => `<th scope="col">${text(column)}</th>`).join('');
  const row = (cells: readonly Cell[]) =>
    `<tr>${cells.map((cell, index) => `<td data-name="${text(columns[index] ?? '')}">${cellText(cell)}</td>`).join('')}</tr>`;
  return `<section id="${idOf(title)}" data-filtered>
<h2>${text(title)}</h2>
<div class="wide"><table><thead><tr>${head}</tr></thead>
<tbody data-filtered>
${rows.map(row).join('\n')}
</tbody></table></div>
</section>`;
}

function cellText(cell: Cell): string {
  if (typeof cell === 'string') return text(cell);
  return cell.code === '' ? '' : `<code>${text(cell.code)}</code>`;
}

function dataText({ data, proxies, keys }: Page): string {
  const rest = JSON.stringify({ places: data.places, proxies, keys });
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
