import { hasSite } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import { type Part, variable } from './quote.ts';

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

/** What the log says of a request: the public name, and the path as far as it is plain. */
export function logMaps(names: readonly DomainRewrite[], list: MapList): { route: Part; path: Part } {
  const known = new Map(
    names.filter(hasSite).flatMap(({ from, to }) => [
      [to, from],
      [from, from],
    ]),
  );
  return {
    route: list.add({ name: 'sites_route', source: [variable('host')], exact: known }),
    path: list.add({
      name: 'sites_path',
      source: [variable('request')],
      patterns: [["^[A-Z_-]++ (?<sites_plain>/[A-Za-z0-9/._~!$&'()*+,;=:@%-]*+)", variable('sites_plain')]],
    }),
  };
}
