import { identifierOf, type NotCarried } from '../../import/draft.ts';
import type { Carried, Forward } from './importAccess.ts';
import type { Facts, KeyMap } from './importFacts.ts';
import { type Made, place } from './importServer.ts';
import type { Written } from './importTree.ts';
import { nearest } from './importVerdict.ts';

/** Returns the word before tokens: before the variable, or before the token of each key. */
function schemeOf(text: string, keys: KeyMap | undefined): string | undefined {
  const words = [text, ...(text === keys?.variable ? keys.entries.map(({ value }) => value) : [])];
  const found = new Set(words.slice(words.length > 1 ? 1 : 0).map((one) => /^(Bearer|token|Basic) /.exec(one)?.[1]));
  return found.size === 1 ? [...found][0] : undefined;
}

/** Returns the header that carries the tokens of an upstream. */
function tokenPlaceOf(tokens: Written | undefined, { at, keys }: Forward) {
  if (!tokens) {
    const reason = 'the upstream got no token of its own; a spec gives it one for each key';
    return { place: {}, lost: keys ? [{ ...place(at), what: 'proxy_pass', reason }] : [] };
  }
  const [header = '', text = ''] = tokens.args;
  const scheme = schemeOf(text, keys);
  if (header.toLowerCase() === 'authorization' && scheme === undefined) {
    const reason =
      'no one word, such as Bearer, is before its tokens: say it as tokenScheme, or take another tokenHeader';
    return { place: {}, lost: [{ ...place(tokens), what: `proxy_set_header ${header}`, reason }] };
  }
  const isUsual = scheme === undefined && header.toUpperCase() === 'PRIVATE-TOKEN';
  return { place: { ...(!isUsual && { tokenHeader: header }), ...(scheme && { tokenScheme: scheme }) }, lost: [] };
}

/** Returns the upstream that a target names, with the servers behind it. */
export function upstreamItem({ origin, forward }: Carried, { upstreams }: Facts): Made {
  const notCarriedOver: NotCarried[] = [];
  const url = new URL(origin);
  const name = /^https?:\/\/([^/:]+|\[[^\]]+\])/.exec(origin)?.[1] ?? url.hostname;
  const block = upstreams.get(name);
  const headers = nearest(forward.scope, ['proxy_set_header']);
  const headerOf = (wanted: string) => headers.find(({ args }) => args[0]?.toLowerCase() === wanted);
  const host = headerOf('host');
  const literal = host?.args[1] !== undefined && /^[A-Za-z0-9.:-]+$/.test(host.args[1]) ? host.args[1] : undefined;
  if (host && literal === undefined && !/^\$(?:proxy_host|\{proxy_host\})$/.test(host.args[1] ?? ''))
    notCarriedOver.push({
      ...place(host),
      what: 'proxy_set_header Host',
      reason: 'the upstream hears its own name, not that of the client',
    });
  const servers = (block?.block ?? []).filter((one) => one.name === 'server' && !one.args.includes('down'));
  for (const one of servers) {
    if (one.args.length > 1)
      notCarriedOver.push({
        ...place(one),
        what: 'server',
        reason: `${one.args.slice(1).join(' ')}: all servers of a pool are alike`,
      });
    if (one.args[0]?.startsWith('unix:'))
      notCarriedOver.push({ ...place(one), what: 'server', reason: 'an upstream is reached over TCP' });
  }
  const listed = servers.map(({ args }) => args[0] ?? '').filter((one) => one !== '' && !one.startsWith('unix:'));
  // With another name to hear, the address is still where requests go.
  const address = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
  const pool = block || literal === undefined ? listed : [address];
  const shown = literal ?? (block ? name.replaceAll('_', '-') : origin.slice(origin.indexOf('//') + 2));
  const tokens = headers.find(({ args }) => forward.keys && args[1]?.includes(forward.keys.variable));
  const { place: tokenPlace, lost } = tokenPlaceOf(tokens, forward);
  notCarriedOver.push(...lost);
  for (const one of headers)
    if (one !== host && one !== tokens)
      notCarriedOver.push({
        ...place(one),
        what: `proxy_set_header ${one.args[0] ?? ''}`,
        reason: 'what the upstream hears is what a spec says of headers: see "headers" of routes',
      });
  const value = {
    url: `${url.protocol}//${shown.toLowerCase()}`,
    ...(pool.length > 0 && { servers: pool.map((one) => (/:\d+$/.test(one) ? one : `${one}:80`)) }),
    ...tokenPlace,
  };
  const [verify] = nearest(forward.scope, ['proxy_ssl_verify']);
  if (url.protocol === 'https:' && verify?.args[0] !== 'on')
    notCarriedOver.push({
      ...place(forward.at),
      what: 'proxy_pass',
      reason: 'its certificate was not verified, and is now: name a private CA under tls.caFile',
    });
  const where = block ?? forward.at;
  return {
    item: {
      id: identifierOf(name.replace(/\.[a-z]+$/, ''), 'upstream'),
      notes: [`${where.file}:${where.line}`],
      value,
    },
    notCarriedOver,
  };
}
