import type { Template } from './handlers.ts';
import type { Scope } from './scope.ts';

/** Beginnings of names that Caddy itself gives nothing. */
const OWN = /^(?:caller|client|cors|decision|health|key|request|sent|shadow)[.]/i;

/** Beginnings of names behind which Caddy reads on, and whole names. It knows all of them in this case alone. */
const BEGINNINGS = ['http.request.header.', 'http.vars.'];
const WHOLE = new Set([
  'http.error.message',
  'http.error.status_code',
  'http.request.host',
  'http.request.hostport',
  'http.request.method',
  'http.request.orig_uri',
  'http.request.orig_uri.query',
  'http.request.uri.path',
  'http.request.uuid',
  'time.now.unix',
]);

/** Whether nobody gives a placeholder of this name a value: no table, no secrets, and no part of Caddy. */
export function isNobodys(name: string, { tables, secrets }: Scope): boolean {
  if (tables.some((table) => table.name === name)) return false;
  if (OWN.test(name)) return !(secrets && name === 'key.found');
  const small = name.toLowerCase();
  if (WHOLE.has(small)) return name !== small;
  return BEGINNINGS.some((beginning) => small.startsWith(beginning) && !name.startsWith(beginning));
}

/** In headers and bodies, Caddy leaves what nobody gives a value as it is written; everywhere else it is empty. */
export function asWritten(template: Template, scope: Scope): Template {
  return template.map((part) => (typeof part === 'object' && isNobodys(part.name, scope) ? `{${part.name}}` : part));
}

/** The header of the client that a placeholder stands for, in lower case. */
export function headerIn(name: string): string | undefined {
  return /^http\.request\.header\.(.+)$/.exec(name)?.[1]?.toLowerCase();
}
