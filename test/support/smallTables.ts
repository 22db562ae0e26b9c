import type { Random } from '../../src/verify/random.ts';
import { type Engine, type Made, specFiles } from './proofs.ts';

/** A proxy that small tables decide for, whatever its spec says. */
const SPEC = `version: 1
name: small
upstreams: { up: { url: http://up.example.com } }
routes: { read: { upstream: up, auth: passthrough, allow: [GET /a, "POST /a/{x}"] } }
proxies: { api: { listen: 8080, ipRanges: any } }
targets: { nginx: {}, caddy: {} }
`;

/** Hand-written files with a few random tables of all kinds, which choose among a few answers. */
export function smallTables(engine: Engine, random: Random): Made {
  const { policy } = specFiles(SPEC, engine);
  const writer = engine === 'nginx' ? nginxText : caddyText;
  const path = engine === 'nginx' ? 'nginx/nginx.conf' : 'caddy/Caddyfile';
  return { engine, policy, files: [{ path, text: writer(random) }] };
}

const HEADERS = ['X-A', 'X-B', 'X-C'];
const WORDS = ['a', 'b', 'ab', 'A', 'aB', 'a-b', '1', '11', 'a1', 'b b', 'k', 's'];

interface Grammar {
  readonly possessive: boolean;
}

/** A small expression. What is repeated always takes at least one byte. */
function expression(random: Random, grammar: Grammar): string {
  const begin = random.chance(0.7) ? '^' : '';
  const end = random.chance(0.6) ? (grammar.possessive ? random.pick(['\\z', '$']) : '$') : '';
  const fold = random.chance(grammar.possessive ? 0.15 : 0.03) ? '(?i)' : '';
  return `${fold}${begin}${alternatives(random, grammar, 2)}${end}`.replace(/^(.*)\|(.*)$/, (whole) =>
    begin + end === ''
      ? whole
      : `${fold}${begin}(?:${whole.slice(fold.length + begin.length, whole.length - end.length)})${end}`,
  );
}

function alternatives(random: Random, grammar: Grammar, depth: number): string {
  return Array.from({ length: random.pick([1, 1, 2, 3]) }, () => sequence(random, grammar, depth)).join('|');
}

/** The first item is never repeated nothing times. */
function sequence(random: Random, grammar: Grammar, depth: number): string {
  const length = 1 + random.below(3);
  return Array.from({ length }, (_, index) => {
    const own = atom(random, grammar, depth);
    return own + (index === 0 ? random.pick(['', '', '+']) : quantifier(random, grammar));
  }).join('');
}

function quantifier(random: Random, { possessive }: Grammar): string {
  const own = random.pick(['', '', '+', '*', '?', '{2}', '{1,2}', '{0,2}']);
  return own === '' ? own : own + random.pick(['', '', '?', possessive && own !== '{2}' ? '+' : '']);
}

function atom(random: Random, grammar: Grammar, depth: number): string {
  const roll = random.below(depth > 0 ? 12 : 9);
  if (roll < 5) return random.pick(['a', 'b', 'A', '1', '-', 'k', 's', ' ']);
  // RE2 counts characters where a proof counts bytes, so that the reader understands none of these in Caddy.
  const wide = grammar.possessive ? ['[^a]', '[^ab-]', '.'] : [];
  if (roll < 8) return random.pick(['[ab]', '[a-c1]', '[A-Z]', '[0-9]', '[.-]', ...wide]);
  if (roll === 8) return '[.]';
  if (roll === 9 && grammar.possessive)
    return `(?${random.pick(['=', '!'])}${sequence(random, grammar, 0)})${random.pick(['a', 'b', '.'])}`;
  return `(?:${alternatives(random, grammar, depth - 1)})`;
}

const CIDRS = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.3/32',
  '192.0.2.0/25',
  '2001:db8::/32',
  '2001:db8:1::/48',
  '::/0',
  '0.0.0.0/1',
];

