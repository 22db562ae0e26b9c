import type { Random } from '../../../src/verify/random.ts';
import { addressRules, type Defined, type Ports } from './http.ts';
import type { Line } from './print.ts';

/** What a location may refer to. */
export interface World {
  readonly random: Random;
  readonly ports: Ports;
  readonly defined: Defined;
  /** Numbers the locations. */
  next(): number;
}

const line = (text: string): Line => ({ text });
export const WORDS = ['a', 'b', 'api', 'v1', 'secret', '1', 'x.php', 'A', 'a b', 'é', 'a+b', '{2}'];
const METHOD_LISTS = ['GET', 'GET POST', 'POST', 'HEAD', 'DELETE', 'PUT PATCH', 'OPTIONS GET', 'POST PUT DELETE'];

const EXPRESSIONS = [
  '^/a/[0-9]+$',
  '^/a/(.*)$',
  '^/a',
  '\\.php$',
  '/b$',
  '^/(a|b)/[^/]+$',
  '^/api/v[12]/\\w+',
  '^/A',
  '/a/.*/b',
  '^/a/(?<id>[^/]+)$',
  '^/a(?!b)',
  '^/a/?$',
  '^/a\\b',
  '^/[a-c]/',
  '^/a/[^/]+/b',
  '^/a/.{1,3}$',
  '^/a/x++$',
  '^/a/\\d{2}$',
  '^/a$|^/b',
  '.',
  '^/a/\\.\\.',
  '^/a\\/b',
  '\\x61',
  '^/a/[[:digit:]]+$',
  '(?i)^/SECRET',
  '^/a\\{2\\}$',
  '^/\\{2\\}',
  '^/api/(.+)/(.+)$',
  '^/(.*)/b/(.*)$',
  '^/b/([a-z]+)/?',
  '^/api/(a|b)?$',
  '^/api(/.*)?$',
  '^/a\\ b',
  '^/.*secret',
  '^/[^a]',
  '^/v1/(\\d+)$',
  '^/v1/(\\d+)/a$',
  '^/a/b$',
  '/',
  '^',
  '$',
  'secret',
  '^/a//b',
  '^/b/[a-f0-9]{1,4}$',
  '^/b/([^/]*)$',
  '^/b/(a|b|1)$',
  '^/(?:a|api)/[0-9a-f-]+$',
  '^/b/\\S+$',
  '^/b/[^/.]+$',
];

function literal({ random }: World): string {
  const depth = random.below(4);
  const path = `/${Array.from({ length: depth }, () => random.pick(random.chance(0.8) ? WORDS.slice(0, 6) : WORDS)).join('/')}`;
  const end = depth > 0 && random.chance(0.45) ? '/' : '';
  return random.chance(0.01) ? `/${path}` : `${path}${end}`;
}

