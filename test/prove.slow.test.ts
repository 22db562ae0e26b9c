import { existsSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from '../src/policy/cidr.ts';
import { includes } from '../src/prove/language.ts';
import { matching } from '../src/prove/matching.ts';
import { Partition } from '../src/prove/partition.ts';
import { shownRequest } from '../src/prove/witness.ts';
import { randomOf } from '../src/verify/random.ts';
import { engineSuite } from './engines/suite.ts';
import { edited, exampleFiles, PROVED_SPEC, proof, specFiles, told } from './support/proofs.ts';
import { inWorkspace } from './support/workspace.ts';

const languages = suite('languages of expressions');

/** PCRE in JavaScript's words: what is possessive is looked ahead at and then taken as it was found. */
const EXPRESSIONS: readonly (readonly [pcre: string, javascript: string])[] = [
  ['^(?:a|ab)*+c', '^(?=((?:a|ab)*))\\1c'],
  ['^(?:ab?+)++b', '^(?=((?:a(?=(b?))\\2)+))\\1b'],
  ['a*+ab|b', '(?=(a*))\\1ab|b'],
  ['x(?!ab)[a-c]{1,2}\\z', 'x(?!ab)[a-c]{1,2}$'],
  ['^(?=(?:a|b)+c)[ab]{2,3}?c', '^(?=(?:a|b)+c)[ab]{2,3}?c'],
  ['^(?!.*aa)[^x]{0,4}\\z', '^(?!.*aa)[^x]{0,4}$'],
  ['^(?i:AB)c', '^[aA][bB]c'],
  ['^[^\\s\\S]|b$', '^[^\\s\\S]|b$'],
  ['^\\Qa.b\\E|[a-b]x+\\z', '^a\\.b|[a-b]x+$'],
];

for (const [pcre, javascript] of EXPRESSIONS) {
  languages(pcre, () => {
    const language = matching(pcre, 'pcre');
    if ('problem' in language) throw new Error(language.problem);
    const regex = new RegExp(javascript);
    const check = (text: string) => {
      assert.is(includes(language, text), regex.test(text), JSON.stringify(text));
      if (text.length < 6) for (const next of 'abcx.') check(text + next);
    };
    check('');
  });
}

languages('what is not understood is a problem', () => {
  for (const source of ['(?<=a)b', '\\d', 'a**', '[[:alpha:]]', '(a)\\1', '(?:a?)*', '(', 'a)', '[b-a]'])
    assert.ok('problem' in matching(source, 'pcre'), source);
});

languages('RE2 takes two characters beyond ASCII for letters of a class where it ignores case', () => {
  const language = matching('^(?i)[a-kx][^/]?$', 're2');
  if ('problem' in language) throw new Error(language.problem);
  const [kelvin, longS] = ['\xe2\x84\xaa', '\xc5\xbf'];
  assert.ok(['k', 'K', kelvin, `${kelvin}a`, 'Xa'].every((text) => includes(language, text)));
  assert.not.ok(['s', longS, `k${kelvin}`, 'k/'].some((text) => includes(language, text)));
  // A byte of a character is no character.
  assert.ok('problem' in matching('^(?i)[^k]$', 're2'));
});

languages('states of random automata are told apart as texts tell them apart', () => {
  const random = randomOf('automata');
  for (let number = 0; number < 300; number++) {
    const [count, columns] = [1 + random.below(12), 1 + random.below(3)];
    const next = Int32Array.from({ length: count * columns }, () => random.below(count));
    const accepts = Uint8Array.from({ length: count }, () => (random.chance(0.3) ? 1 : 0));
    const blocks = new Partition({ columns, next, accepts }).blocks();
    /** Whether some text is accepted from one of two states only. */
    const isTold = (one: number, other: number): boolean => {
      const seen = new Set<number>();
      const open = [[one, other] as const];
      for (const [left, right] of open) {
        if (accepts[left] !== accepts[right]) return true;
        if (seen.has(left * count + right)) continue;
        seen.add(left * count + right);
        for (let column = 0; column < columns; column++)
          open.push([next[left * columns + column] ?? 0, next[right * columns + column] ?? 0]);
      }
      return false;
    };
    for (let one = 0; one < count; one++)
      for (let other = 0; other < one; other++) assert.is(blocks[one] !== blocks[other], isTold(one, other));
  }
});

languages.run();

const proofs = suite('proofs');
const runner = exampleFiles('runner', 'nginx');

proofs('the runner example is proved', () => assert.is(proof(runner).kind, 'proved'));
proofs('a Caddyfile is proved', () => {
  const own = specFiles(PROVED_SPEC, 'caddy');
  assert.is(told(proof(own), own), 'proved');
});
for (const name of ['gitlab-proxy', 'dependency-proxy'])
  proofs(`the ${name} example is proved`, () => assert.is(proof(exampleFiles(name, 'nginx')).kind, 'proved'));

proofs('a request to a proxy on an IPv6 address is shown with brackets', () => {
  const [proxy] = runner.policy.proxies;
  const client = parseAddress('::1');
  assert.ok(proxy && client);
  const request = {
    method: 'GET',
    target: '/',
    headers: [],
    client,
    credential: { kind: 'missing' },
    at: 0,
    isNow: true,
  } as const;
  assert.match(
    shownRequest(request, { ...proxy, listen: { address: '::1', port: 8080 } }),
    / 'http:\/\/\[::1\]:8080\/' /,
  );
});

const CONFIRMED = `version: 1
name: demo
upstreams: { up: { url: https://up.example.com } }
routes: { read: { upstream: up, allow: [GET /a] } }
apiKeys: { one: { key: env:A, token: env:T } }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
targets: { nginx: {} }
`;

const BEHIND = CONFIRMED.replace(
  '[10.0.0.0/8]',
  '[10.0.0.0/8], clientIp: { trustedProxies: [192.0.2.0/24], proxyProtocol: true }',
).replace('nginx: {}', 'nginx: {}, caddy: {}');

for (const engine of ['nginx', 'caddy'] as const)
  proofs(`addresses of the PROXY protocol are taken from the proxies of the spec on ${engine}`, () => {
    const own = specFiles(BEHIND, engine);
    assert.is(told(proof(own), own), 'proved');
    assert.match(edited(own, '192.0.2.0/24', '192.0.0.0/16'), /^cannot tell: .* the PROXY protocol/);
    assert.match(edited(own, 'proxy_protocol', ''), /^cannot tell/);
  });

proofs('a path with a dollar sign is proved on nginx', () => {
  const own = specFiles(CONFIRMED.replace('GET /a', "'GET /$a/{id:int}'"), 'nginx');
  assert.is(told(proof(own), own), 'proved');
  assert.match(edited(own, 'default "$";', 'default "x";'), /404 instead of/);
  assert.match(edited(own, 'default "$";', 'default "$"; 10.0.0.0/8 "x";'), /^cannot tell/);
});

proofs('the rest of a path behind a parameter that ends what tables look up is proved on nginx', () => {
  const allow = '["GET /a/b/c/d/e/f/g/{h:slug}/{rest*}", "GET /{k}/42/{rest*}", "GET /l/{m:int*}/"]';
  const more = PROVED_SPEC.replace(
    'apiKeys:',
    `  deep: { upstream: gitlab, auth: passthrough, allow: ${allow} }\napiKeys:`,
  );
  const own = specFiles(more, 'nginx');
  assert.is(told(proof(own), own), 'proved');
  assert.match(
    edited(own, '(?<rest_10>(?:/[^/]++)++)', '(?<rest_10>(?:/[^/]++){1,2}+)'),
    /instead of 404|404 instead of/,
  );
});

proofs('a long list of addresses is proved on Caddy', () => {
  const ranges = Array.from({ length: 301 }, (_, number) => `10.0.${number >> 7}.${(number << 1) & 255}`);
  const own = specFiles(CONFIRMED.replace('10.0.0.0/8', ranges.join()).replace('nginx', 'caddy'), 'caddy');
  assert.is(told(proof(own), own), 'proved');
  assert.match(edited(own, '"~^10[.]0[.]', '"~^1[01][.]0[.]'), /401 instead of 403/);
});

proofs('a group that is not there is empty on Caddy', () => {
  const own = specFiles(CONFIRMED.replace('nginx', 'caddy'), 'caddy');
  assert.match(edited(own, 'GET=([^ ]+)" "$1"', 'GET=([^ ]+)" "$2"'), /^GET \/a: 405 instead of forwarding$/);
});

proofs('a key that is led elsewhere than its like is found', () => {
  const keys = ['one', 'two', 'three'].map((id) => `${id}: { key: env:K_${id}, token: env:T_${id} }`);
  const spec = CONFIRMED.replace('one: { key: env:A, token: env:T }', keys.join());
  const files = { nginx: specFiles(spec, 'nginx'), caddy: specFiles(spec.replace('nginx: {}', 'caddy: {}'), 'caddy') };
  assert.match(edited(files.caddy, 'one|three|two', 'one|three'), /403 instead of/);
  assert.match(edited(files.nginx, '"three" "*"', '"three" ""'), /403 instead of/);
});

proofs('without proxies nothing is proved, and that is said', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', 'version: 1\nname: demo\ntargets: { nginx: {} }\n');
    const { status, stdout, stderr } = await run('prove');
    assert.is(status, 2);
    assert.match(stdout + stderr, /the spec has no proxies, so that there is nothing to prove/);
  }),
);

