'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const ask = postern.evaluator(data);
const field = (name) => document.getElementById(name);
const valueOf = (name) => field(name)?.value.trim() || undefined;

function cell(row, text, name, style) {
  const made = row.insertCell();
  made.textContent = text;
  if (name) made.dataset.name = name;
  if (style) made.className = style;
}

/** Every caller of every proxy that is meant, and what each is told. */
function answers() {
  const [method, target, from, only] = [valueOf('method') ?? 'GET', valueOf('target') ?? '/', valueOf('from'), valueOf('proxy')];
  const at = valueOf('at') ?? Math.floor(Date.now() / 1000);
  const proxies = only ? [only] : data.proxies;
  const keys = valueOf('key') === undefined ? ['', ...data.keys] : [valueOf('key') === '-' ? '' : valueOf('key')];
  return proxies.flatMap((proxy) =>
    keys.map((key) => ({ proxy, key, ...ask({ method: method.toUpperCase(), target, from, proxy, at, apiKey: key || undefined }) })),
  );
}

const SHOWN = 500;
const FIELDS = ['method', 'target', 'key', 'from', 'at', 'proxy'];
function answer(event) {
  event?.preventDefault();
  const asked = FIELDS.filter((name) => valueOf(name) !== undefined).map((name) => [name, valueOf(name)]);
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
    if (FIELDS.includes(name) && field(name)) field(name).value = value;
  answer();
}

function filter() {
  const words = field('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll('tbody[data-filtered] tr')) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
  for (const section of document.querySelectorAll('section[data-filtered]'))
    section.hidden = words.length > 0 && !section.querySelector('tbody tr:not([hidden])');
}
field('search').addEventListener('input', filter);
document.addEventListener('keydown', (event) => {
  const typing = /^(?:INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '');
  if (event.key === '/' && !typing) {
    event.preventDefault();
    field('search').focus();
  } else if (event.key === 'Escape' && document.activeElement === field('search')) {
    field('search').value = '';
    filter();
    field('search').blur();
  }
});
