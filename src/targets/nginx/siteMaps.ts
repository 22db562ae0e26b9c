import type { SitePlan } from '../../plan/sites.ts';
import { connectingWord, logFormat, reasonMap } from './log.ts';
import type { MapList } from './maps.ts';
import { type NginxToken, type Part, variable } from './quote.ts';

/** Where the public name leads back here, by the very DNS that was rewritten, a request would never end. */
export function loopMaps(name: string, list: MapList): { found: Part; mark: Part } {
  const sent = variable('http_x_postern_site');
  return {
    found: list.add({
      name: 'sites_loop',
      source: [sent],
      patterns: [[`(?:^|,)[ \\t]*+${name}[ \\t]*+(?:,|\\z)`, '1']],
    }),
    mark: list.add({ name: 'sites_mark', source: [sent], fallback: [sent, `, ${name}`], exact: [['', name]] }),
  };
}

/** A line of the log: the public name for a route, and the path as far as it is plain. */
export function siteLog(sites: readonly SitePlan[], maps: MapList): NginxToken[] {
  const known = new Map(sites.flatMap(({ rewrite, names }) => names.map(({ name }) => [name, rewrite.from])));
  const route = maps.add({ name: 'sites_route', source: [variable('host')], exact: known });
  const path = maps.add({
    name: 'sites_path',
    source: [variable('request')],
    patterns: [["^[A-Z_-]++ (?<sites_plain>/[A-Za-z0-9/._~!$&'()*+,;=:@%-]*+)", variable('sites_plain')]],
  });
  const connecting = connectingWord(
    sites.map(({ upstream }) => upstream),
    ({ https }) => https,
  );
  const reason = reasonMap({ name: 'sites_reason', maps, verdict: undefined, connecting });
  const [client, method] = [variable('remote_addr'), variable('request_method')];
  return logFormat({ proxy: '', client, method, path, reason, route, key: '', keyPosition: '' });
}