proofs('nothing is written that is not proved', () =>
  inWorkspace(async ({ path, run, write }) => {
    const unproved = async (spec: string) => {
      write('postern.yaml', spec);
      const { status, stdout, stderr } = await run('generate --prove');
      assert.is(status, 2);
      assert.is(existsSync(`${path}/generated`), false);
      return stdout + stderr;
    };
    assert.match(await unproved(CONFIRMED.replace('nginx: {}', 'vault: {}')), /no target whose files can/);
    write('postern.yaml', CONFIRMED);
    const { status, stdout } = await run('generate --prove --format json');
    assert.is(status, 0);
    const [{ proxy, result }] = JSON.parse(stdout).proofs;
    assert.equal({ proxy, result }, { proxy: 'api', result: 'proved' });
    assert.match((await run('generate --prove')).stderr, /proved to decide what the spec says/);
  }),
);

proofs.run();

const { test: confirming, engines } = await engineSuite('differences on the real engine', ['nginx', 'caddy']);

confirming('are tried where that is asked for, and said to be only then', () =>
  inWorkspace(async ({ run, write, read }) => {
    write('postern.yaml', CONFIRMED);
    await run('generate');
    const maps = read('generated/nginx/maps.conf');
    write('generated/nginx/maps.conf', maps.replace('10.0.0.0/8 ""', '10.0.0.0/7 ""'));
    const plain = await run('prove');
    assert.is(plain.status, 1);
    assert.not.match(plain.stdout, /confirmed/);
    const env = { POSTERN_NGINX: engines.nginx.path };
    const { status, stdout } = await run('prove --confirm', { env });
    assert.is(status, 1);
    assert.match(stdout, /: 401 instead of 403 \(location = .*; confirmed on nginx: 401 instead of 403\)/);
    assert.match(stdout, /nginx\/api.conf:\d+:\d+: decided here/);
    const said = JSON.parse((await run('prove --confirm --format json', { env })).stdout);
    const { difference } = said.proofs[0];
    assert.is(difference.tried.result, 'confirmed');
    assert.match(difference.spec, /^postern.yaml:\d+:\d+$/);
    assert.match(read(`generated/${difference.file}`).split('\n')[difference.line - 1] ?? '', /location/);
  }),
);

