import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

const spec = `version: 1 # kept
name: rotated
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys:
  # and this
  partner: { key: env:PARTNER_KEY, token: env:TOKEN, owner: partner@example.com } # and that
  other: { key: "file:other,key", token: env:TOKEN }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.7] } }
targets: { caddy: {} }
`;

const line = (position: string, key = 'partner') =>
  `${JSON.stringify({ time: '2026-11-26T10:00:00Z', proxy: 'api', key, keyPosition: position, status: 200 })}\n`;

const keys = suite('keys');

keys('a rotation is two edits of one value, and the names alternate', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', spec);
    const rotated = await run('keys rotate partner');
    assert.is(rotated.status, 0, rotated.stderr);
    assert.match(rotated.stderr, /partner@example\.com/);
    const during = spec.replace('env:PARTNER_KEY', '[env:PARTNER_KEY, env:PARTNER_KEY_NEXT]');
    assert.is(read('postern.yaml'), during);
    assert.is((await run('keys rotate partner')).status, 2);
    const refusals: [string, number, RegExp][] = [
      [line('first') + line('second'), 1, /in use: 1 times in this log, last 2026-11-26T10:00:00Z \[key\/in-use\]/],
      [line('first', 'other'), 2, /nobody has used it \[key\/unseen\]/],
      ['no log\n', 2, /line 1 cannot be read \[key\/unread-log\]/],
      ['{"level":"info"}\n', 2, /no line of it is ours \[key\/no-log\]/],
      ['', 2, /no line of it is ours/],
    ];
    for (const [log, status, words] of refusals) {
      write('access.log', log);
      const refused = await run('keys retire partner --log access.log');
      assert.is(refused.status, status, refused.stderr);
      assert.match(refused.stderr, words);
      assert.is(read('postern.yaml'), during);
    }
    assert.match(
      (await run('keys retire partner')).stderr,
      /the spec does not tell which key is in use: --log is missing/,
    );
    write('access.log', line('second') + line('first', 'other'));
    const retired = await run('keys retire partner --log access.log');
    assert.is(retired.status, 0, retired.stderr);
    assert.is(read('postern.yaml'), spec.replace('env:PARTNER_KEY', 'env:PARTNER_KEY_NEXT'));
    await run('keys rotate partner');
    assert.ok(read('postern.yaml').includes('[env:PARTNER_KEY_NEXT, env:PARTNER_KEY]'));
  }),
);

keys('a log has to be of every proxy that takes the key', () =>
  inWorkspace(async ({ run, write }) => {
    const [, listen = ''] = /proxies:.*\{ (listen.*) \} \}/.exec(spec) ?? [];
    const during = spec.replace('env:PARTNER_KEY', '[env:PARTNER_KEY, env:PARTNER_KEY_NEXT]');
    const second = listen.replace(/8080/, '8081');
    write('postern.yaml', during.replace(`{ ${listen} }`, `{ ${listen} }, more: { ${second} }`));
    write('access.log', line('second'));
    const refused = await run('keys retire partner --log access.log');
    assert.is(refused.status, 2);
    assert.match(refused.stderr, /no line of it is of proxy "more", which takes the key too \[key\/no-log\]/);
    write('access.log', line('second') + line('', '').replace('"api"', '"more"'));
    const retired = await run('keys retire partner --log access.log');
    assert.is(retired.status, 0, retired.stderr);
  }),
);

keys('what a reference holds is quoted where it has to be, and a log may be packed', () =>
  inWorkspace(async ({ run, read, write, path }) => {
    write('postern.yaml', spec);
    assert.is((await run('keys rotate other')).status, 0);
    assert.ok(read('postern.yaml').includes('key: ["file:other,key", "file:other,key.next"],'));
    assert.is((await run('validate')).status, 0);
    writeFileSync(join(path, 'log.gz'), gzipSync(line('second', 'other')));
    assert.is((await run('keys retire other --log log.gz')).status, 0);
    assert.ok(read('postern.yaml').includes('key: "file:other,key.next",'));
    write('log.gz', '\x1f\x8bnot');
    assert.is((await run('keys retire other --log log.gz')).status, 2);
  }),
);