const quoted = (text: string) => (/[\s{};"'\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text);

/** The sign and the text of a location. One that is nested begins as its parent does, or nginx refuses it. */
function headOf(world: World, parent: string | undefined): { readonly sign: string; readonly path: string } {
  const { random } = world;
  const isInExpression = parent?.startsWith('~') ?? false;
  const kind = isInExpression ? 0 : random.below(10);
  if (kind < 4) {
    const source =
      parent !== undefined && !isInExpression && random.chance(0.5)
        ? `^${parent.replace(/[.+{}]/g, '\\$&')}.+$`
        : random.pick(EXPRESSIONS);
    return { sign: random.chance(0.15) ? '~*' : '~', path: source };
  }
  const own = literal(world);
  const path = parent === undefined ? own : `${parent}${parent.endsWith('/') ? own.slice(1) : own}`;
  return { sign: kind < 6 ? '=' : kind < 7 ? '^~' : '', path };
}

function headText({ random }: World, { sign, path }: { readonly sign: string; readonly path: string }): string {
  const space = sign === '' || !random.chance(0.1) || quoted(path) !== path ? ' ' : '';
  const text = sign.startsWith('~') && random.chance(0.15) && /^[^\\"'{}; ]+$/.test(path) ? `"${path}"` : quoted(path);
  return space === ' ' ? `location ${sign}${sign === '' ? '' : ' '}${text}` : `location ${sign}${path}`;
}

function origin({ random, ports: { upstreams } }: World): string {
  return random.pick([
    `http://127.0.0.1:${upstreams[0]}`,
    `http://127.0.0.1:${upstreams[1]}`,
    'http://app',
    'http://other_app',
    'http://app',
  ]);
}

function pass(world: World, { sign, path }: { readonly sign: string; readonly path: string }): Line[] {
  const { random } = world;
  const to = origin(world);
  const isExpression = sign.startsWith('~');
  if (random.chance(0.6)) return [line(`proxy_pass ${to}`)];
  const repeated = path
    .replace(/^\^|\$$/g, '')
    .replace(/\((?!\?)[^()]*\)/g, () => '$1')
    .replace(/\\([./-])/g, '$1');
  const forms = isExpression
    ? [
        `${repeated}$is_args$args`,
        repeated,
        '$request_uri',
        '$uri',
        '$uri$is_args$args',
        '/b/$1',
        '/$1$is_args$args',
        '$request_uri$is_args$args',
      ]
    : [path, path, '/', '/b/', '/b', `${path}$is_args$args`, '$request_uri', '$uri$is_args$args', `${path}?a=b`];
  const rest = random.pick(forms);
  if (/[{}\s"]/.test(rest.replaceAll('$1', ''))) return [line(`proxy_pass ${to}`)];
  if (random.chance(0.25)) {
    const [, host = ''] = /^http:\/\/(.*)$/.exec(to) ?? [];
    return random.chance(0.5)
      ? [line(`set $up ${host}`), line(`proxy_pass http://$up${random.chance(0.5) ? '' : rest}`)]
      : [line(`set $up ${to}`), line(`proxy_pass $up${random.chance(0.5) ? '' : rest}`)];
  }
  return [line(`proxy_pass ${to}${rest}`)];
}

/** A check that stands in a server or in a location. */
export function check({ random, defined }: World): Line[] {
  const status = random.pick([401, 403, 404]);
  const refusal = [
    line(
      random.pick([
        `return ${status}`,
        `return ${status}`,
        `return ${status}`,
        'break',
        'return 200 hi',
        'return 204',
        'set $up 127.0.0.1',
      ]),
    ),
  ];
  const conditions = [
    ...defined.keys.flatMap(({ variable, header }) => [
      `${variable} = ""`,
      `${variable} = ""`,
      `${variable} = 0`,
      `!${variable}`,
      `${variable} != token-0`,
      variable,
      `${variable} = "no"`,
      `$http_${header.toLowerCase().replaceAll('-', '_')} = ""`,
    ]),
    ...defined.geos.flatMap((variable) => [
      `${variable} = 0`,
      `${variable} = 0`,
      `${variable} = 1`,
      variable,
      `${variable} != 1`,
    ]),
    ...defined.tables.flatMap((variable) => [`${variable} = 0`, variable]),
    '$request_method != GET',
    '$request_method = POST',
    '$request_method = HEAD',
    '$request_method !~ ^(GET|HEAD|POST)$',
    '$request_method ~* post',
    '$request_method !~ GET|PO',
    '$http_x_mode = b',
    '$uri ~ secret',
    '$request_uri ~ "//"',
    '$args',
    '$host != one.example',
    '$remote_addr = 127.0.0.1',
    '-f $request_filename',
    '$request_method !~* ^(?:get|post)$',
    '$request_method = "GET"',
    '$request_method',
  ].filter((condition) => !condition.startsWith('!'));
  return [{ text: `if (${random.pick(conditions)})`, block: refusal }];
}

function limit(world: World): Line[] {
  const { random } = world;
  const inner = random.pick([
    () => [line('deny all')],
    () => [line('deny all')],
    () => [line('deny all')],
    () => addressRules(random),
    () => [line(`proxy_pass ${origin(world)}`), line('allow all')],
    () => [line('auth_basic on'), line('auth_basic_user_file users')],
    () => [line('allow 127.0.0.1')],
  ])();
  return [{ text: `limit_except ${random.pick(METHOD_LISTS)}`, block: inner }];
}

function oddity(world: World): Line[] {
  const { random, defined } = world;
  const [key] = defined.keys;
  const many: (() => Line[])[] = [
    () => [line(`return ${random.pick(['403', '404', '200 hi', '204', '301 /b', '444'])}`)],
    () => [
      line(
        `rewrite ${random.pick(['^/a/(.*)$ /b/$1', '^ /b', '^/x /a', '(.*) /api$1'])}${random.pick(['', ' last', ' break', ' redirect'])}`,
      ),
    ],
    () => [line('auth_basic realm'), line('auth_basic_user_file users')],
    () => [line('auth_basic off')],
    () => [line('internal')],
    () => [
      line(`satisfy ${random.pick(['any', 'all'])}`),
      line('auth_basic realm'),
      line('auth_basic_user_file users'),
      ...addressRules(random),
    ],
    () => [line(`try_files ${random.pick(['$uri =404', '/none @back', '$uri $uri/ /b', '/nginx.conf =403'])}`)],
    () => [
      line(`error_page ${random.pick(['403 = /b', '404 /a', '401 403 404 = @back', '403 =200 /api/', '404 @back'])}`),
    ],
    () => [line('auth_request /check')],
    () => [line('auth_request off')],
    () => [line('alias /nowhere/')],
    () => [line('root /nowhere')],
    () => [line('break'), ...check(world)],
    () => [line('set $args "a=c"')],
    () => [line(`set ${key?.variable ?? '$other'} token-0`), ...(key ? check(world) : [])],
    () => [line('proxy_method POST')],
    () => [line('proxy_pass_request_headers off')],
    () => [line('proxy_set_header Host inner.example')],
    () => [line(`proxy_set_header X-Token ${key?.variable ?? '$host'}`)],
    () => [line('real_ip_header X-Real-IP'), line('set_real_ip_from 127.0.0.0/8')],
    () => [line('client_max_body_size 1k')],
    () => [line('empty_gif')],
    () => [line('limit_rate 100k')],
    () => [line('proxy_intercept_errors on')],
    () => [line('index index.html')],
    () => [line('default_type text/plain')],
    () => [line('secure_link $arg_a')],
    () => [line('valid_referers none a.example')],
    () => [{ text: 'include', file: 'inc/deny.conf', block: [line('deny 127.0.0.2')] }],
    () => [{ text: 'include', file: 'inc/check.conf', block: check(world) }],
  ];
  return random.pick(many)();
}

/** Returns a location, in most cases one that forwards. */
export function location(world: World, parent?: string, depth = 0): Line {
  const { random } = world;
  const head = headOf(world, parent);
  const id = world.next();
  const canHold = depth < 2 && head.sign !== '=';
  const chance = (probability: number, make: () => Line[]) => (random.chance(probability) ? make() : []);
  const inside = head.sign.startsWith('~') ? '~' : head.path;
  const block = [
    ...chance(0.12, () => check(world)),
    ...chance(0.8, () => pass(world, head)),
    ...chance(0.2, () => limit(world)),
    ...chance(0.15, () => addressRules(random)),
    ...chance(0.22, () => oddity(world)),
    ...(canHold ? chance(0.22, () => [location(world, inside, depth + 1)]) : []),
    ...(canHold ? chance(0.08, () => [location(world, inside, depth + 1)]) : []),
  ];
  const mixed = random.chance(0.5) ? block : random.shuffled(block);
  return { text: headText(world, head), id, block: [line(`keepalive_timeout 65 ${id}`), ...mixed] };
}

/** A location that no path leads to. */
export function named(world: World): Line {
  const id = world.next();
  return {
    text: 'location @back',
    id,
    block: [line(`keepalive_timeout 65 ${id}`), line(`proxy_pass ${origin(world)}`)],
  };
}

/** The location that `auth_request` asks. */
export function checking(world: World): Line {
  const id = world.next();
  const { random } = world;
  const block = random.pick([
    () => [line('return 204')],
    () => [...check(world), line('return 204')],
    () => [line('internal'), line(`proxy_pass ${origin(world)}`)],
  ])();
  return {
    text: `location ${random.pick(['=', '', '^~'])} /check`,
    id,
    block: [line(`keepalive_timeout 65 ${id}`), ...block],
  };
}