const TRIED: readonly (readonly [file: string, from: string, to: string, told: string])[] = [
  [
    'api',
    'client_max_body_size 8388608;',
    'client_max_body_size 8388609;',
    'forwarded to up.example.com:443 instead of 413',
  ],
  ['api', 'proxy_ssl_server_name on;', '', 'no name in TLS instead of up.example.com'],
  ['upstreams', 'upstream "up" {', 'upstream "op" {', '502 instead of forwarding'],
];

for (const [file, from, to, told] of TRIED)
  confirming(`are tried: ${from} → ${to}`, () =>
    inWorkspace(async ({ run, write, read }) => {
      write('postern.yaml', CONFIRMED.replace('[GET /a]', '[POST /a], maxBody: 8MB'));
      await run('generate');
      const own = read(`generated/nginx/${file}.conf`);
      assert.ok(own.includes(from));
      write(`generated/nginx/${file}.conf`, own.replace(from, to));
      const { stdout } = await run('prove --confirm', { env: { POSTERN_NGINX: engines.nginx.path } });
      assert.ok(stdout.includes(`confirmed on nginx: ${told}`), stdout);
    }),
  );

const WRITING = CONFIRMED.replace('nginx: {}', 'nginx: { writable: PATH }, caddy: { writable: PATH }');

