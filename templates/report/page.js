'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const ask = postern.evaluator(data);
const field = (name) => document.getElementById(name);
const valueOf = (name) => field(name)?.value.trim() || undefined;

function cell(row, text, name, style) {
  const made = row.insertCell();
  made.textContent = text;
  made.dataset.name = name;
  if (style) made.className = style;
}

/** Every caller of every proxy that is meant, and what each is told. */
function answers() {
  const [method, target, from, only] = [valueOf('method') ?? 'GET', valueOf('target') ?? '/', valueOf('from'), valueOf('proxy')];
  const at = valueOf('at') ?? Math.floor(Date.now() / 1000);
  const proxies = only ? [only] : Object.keys(data.groupsOf.proxy);
  const keys = valueOf('key') === undefined ? ['', ...Object.keys(data.groupsOf.key)] : [valueOf('key') === '-' ? '' : valueOf('key')];
  return proxies.flatMap((proxy) =>
    keys.map((key) => ({ proxy, key, ...ask({ method: method.toUpperCase(), target, from, proxy, at, apiKey: key || undefined }) })),
  );
}

const SHOWN = 500;
const ASKED = ['method', 'target', 'key', 'from', 'at', 'proxy'];
function answer(event) {
  event?.preventDefault();
  const asked = ASKED.filter((name) => valueOf(name) !== undefined).map((name) => [name, valueOf(name)]);
  history.replaceState(null, '', `#?${new URLSearchParams(asked)}`);
  const all = answers();
  const isYes = ({ decision }) => decision === 'allow' || decision === 'answer';
  const sorted = [...all.filter(isYes), ...all.filter((one) => !isYes(one))];
  const allowed = all.filter(({ decision }) => decision === 'allow').length;
  field('verdict').textContent = `${allowed} of ${all.length} may do this${all.length > SHOWN ? `; the first ${SHOWN} are shown` : ''}.`;
  const body = field('answers');
  body.replaceChildren();
  for (const { proxy, key, decision, status, reason, route, at, error } of sorted.slice(0, SHOWN)) {
    const row = body.insertRow();
    cell(row, proxy, 'Proxy');
    cell(row, key || 'without a key', 'Key');
    cell(row, error ?? (decision === 'allow' ? 'allowed' : `${decision === 'answer' ? 'answered' : 'refused'} ${status}${reason ? ` (${reason})` : ''}`), 'Answer', decision === 'allow' ? 'yes' : decision === 'deny' ? 'no' : '');
    cell(row, route ?? '', 'Route');
    cell(row, at ?? '', 'Spec');
  }
  field('answer').hidden = false;
}
field('ask')?.addEventListener('submit', answer);

// A link to a question: #?method=GET&target=/api/v4/user
if (field('ask') && location.hash.startsWith('#?')) {
  for (const [name, value] of new URLSearchParams(location.hash.slice(2)))
    if (ASKED.includes(name) && field(name)) field(name).value = value;
  answer();
}

const lines = [...document.querySelectorAll('main tbody tr, main li')].map((line) => {
  const about = line.dataset.about && JSON.parse(line.dataset.about);
  const text = line.textContent.toLowerCase();
  return { line, about, text, section: line.closest('section') };
});

/** The groups of an entry; `null` for all. */
function groupsOf(by, name) {
  if (by === 'group') return [name];
  const found = data.groupsOf[by];
  return Object.hasOwn(found, name) ? found[name] : [];
}

/** Whether a row is about the chosen entries, or about groups that all of them have. */
function isAbout(about, chosen) {
  const asked = chosen.filter(([by]) => by === 'group' || !about[by]);
  if (!chosen.every(([by, name]) => by === 'group' || !about[by] || about[by].includes(name))) return false;
  if (asked.length === 0) return true;
  const own = about.group ? [about.group] : ['key', 'proxy'].flatMap((by) => (about[by] ?? []).map((name) => groupsOf(by, name)));
  const isIn = (group) => asked.every(([by, name]) => groupsOf(by, name)?.includes(group) ?? true);
  return own.some((groups) => (groups ?? data.groups).some(isIn));
}

function filter() {
  const words = field('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = [...document.querySelectorAll('#filter select')].flatMap(({ value, dataset }) => (value ? [[dataset.field, value]] : []));
  const sections = new Set();
  let count = 0;
  for (const { line, about, text, section } of lines) {
    const isShown = words.every((word) => text.includes(word)) && (!about || isAbout(about, chosen));
    line.hidden = !isShown;
    if (isShown) count += 1;
    if (isShown) sections.add(section);
  }
  const isFiltered = words.length > 0 || chosen.length > 0;
  for (const section of document.querySelectorAll('main section')) section.hidden = isFiltered && !sections.has(section);
  const by = [...(words.length > 0 ? [`"${words.join(' ')}"`] : []), ...chosen.map((one) => one.join(' '))];
  field('shown').textContent = `Shown are ${count} of ${lines.length} rows: ${by.join(', ')}.`;
  field('shown').hidden = !isFiltered;
}
field('filter').addEventListener('input', filter);
field('filter').addEventListener('submit', (event) => event.preventDefault());
function showAll() {
  field('filter').reset();
  filter();
}
field('clear').addEventListener('click', showAll);
document.addEventListener('keydown', (event) => {
  const isTyping = /^(?:INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '');
  if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field('search').focus();
  } else if (event.key === 'Escape' && field('filter').contains(document.activeElement)) {
    showAll();
    document.activeElement.blur();
  }
});
