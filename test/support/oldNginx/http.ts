import type { Random } from '../../../src/verify/random.ts';
import type { Line } from './print.ts';

export interface Ports {
  /** Where the old servers listen. */
  readonly listen: readonly [number, number];
  /** Where upstreams record. */
  readonly upstreams: readonly [number, number];
}

/** What the `http` block of one configuration defines. */
export interface Defined {
  readonly lines: readonly Line[];
  /** Variables that tell keys, with the header that they look at. */
  readonly keys: readonly { readonly variable: string; readonly header: string }[];
  /** Variables of one look-up that are no keys. */
  readonly tables: readonly string[];
  readonly geos: readonly string[];
}

/** Keys that callers may send. Only some are in a table. */
export const KEYS = [
  'key-of-the-first-caller-01',
  'key-of-the-second-caller-2',
  'Key-Of-The-Third-Caller-03',
  'key-that-nobody-knows-0004',
];
export const HEADERS = ['X-Key', 'X-Other-Key', 'Authorization'];
export const CLIENTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.9'];
const RANGES = [
  '127.0.0.1',
  '127.0.0.2',
  '127.0.0.0/30',
  '127.0.0.0/24',
  '127.0.0.2/31',
  '127.0.0.3/8',
  '127.0.0.8/29',
];

const line = (text: string): Line => ({ text });

/** Rules of addresses, in an order that may not mean what it seems to. */
export function addressRules(random: Random): Line[] {
  const rule = () => line(`${random.pick(['allow', 'allow', 'deny'])} ${random.pick([...RANGES, 'all'])}`);
  const usual = [line(`allow ${random.pick(RANGES)}`), line('deny all')];
  return random.chance(0.6) ? usual : Array.from({ length: 1 + random.below(3) }, rule);
}

function keyTable(random: Random, number: number): { lines: Line; variable: string; header: string } {
  const header = random.pick(HEADERS);
  const scheme = header === 'Authorization' ? 'Bearer ' : '';
  const known = random.shuffled(KEYS.slice(0, 3)).slice(0, 1 + random.below(3));
  const rows = known.map((key) =>
    line(
      `"${random.chance(0.1) ? '\\\\' : ''}${scheme}${key}" ${random.chance(0.08) ? '""' : `token-${KEYS.indexOf(key)}`}`,
    ),
  );
  const odd = [
    line('"~^key-of" "one"'),
    line('hostnames'),
    line('"~*FIRST" $http_x_mode'),
    line('include inc/more-keys.map'),
    line('volatile'),
  ];
  const block = [
    ...(random.chance(0.8) ? [line(`default ${random.pick(['""', '""', '0', '"no"'])}`)] : []),
    ...random.shuffled([...rows, ...(random.chance(0.15) ? [random.pick(odd)] : [])]),
  ];
  const variable = `$caller${number}`;
  return {
    lines: { text: `map $http_${header.toLowerCase().replaceAll('-', '_')} ${variable}`, block },
    variable,
    header,
  };
}

function otherTable(random: Random, number: number): { lines: Line; variable: string } {
  const variable = `$table${number}`;
  const source = random.pick([
    '$uri',
    '$request_method',
    '$http_x_mode',
    '$host',
    '$arg_a',
    '$request_uri',
    '$remote_addr',
  ]);
  const rows = [
    '/a 1',
    '~^/a 1',
    '~*B$ 0',
    'GET 1',
    'POST 0',
    '127.0.0.1 1',
    'one.example 1',
    '*.example 1',
    '.example 0',
    '"" 1',
    'hostnames',
  ];
  const block = [line(`default ${random.pick(['0', '1', '""'])}`), ...random.shuffled(rows).slice(0, 3).map(line)];
  return { lines: { text: `map ${source} ${variable}`, block }, variable };
}

function geo(random: Random, number: number): { lines: Line; variable: string } {
  const variable = `$from${number}`;
  const rows = random.shuffled([...RANGES, '::1/128', '0.0.0.0/0']).slice(0, 1 + random.below(3));
  const odd = random.chance(0.12)
    ? [line(random.pick(['ranges', 'proxy 127.0.0.0/8', 'delete 127.0.0.1', 'include inc/more.geo']))]
    : [];
  const isRanges = odd.some(({ text }) => text === 'ranges');
  const block = [
    ...odd,
    ...(random.chance(0.8) ? [line(`default ${random.pick(['0', '0', '1'])}`)] : []),
    ...(isRanges ? [line('127.0.0.1-127.0.0.2 1')] : rows.map((row) => line(`${row} ${random.pick(['0', '1', '1'])}`))),
  ];
  const source = random.chance(0.1) ? '$arg_from ' : '';
  return { lines: { text: `geo ${source}${variable}`, block }, variable };
}

/** Settings that no request can tell, which are to leave no trace. */
export function upstreamBlocks(random: Random, { upstreams: [one, two] }: Ports): Line[] {
  const more = random.pick(['', '', ' weight=2', ' max_fails=0']);
  return [
    {
      text: 'upstream app',
      block: [line(`server 127.0.0.1:${one}${more}`), ...(random.chance(0.2) ? [line('keepalive 4')] : [])],
    },
    {
      text: 'upstream other_app',
      block: [
        line(`server 127.0.0.1:${two}`),
        ...(random.chance(0.1) ? [line(`server 127.0.0.1:${one} ${random.pick(['down', 'backup'])}`)] : []),
      ],
    },
  ];
}

export function definitions(random: Random, ports: Ports): Defined {
  const some = <T>(most: number, make: (number: number) => T): T[] =>
    Array.from({ length: random.below(most + 1) }, (_, index) => make(index));
  const keys = some(2, (number) => keyTable(random, number));
  const tables = some(1, (number) => otherTable(random, number));
  const geos = some(2, (number) => geo(random, number));
  const lines = [...upstreamBlocks(random, ports), ...[...keys, ...tables, ...geos].map((one) => one.lines)];
  return {
    lines: random.shuffled(lines),
    keys: keys.map(({ variable, header }) => ({ variable, header })),
    tables: tables.map(({ variable }) => variable),
    geos: geos.map(({ variable }) => variable),
  };
}
