import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOfRanges } from '../src/policy/rangeFiles.ts';
import { inWorkspace } from './support/workspace.ts';

const meta = (...hooks: readonly string[]) => JSON.stringify({ hooks });
const OLD = meta('192.0.2.0/24');
const spec = `version: 1 # kept
name: hooks
include: [sets.yaml]
upstreams: { ci: { url: https://ci.example.com } }
routes: { hook: { upstream: ci, auth: passthrough, allow: [POST /hook] } }
proxies: { api: { listen: 8080, ipRanges: ["@github"], routes: [hook] } }
targets: { caddy: {} }
`;
const sets = `version: 1
fragment: true
ipRanges:
  github: { file: meta.json, format: github, select: [hooks], sha256: "${digestOfRanges(OLD)}" } # and this
  other: [198.51.100.7]
`;

const ranges = suite('ranges update');

ranges('what a newer list changes is said, and then both files are written', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', spec);
    write('sets.yaml', sets);
    write('meta.json', OLD);
    const current = meta('192.0.2.0/25', '203.0.113.0/24');
    write('new.json', current);
    const shown = await run('ranges update github new.json --check');
    assert.is(shown.status, 1, shown.stderr);
    assert.match(shown.stdout, /203\.0\.113\.0\/24 may connect now/);
    assert.match(shown.stdout, /192\.0\.2\.128\/25 may connect no longer/);
    assert.equal([read('sets.yaml'), read('meta.json')], [sets, OLD]);
    const updated = await run('ranges update github new.json');
    assert.is(updated.status, 0, updated.stderr);
    assert.equal(updated.stdout, shown.stdout);
    assert.is(read('sets.yaml'), sets.replace(digestOfRanges(OLD), digestOfRanges(current)));
    assert.equal([read('meta.json'), read('postern.yaml')], [current, spec]);
    assert.is((await run('ranges update github new.json --check')).status, 0);
    assert.is((await run('validate')).status, 0);
  }),
);

ranges('what is no such list is refused, and nothing is written', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', spec);
    write('sets.yaml', sets);
    write('meta.json', OLD);
    const refusals: readonly [text: string, words: RegExp][] = [
      ['', /it is empty; did the download fail/],
      ['<html>', /is not what api\.github\.com\/meta answers/],
      [meta('0.0.0.0/0'), /admits everybody/],
      [JSON.stringify({ web: ['192.0.2.0/24'] }), /has no "hooks"/],
    ];
    for (const [text, words] of refusals) {
      write('new.json', text);
      const refused = await run('ranges update github new.json');
      assert.is(refused.status, 2, text);
      assert.match(refused.stderr, words);
      assert.equal([read('sets.yaml'), read('meta.json')], [sets, OLD]);
    }
    assert.is((await run('ranges update github missing.json')).status, 2);
    const unknown = await run('ranges update other new.json');
    assert.is(unknown.status, 2);
    assert.match(unknown.stderr, /"other" is no set with a file and its sha256.*\n(?:.*\n)*.*there are: github/);
  }),
);

ranges('an address that has expired stops what is generated, whatever is allowed', () =>
  inWorkspace(async ({ run, write }) => {
    const entry = (day: string) => `[{ cidr: 192.0.2.7, expires: ${day}, owner: me@example.com }]`;
    const own = (day: string) => spec.replace('include: [sets.yaml]\n', `ipRanges: { github: ${entry(day)} }\n`);
    write('postern.yaml', own('2020-01-01'));
    for (const line of ['validate', 'generate', 'generate --allow-expired', 'lint']) {
      const refused = await run(line);
      assert.ok(refused.status !== 0, line);
      assert.match(refused.stdout + refused.stderr, /192\.0\.2\.7\/32 of "@github" expired on 2020-01-01/, line);
    }
    write('postern.yaml', own('2999-01-01'));
    assert.is((await run('generate')).status, 0);
  }),
);

ranges.run();