keys('the file that is edited is the one in which the key is written', () =>
  inWorkspace(async ({ run, read, write }) => {
    const [top = '', keyLines = '', rest = ''] = spec.split(/^(?=apiKeys:|proxies:)/m);
    write('teams/keys.yaml', `version: 1\nfragment: true\n${keyLines}`);
    write('postern.yaml', `${top}include: [teams/keys.yaml]\n${rest}`);
    const before = read('postern.yaml');
    const { status, stderr } = await run('keys rotate partner --to file:/run/secrets/next');
    assert.is(status, 0, stderr);
    assert.is(read('postern.yaml'), before);
    assert.ok(read('teams/keys.yaml').includes('key: [env:PARTNER_KEY, file:/run/secrets/next],'));
  }),
);

keys('what cannot be a step is refused, and the spec stays', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', spec);
    const cases: [string, RegExp][] = [
      ['keys rotate nobody', /there is no key "nobody" \[key\/unknown\]/],
      ['keys retire partner --log access.log', /has one key/],
      ['keys rotate partner --to glpat-abcdefghijklmnopqrst', /--to is no reference/],
      ['keys rotate partner --to env:TOKEN', /is a secret of "(?:partner|other)" already/],
      ['keys rotate partner --log access.log', /--log has no meaning beside rotate/],
      ['keys retire partner --to env:X', /--to has no meaning beside retire/],
    ];
    for (const [args, words] of cases) {
      const { status, stderr } = await run(args);
      assert.is(status, 2, args);
      assert.match(stderr, words);
      assert.not.ok(stderr.includes('glpat-abc'));
      assert.is(read('postern.yaml'), spec);
    }
  }),
);

keys('a reference that is written in an odd way is not edited into something else', () =>
  inWorkspace(async ({ run, read, write }) => {
    for (const odd of [
      'key: >-\n      env:PARTNER_KEY\n   ',
      'key: &own env:PARTNER_KEY',
      'owner: &own env:PARTNER_KEY, key: *own',
    ]) {
      const written = spec
        .replace(
          '{ key: env:PARTNER_KEY, token: env:TOKEN, owner: partner@example.com }',
          `\n    ${odd}\n    token: env:TOKEN`,
        )
        .replace(/(owner: &own \S+), (key: \*own)/, '$1\n    $2');
      write('postern.yaml', written);
      assert.is((await run('validate')).status, 0, odd);
      const { status, stderr } = await run('keys rotate partner');
      if (status === 0) assert.is((await run('validate')).status, 0, odd);
      else assert.match(stderr, /\[key\/odd-writing\]/);
      if (status !== 0) assert.is(read('postern.yaml'), written);
    }
    write('postern.yaml', spec);
    assert.is((await run('keys rotate partner --to file:x:')).status, 0);
    assert.is((await run('validate')).status, 0);
  }),
);

keys('a log that does not tell which key was used retires none', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', spec);
    await run('keys rotate partner');
    const during = read('postern.yaml');
    for (const position of ['FIRST', '']) {
      write('access.log', line('second') + line(position));
      const { status, stderr } = await run('keys retire partner --log access.log');
      assert.is(status, 2);
      assert.match(stderr, /1 lines? tell no position of the key \[key\/no-log\]/);
      assert.is(read('postern.yaml'), during);
    }
  }),
);

keys('a line that cannot be read may be a use of the old key', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', spec);
    await run('keys rotate partner');
    const during = read('postern.yaml');
    const used = line('second');
    const logs: readonly (readonly [log: string, lines: RegExp])[] = [
      [used + line('first').slice(0, -2), /line 2 cannot be read \[key\/unread-log\]/],
      [`${line('first').slice(40)}${used}half\n`, /line 1 cannot be read, like 1 more/],
      [`${used}${used.trim()}${used}`, /line 2 cannot be read/],
      [`${used}\0\0\0\n`, /line 2 cannot be read/],
      [`${used}{"key":"partner","status":200}\n`, /line 2 cannot be read/],
      [`${used}{"log":${JSON.stringify(line('first'))},"stream":"stdout"}\n`, /line 2 cannot be read/],
      [`${used}"text"\n`, /line 2 cannot be read/],
    ];
    for (const [log, words] of logs)
      for (const packed of [log, gzipSync(log)]) {
        write('access.log', packed);
        const { status, stderr } = await run('keys retire partner --log access.log');
        assert.is(status, 2, log);
        assert.match(stderr, words);
        assert.is(read('postern.yaml'), during);
      }
    write('access.log', `{"level":"info","msg":"serving"}\r\n\n${used}`);
    assert.is((await run('keys retire partner --log access.log')).status, 0);
  }),
);

keys.run();