for (const [engine, file, from] of [
  ['nginx', 'maps.conf', '10.0.0.0/8 ""'],
  ['caddy', 'Caddyfile', 'not client_ip 10.0.0.0/8'],
] as const)
  confirming(`${engine}: where what runs writes, the trial writes nothing`, () =>
    inWorkspace(async ({ path, run, write, read }) => {
      write('own/nginx.pid', '1\n');
      write('postern.yaml', WRITING.replaceAll('PATH', `${path}/own`));
      await run('generate');
      const own = read(`generated/${engine}/${file}`);
      assert.ok(own.includes(from));
      write(`generated/${engine}/${file}`, own.replace(from, from.replace('/8', '/7')));
      const env = { [`POSTERN_${engine.toUpperCase()}`]: engines[engine].path };
      const { stdout } = await run(`prove --confirm --engine ${engine}`, { env });
      assert.match(stdout, new RegExp(`confirmed on ${engine}: 401 instead of 403`));
      assert.equal([readdirSync(`${path}/own`), read('own/nginx.pid')], [['nginx.pid'], '1\n']);
    }),
  );

confirming('what runs is read as "nginx -T" prints it', () =>
  inWorkspace(async ({ path, run, write, read }) => {
    write('postern.yaml', CONFIRMED);
    await run('generate');
    const others = readdirSync(`${path}/generated/nginx`).filter(
      (name) => /\.conf$/.test(name) && name !== 'nginx.conf',
    );
    const names = ['nginx.conf', ...others];
    const live = names.map((name) => `# configuration file /etc/x/${name}:\n${read(`generated/nginx/${name}`)}`);
    write('live.txt', live.join('\n'));
    assert.is((await run('prove --live nginx=live.txt')).status, 0);
    write('live.txt', live.join('\n').replace('10.0.0.0/8 ""', '0.0.0.0/0 ""'));
    assert.match((await run('prove --live nginx=live.txt')).stdout, /401 instead of 403/);
    const { stdout } = await run('diff --live nginx=live.txt');
    assert.match(stdout, /what the difference does: 401 instead of 403 \[diff\/shown-by\]\n[\s\S]*hint: curl /);
    write('live.txt', live.join('\n').replace('keepalive 64', 'keepalive 65'));
    assert.match((await run('diff --live nginx=live.txt')).stdout, /decided as the spec does; something else differs/);
    write('live.txt', live.join('\n').replace('keepalive 64;', 'keepalive 64; ip_hash;'));
    assert.match((await run('diff --live nginx=live.txt')).stdout, /cannot be told: an upstream has "ip_hash"/);
  }),
);

confirming.run();