function some<T>(random: Random, items: readonly T[], most: number): T[] {
  return random.shuffled(items).slice(0, 1 + random.below(most));
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

function nginxText(random: Random): string {
  const count = 2 + random.below(4);
  const quoted = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;
  const before = (number: number) => range(number).map((each) => `\${t${each}}`);
  const inputs = [...HEADERS.map((name) => `\${http_${name.toLowerCase().replace('-', '_')}}`), '${net}'];
  const value = (number: number) =>
    random.pick([...WORDS.slice(0, 4), '', ...before(number), `x${random.pick(['a', ...before(number)])}`]);
  const table = (number: number) => {
    const sources = random.chance(0.1)
      ? '$host'
      : some(random, [...inputs, ...before(number)], 2).join(random.pick(['', ' ', '-']));
    const keys = new Map(some(random, ['', ...WORDS], 4).map((key) => [key.toLowerCase(), key]));
    const expressions = range(random.below(4)).map(
      () => `~${random.chance(0.2) ? '*' : ''}${expression(random, { possessive: true })}`,
    );
    const rows = random
      .shuffled([...keys.values(), ...new Set(expressions)])
      .map((key) => `${quoted(key)} "${value(number)}";`);
    const fallback = random.chance(0.7) ? `default "${value(number)}"; ` : '';
    return `map "${sources}" $t${number} { ${fallback}${rows.join(' ')} }`;
  };
  const tables = range(count).map(table);
  const places = some(random, ['', ...WORDS.slice(0, 6)], 4).map((word) => {
    const shown = random.pick(['ok', ...before(count).map((each) => `${each}|`)]);
    return `location = "/./${word}" { internal; client_max_body_size 0; return ${random.pick([200, 403, 404, 503])} "${shown}"; }`;
  });
  return `worker_processes 1;
pid nginx.pid;
error_log stderr emerg;
events { }
http {
    server_tokens off;
    ignore_invalid_headers on;
    underscores_in_headers off;
    map_hash_bucket_size 256;
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
    geo $client $net { ${random
      .shuffled(['default', ...some(random, CIDRS, 5)])
      .map((cidr) => `${cidr} "${random.pick(['', 'a', 'b', '11'])}";`)
      .join(' ')} }
    ${tables.join('\n    ')}
    server {
        listen 8080 default_server;
        access_log off;
        set $client $remote_addr;
        rewrite "^(?!/[.]/)" "/./$t${count - 1}" last;
        ${places.join('\n        ')}
        location / { return 421 "nowhere"; }
    }
}
`;
}

function caddyText(random: Random): string {
  const count = 2 + random.below(4);
  const quoted = (text: string) => `"${text.replace(/"/g, '\\"')}"`;
  const before = (number: number) => range(number).flatMap((each) => [`{request.t${each}}`, `{http.vars.v${each}}`]);
  const inputs = HEADERS.map((name) => `{http.request.header.${name}}`);
  const value = (number: number) =>
    random.pick([...WORDS.slice(0, 4), '', ...before(number), `x${random.pick(['a', ...before(number)])}`]);
  const row = (number: number): readonly [string, string] => {
    if (random.chance(0.5)) return [random.pick(['', ...WORDS]), value(number)];
    const own = expression(random, { possessive: false });
    if (random.chance(0.6)) return [`~${own}`, random.pick(WORDS)];
    return [
      `~^(${random.pick(['[^-]+', '[a-c1]+', '[^ ]*', 'a[^-]*', 'a|b', 'k'])})${random.pick(['$', '$', '-'])}`,
      random.pick(['$1', 'x$1']),
    ];
  };
  const table = (number: number) => {
    const source = some(random, [...inputs, ...before(number)], 2).join(random.pick(['', ' ', '-']));
    const rows = new Map(range(1 + random.below(5)).map(() => row(number)));
    const lines = [...rows].map(([input, output]) => `\t\t\t${quoted(input)} ${quoted(output)}`);
    const fallback = random.chance(0.7) ? [`\t\t\tdefault ${quoted(random.pick([...WORDS.slice(0, 4), '']))}`] : [];
    const condition = random.chance(0.3) ? `@m${random.below(4)} ` : '';
    return `\t\tmap "${source}" {request.t${number}} {\n${[...lines, ...fallback].join('\n')}\n\t\t}\n\t\tvars ${condition}v${number} {request.t${number}}`;
  };
  const matcher = (): string =>
    random.pick([
      () =>
        `vars ${random.pick([...before(2).slice(0, 2), 'v0', 'v1'])} ${some(random, WORDS.slice(0, 7), 3).map(quoted).join(' ')}`,
      () => `vars_regexp v${random.below(2)} ${quoted(expression(random, { possessive: false }))}`,
      () => `header ${random.pick(HEADERS)} ${random.pick(['*', 'a', 'ab'])}`,
      () => `header !${random.pick(HEADERS)}`,
      () => `client_ip ${some(random, CIDRS, 3).join(' ')}`,
    ])();
  const matchers = range(4).map((number) => {
    const own = new Map(range(1 + random.below(2)).map(() => [matcher(), random.chance(0.4)] as const));
    const kinds = new Set([...own.keys()].map((line) => line.split(' ')[0]));
    const kept = kinds.size < own.size ? [...own].slice(0, 1) : [...own];
    const lines = kept.map(([line, isNot]) => `${isNot ? 'not ' : ''}${line}`);
    return `\t\t@m${number} {\n${lines.map((line) => `\t\t\t${line}`).join('\n')}\n\t\t}`;
  });
  const answer = (place: string) =>
    random.chance(0.5)
      ? `respond @m${random.below(4)} ${quoted(`${place}${random.pick(['', ...before(count)])}`)} ${random.pick([200, 403, 404])}`
      : `error @m${random.below(4)} ${quoted(place)} ${random.pick([403, 404, 503])}`;
  const last = random.chance(0.5)
    ? 'respond "last" 421'
    : `route @m0 {\n\t\t\t${answer('inside')}\n\t\t}\n\t\trespond "last" 421`;
  return `{
	admin off
	persist_config off
	auto_https off
	servers tcp4/0.0.0.0:8080 {
		protocols h1
		max_header_size 12288
	}
}

http://:8080 {
	bind tcp4/0.0.0.0
	route {
${matchers.join('\n')}
${range(count).map(table).join('\n')}
		${answer('one')}
		${answer('two')}
		${last}
	}
	handle_errors {
		respond "error" {http.error.status_code}
	}
}
`;
}
