import type { Certificate } from '../../src/targets/nginx/certificate.ts';
import { after, both, edited, type Step } from './refusals.ts';

export const SERVER = 'server {\n    listen 8080 default_server;';

const TO_CLIENT = 'set $client $remote_addr;';

/** Directives that are quoted too. */
const inserted = (before: string, text: string, quotes: Quotes, told?: string, outside = ''): Step<Certificate> => {
  const [mark] = before.split(' ');
  const isMark = (each: unknown) =>
    Array.isArray(each) && each[0] === mark && (mark !== 'server' || Array.isArray(each.at(-1)));
  const fill = (list: readonly unknown[]): unknown[] =>
    list.flatMap((each) => [...(isMark(each) ? quotes : []), Array.isArray(each) ? fill(each) : each]);
  return ({ certificate, files }) => ({
    title: text,
    certificate: { ...certificate, around: fill(certificate.around) },
    files: after(after(files, before, `${text}\n${before}`), SERVER, `${outside}\n${SERVER}`),
    told,
  });
};
type Quotes = readonly unknown[];

/** What somebody would try who wants another file to be accepted. */
export const nginxForgeries: readonly Step<Certificate>[] = [
  edited('include paths.conf;', 'include other.conf;', 'other.conf is not there'),
  edited('include paths.conf;', 'include /paths.conf;', 'include /paths.conf'),
  edited('"/a/{int}/x" "POST";', '"~^/a/[^][i]nt.+x$" "POST";', 'the expression'),
  // nginx does not find it, since `[^q]*+` takes all and gives nothing back.
  edited('"/a/{int}/x" "POST";', '"~^/a/[^q]*+x\\\\z" "POST";', 'differs'),
  edited('"/a/{int}/x" "POST";', '"~^/a/.*+x\\\\z" "POST";', 'the expression'),
  edited('"/a/{int}/x" "POST";', '"~^/a/(?:.)*+x$" "POST";', 'the expression'),
  edited('"/a/{int}/x" "POST";', '"~^/a/[{]int[}]{2,}+x$" "POST";', 'the expression'),
  edited('"/a/{int}/x" "POST";', '"~^/a/[{*+]int[^/*+]/?+x\\\\z" "POST";'),
  edited('"/a/{int}/x" "POST";', '"~^/a/[^/]++/x\\\\z" "POST";'),
  // In nginx, what refers to a group that found nothing finds nothing.
  both(
    '[0-9]++)++\\\\z',
    '(?:[0-9]|(y)?\\\\1q)++)++\\\\z',
    (own) => ({ ...own, types: { ...own.types, int: '(?:[0-9]|(y)?\\1q)+' } }),
    'the type int is',
  ),
  inserted(TO_CLIENT, 'add_header X $pid;', [['add_header', 'X', '$pid']]),
  inserted(
    TO_CLIENT,
    'add_header X $constructor;',
    [['add_header', 'X', '$constructor']],
    '$constructor is not quoted',
    'map $http_x $constructor { default ""; }',
  ),
  inserted(
    SERVER,
    'map $http_x $more { default ""; } add_header X $more;',
    [['add_header', 'X', '$more']],
    '$more is not quoted',
  ),
  both(
    '"/./${api_verdict}"',
    '"/a/${api_verdict}"',
    ({ around, ...own }) => ({ ...own, around: JSON.parse(JSON.stringify(around).replace('"/./${', '"/a/${')) }),
    'differs',
  ),
  inserted(TO_CLIENT, 'set $api_route read;', [['set', '$api_route', 'read']], '$api_route is made twice'),
  inserted(
    TO_CLIENT,
    'location ~ ^/(?<api_route>a) { return 404; }',
    [['location', '~', '^/(?<api_route>a)', [['return', '404']]]],
    '$api_route is made twice',
  ),
  inserted(TO_CLIENT, 'set $segment_1 a;', [['set', '$segment_1', 'a']], '$segment_1 is made twice'),
];
