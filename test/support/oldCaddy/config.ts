import type { Random } from '../../../src/verify/random.ts';

/** A directive of a Caddyfile; with `block`, braces follow. */
export interface Line {
  readonly text: string;
  readonly block?: readonly Line[];
}

export interface Ports {
  /** Where the old sites listen. */
  readonly listen: number;
  /** Where upstreams record. */
  readonly upstreams: readonly [number, number];
}

interface World {
  readonly random: Random;
  readonly ports: Ports;
}

export const NAMES = ['one.example', 'two.example', 'three.example'];
const PATHS = ['/a', '/a/*', '/a/b', '/a/b/*', '/a*', '/b/*', '/b', '/A/*', '*', '/', '/*', '/a/b/c', '/*/b', '*.php'];
const METHODS = ['GET', 'POST', 'GET POST', 'DELETE', 'HEAD', 'get'];
const ADDRESSES = ['127.0.0.1', '127.0.0.0/30', '127.0.0.0/8', '127.0.0.2 127.0.0.3', 'private_ranges', '10.0.0.0/8'];

const line = (text: string, block?: readonly Line[]): Line => ({ text, ...(block && { block }) });

function paths(random: Random): string {
  return random.chance(0.75) ? random.pick(PATHS) : `${random.pick(PATHS)} ${random.pick(PATHS)}`;
}

/** One condition of a matcher. */
function condition(random: Random): string {
  const usual: readonly (() => string)[] = [
    () => `path ${paths(random)}`,
    () => `path ${paths(random)}`,
    () => `method ${random.pick(METHODS)}`,
    () => `${random.pick(['remote_ip', 'client_ip'])} ${random.pick(ADDRESSES)}`,
    () => `not ${random.pick(['remote_ip', 'client_ip'])} ${random.pick(ADDRESSES)}`,
  ];
  const odd: readonly (() => string)[] = [
    () => `not path ${paths(random)}`,
    () => `not method ${random.pick(METHODS)}`,
    () => `path_regexp ${random.pick(['^/a', 'x ^/b/(.*)$'])}`,
    () => 'header X-Mode a',
    () => 'query a=b',
    () => `host ${random.pick(NAMES)}`,
    () => 'protocol http',
    () => "expression `{method} == 'GET'`",
    () => `expression path('${random.pick(['/a/*', '/b'])}')`,
    () => 'vars {path} /a',
    () => 'file /nothing',
  ];
  return random.pick(random.chance(0.8) ? usual : odd)();
}

const MATCHERS = ['@one', '@two'];

function matchers({ random }: World): Line[] {
  return MATCHERS.map((name) => {
    if (random.chance(0.5)) return line(`${name} ${condition(random)}`);
    const block = Array.from({ length: 1 + random.below(2) }, () => {
      const inner = condition(random).replace(/^not (.*)$/, (whole, text: string) =>
        random.chance(0.3) ? `not {\n${text}\n}` : whole,
      );
      return line(inner);
    });
    return line(name, block);
  });
}

function matcher(random: Random): string {
  if (random.chance(0.3)) return '';
  return random.chance(0.5) ? ` ${random.pick(MATCHERS)}` : ` ${random.pick(PATHS)}`;
}

/** Forwards; the upstream hears from where, as the number of the line is put in later. */
function pass({ random, ports }: World): Line {
  const to = random.pick(ports.upstreams);
  const target = random.pick([`127.0.0.1:${to}`, `http://127.0.0.1:${to}`]);
  const more = random.chance(0.1)
    ? [
        line(
          random.pick([
            'rewrite /a',
            'method POST',
            'header_up Host inner.example',
            'lb_policy first',
            'flush_interval -1',
          ]),
        ),
      ]
    : [];
  return line(`reverse_proxy${matcher(random)} ${target}`, [line('header_up X-Line LINE'), ...more]);
}

function refusal(random: Random): Line {
  const own = matcher(random);
  return line(random.pick([`respond${own} 403`, `abort${own}`, `error${own} 404`, `respond${own} "no" 401`]));
}

