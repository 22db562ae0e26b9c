import type { Random } from '../../../src/verify/random.ts';
import { addressRules, definitions, type Ports } from './http.ts';
import { check, checking, location, named, type World } from './location.ts';
import { type Line, type Printed, printed } from './print.ts';

export interface OldConfig extends Printed {
  readonly lines: readonly Line[];
}

const line = (text: string): Line => ({ text });

const NAMES = [
  'one.example',
  'two.example',
  'ONE.example',
  '*.example',
  '.two.example',
  'one.*',
  '~^(one|two)\\.example$',
  '_',
  '""',
  'localhost',
  'inner',
];

/** Names that a client asks for, whatever the servers are called. */
export const HOSTS = [
  'one.example',
  'two.example',
  'x.example',
  'one.test',
  'localhost',
  'inner',
  '127.0.0.1',
  'One.Example:80',
  'one.example.',
];

function listens(random: Random, { listen: [first, second] }: Ports): Line[] {
  const port = random.chance(0.8) ? first : second;
  const address = random.pick(['', '', '127.0.0.1:', '*:', '0.0.0.0:', 'localhost:']);
  const more = random.chance(0.25) ? ' default_server' : '';
  const other = random.chance(0.08) ? [line(`listen ${port === first ? second : first}`)] : [];
  return [line(`listen ${address}${port}${more}`), ...other];
}

function serverChecks(world: World): Line[] {
  const { random, defined } = world;
  const chance = (probability: number, make: () => Line[]) => (random.chance(probability) ? make() : []);
  const [key] = defined.keys;
  const [geo] = defined.geos;
  return [
    ...chance(0.35, () => addressRules(random)),
    ...(key ? chance(0.45, () => [{ text: `if (${key.variable} = "")`, block: [line('return 401')] }]) : []),
    ...(geo ? chance(0.4, () => [{ text: `if (${geo} = 0)`, block: [line('return 403')] }]) : []),
    ...(key
      ? chance(0.5, () => [
          line(
            `proxy_set_header ${random.pick(['PRIVATE-TOKEN', 'X-Token', 'Authorization'])} ${random.chance(0.3) ? `"Bearer ${key.variable}"` : key.variable}`,
          ),
        ])
      : []),
    ...chance(0.06, () => check(world)),
    ...chance(0.05, () => [
      line('set_real_ip_from 127.0.0.0/30'),
      line(`real_ip_header ${random.pick(['X-Forwarded-For', 'X-Real-IP'])}`),
    ]),
    ...chance(0.04, () => [line('auth_basic realm'), line('auth_basic_user_file users')]),
    ...chance(0.04, () => [line('satisfy any')]),
    ...chance(0.04, () => [line('error_page 401 403 404 = /b')]),
    ...chance(0.03, () => [line('error_page 500 502 /50x.html')]),
    ...chance(0.04, () => [line('merge_slashes off')]),
    ...chance(0.03, () => [line('break')]),
    ...chance(0.03, () => [line('auth_request /check')]),
    ...chance(0.02, () => [line('rewrite ^/secret/(.*)$ /a/$1')]),
    ...chance(0.03, () => [line('root /nowhere')]),
    ...chance(0.03, () => [line('server_tokens off')]),
    ...chance(0.03, () => [line('underscores_in_headers on')]),
  ];
}

function server(world: World): Line {
  const { random } = world;
  const names = random.chance(0.6)
    ? [
        line(
          `server_name ${random
            .shuffled(random.chance(0.6) ? NAMES.slice(0, 2) : NAMES)
            .slice(0, 1 + random.below(2))
            .join(' ')}`,
        ),
      ]
    : [];
  const places = Array.from({ length: 1 + random.below(6) }, () => location(world));
  const distinct = places.filter(({ text }, index) => places.findIndex((one) => one.text === text) === index);
  const all = [...distinct, named(world), checking(world)];
  const included = random.chance(0.1) ? [{ text: '', file: `inc/places-${world.next()}.conf`, block: all }] : all;
  return { text: 'server', block: [...listens(random, world.ports), ...names, ...serverChecks(world), ...included] };
}

/** Returns a random configuration of one or a few servers, as somebody may have written it over the years. */
export function oldConfig(random: Random, ports: Ports): OldConfig {
  const defined = definitions(random, ports);
  let last = 0;
  const world: World = { random, ports, defined, next: () => (last += 1) };
  const chance = (probability: number, make: () => Line[]) => (random.chance(probability) ? make() : []);
  const servers = Array.from({ length: random.chance(0.6) ? 1 : 2 + random.below(2) }, () => server(world));
  const http = {
    text: 'http',
    block: [
      line('access_log off'),
      ...defined.lines,
      ...chance(0.12, () => addressRules(random)),
      ...chance(0.05, () => [
        line('set_real_ip_from 127.0.0.1'),
        line('real_ip_header X-Forwarded-For'),
        line('real_ip_recursive on'),
      ]),
      ...chance(0.03, () => [line('auth_basic realm'), line('auth_basic_user_file users')]),
      ...chance(0.03, () => [line('satisfy any')]),
      ...servers,
    ],
  };
  const lines = [line('worker_processes 1'), { text: 'events', block: [] }, http];
  return { ...printed(lines), lines };
}
