import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import { suggest } from '../spec/suggest.ts';
import { ruleCodes } from './codes.ts';

/** The first are what people mean when they mistype one. */
const USUAL = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Of the registry of methods, and what caches and Vault add. */
const OTHERS = [
  ...['ACL', 'BASELINE-CONTROL', 'BIND', 'CHECKIN', 'CHECKOUT', 'COPY', 'LABEL', 'LINK', 'LIST', 'LOCK', 'MERGE'],
  ...['MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MKREDIRECTREF', 'MKWORKSPACE', 'MOVE', 'ORDERPATCH', 'PROPFIND'],
  ...['PROPPATCH', 'PURGE', 'QUERY', 'REBIND', 'REPORT', 'SEARCH', 'UNBIND', 'UNCHECKOUT', 'UNLINK', 'UNLOCK'],
  ...['UPDATE', 'UPDATEREDIRECTREF', 'VERSION-CONTROL'],
];

/** Segments of OData, which package registries speak: they are named with a dollar and no parameters. */
const ODATA = ['$batch', '$count', '$entity', '$metadata', '$ref', '$value'];

/** Request lines that are well formed and match nothing that is ever sent. */
export function requests({ routes, proxies }: Policy): Diagnostic[] {
  return [...routes, ...proxies.flatMap((proxy) => proxy.answers)].flatMap(({ methods, pattern, origin }) => [
    ...methods
      .filter((method) => !USUAL.includes(method) && !OTHERS.includes(method))
      .map((method) => ruleCodes.report('odd-method', origin, { method, meant: suggest(method, USUAL) })),
    ...pattern.segments.flatMap((segment) => {
      const name = segment.kind === 'literal' ? foreignParameter(segment.text) : undefined;
      if (segment.kind !== 'literal' || name === undefined) return [];
      return ruleCodes.report('odd-literal', origin, { text: segment.text, parameter: name });
    }),
  ]);
}

/** How other tools write a parameter, as this one does; what cannot stand in a path at all is an error already. */
function foreignParameter(text: string): string | undefined {
  if (ODATA.includes(text)) return undefined;
  const [, name] = /^(?::|\$)([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? [];
  if (name !== undefined) return name;
  return /^\(.+\)$/.test(text) ? 'name' : undefined;
}