function change(random: Random): Line {
  const own = matcher(random);
  return line(
    random.pick([
      `uri${own} strip_prefix /a`,
      `uri${own} replace /a /b`,
      `rewrite${own} /b`,
      `rewrite${own} * /a{uri}`,
      `method${own} GET`,
      `redir${own} /b`,
      `redir${own} https://{host}{uri}`,
      `respond${own} "hello" 200`,
      `vars${own} x 1`,
      `file_server${own}`,
      `try_files {path} /a`,
      `header${own} X-More 1`,
      `request_body${own} {\nmax_size 1MB\n}`,
      'encode gzip',
      `forward_auth${own} 127.0.0.1:1 {\nuri /x\n}`,
      'import given',
      'import args /a/*',
      `map {path} {x} {\n/a 1\n}`,
      `intercept {\n}`,
      `invoke named`,
      `skip_log${own}`,
      `templates${own}`,
    ]),
  );
}

/** What a site or a group in it does. */
function body(world: World, depth: number): Line[] {
  const { random } = world;
  const count = 1 + random.below(3);
  const lines = Array.from({ length: count }, (): Line => {
    const roll = random.below(20);
    if (roll < 9 || (roll < 14 && depth > 1)) return pass(world);
    if (roll < 14) {
      const head = random.pick([
        `handle${matcher(random)}`,
        `handle${matcher(random)}`,
        `route${matcher(random)}`,
        `handle_path ${random.pick(['/a/*', '/b*', '/a'])}`,
      ]);
      return line(head, body(world, depth + 1));
    }
    return roll < 17 ? refusal(random) : change(random);
  });
  const own = depth === 0 || random.chance(0.2) ? matchers(world) : [];
  return random.shuffled([...own, ...lines]);
}

/** Returns the lines of a Caddyfile. */
export function oldCaddyfile(random: Random, ports: Ports): readonly Line[] {
  const world = { random, ports };
  const address = (name: string) => `http://${name}:${ports.listen}`;
  const names = random.shuffled(NAMES).slice(0, 1 + random.below(2));
  const together = names.length > 1 && random.chance(0.3) ? [names.map(address).join(', ')] : names.map(address);
  const all = [`:${ports.listen}`];
  const heads = random.chance(0.15) ? all : random.chance(0.15) ? [...together, ...all] : together;
  const usual = random.chance(0.3)
    ? [line('@others not remote_ip 127.0.0.0/30'), line(`${random.pick(['abort', 'respond'])} @others${''}`)]
    : [];
  return [
    line('', [line('admin off'), line('auto_https off')]),
    line('(given)', body(world, 1)),
    line('(args)', [line(`reverse_proxy {args[0]} 127.0.0.1:${ports.upstreams[0]}`, [line('header_up X-Line LINE')])]),
    line('&(named)', [line(`reverse_proxy 127.0.0.1:${ports.upstreams[1]}`, [line('header_up X-Line LINE')])]),
    ...heads.map((head) => line(head, [...usual, ...body(world, 0)])),
  ];
}

export interface Printed {
  readonly text: string;
  /** By line of a `reverse_proxy`, the lines of the blocks around it, itself last. */
  readonly around: ReadonlyMap<number, readonly number[]>;
}

export function printed(lines: readonly Line[]): Printed {
  const out: string[] = [];
  const around = new Map<number, readonly number[]>();
  const write = (list: readonly Line[], outer: readonly number[]): void => {
    for (const { text, block } of list) {
      const number = out.length + 1;
      const indent = '  '.repeat(outer.length);
      const shown = text
        .replace('LINE', String(outer.at(-1) ?? 0))
        .split('\n')
        .map((row) => indent + row);
      if (!block) {
        out.push(...shown);
        continue;
      }
      out.push(`${indent}${text} {`.replace(/^ \{/, '{'));
      if (text.startsWith('reverse_proxy')) around.set(number, [...outer, number]);
      write(block, [...outer, number]);
      out.push(`${indent}}`);
    }
  };
  write(lines, []);
  return { text: `${out.join('\n')}\n`, around };
}
