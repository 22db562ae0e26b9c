import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseToml } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Policy } from '../../../src/policy/types.ts';
import { bottlerocket } from '../../../src/targets/bottlerocket/index.ts';
import { policyOf } from '../../support/policy.ts';

const policy = policyOf({
  domainRewrites: [{ from: 'registry.postern.example', to: 'registry.private.example', containerRegistry: true }],
});
const nothing: Policy = { ...policy, rewrites: [] };
const MIRROR = { registry: 'registry.postern.example', endpoint: ['https://registry.private.example'] };
const ca = readFileSync(new URL('authority.pem', import.meta.url), 'utf8');

function merge(
  text: string,
  { rewrites = policy, ...more }: { rewrites?: Policy; pki?: object; mirrors?: object; form?: string } = {},
) {
  const options = bottlerocket.options.parse({ merge: 'given.toml', ...more });
  const read = (path: string) => ({ 'given.toml': text, 'ca.pem': ca })[path];
  const { value, diagnostics } = bottlerocket.emit({
    policy: rewrites,
    options,
    at: ['targets', 'bottlerocket'],
    read,
  });
  const problems = diagnostics.map(
    ({ code, place }) => `${code}${place ? ` ${place.text.slice(0, place.start).split('\n').length}` : ''}`,
  );
  return { text: value?.[0]?.text ?? '', file: value?.[0], problems };
}

type Table = Record<string, unknown>;
const plain = (toml: string): { settings?: Table } => structuredClone(parseToml(toml));

/** What is expected of a merge: what was there, and one more mirror behind the others. */
function withMirror(toml: string): object {
  const given = plain(toml);
  const registry = (given.settings?.['container-registry'] ?? {}) as Table;
  const mirrors = [...((registry['mirrors'] as object[] | undefined) ?? []), MIRROR];
  return { ...given, settings: { ...given.settings, 'container-registry': { ...registry, mirrors } } };
}

const test = suite('merge into user data');

test('credentials that keep nodes from asking the mirror of all other registries', () => {
  const given = '[[settings.container-registry.creds]]\nregistry = "paid.example"\nauth = "eA=="\n';
  const all = { '*': ['https://cache.example'] };
  assert.equal(merge(given, { mirrors: all }).problems, ['bottlerocket/credentials-bypass']);
  assert.equal(merge(given, { mirrors: { ...all, 'paid.example': ['https://cache.example'] } }).problems, []);
  assert.equal(merge(given).problems, []);
});

for (const [what, given] of [
  ['nothing', ''],
  ['other settings', '# ours\n[settings.kubernetes]\n"cluster-name" = "x"\n'],
  ['Windows line ends', '[settings.kubernetes]\r\n"cluster-name" = "x"\r\n'],
  [
    'other mirrors',
    '[[settings.container-registry.mirrors]]\nregistry = "docker.io"\nendpoint = ["https://m.example.com"]\n[settings.ntp]\n"time-servers" = []\n',
  ],
  ['credentials', '[[settings.container-registry.credentials]]\nregistry = "docker.io"\nauth = "eA=="\n'],
] as const) {
  test(`user data with ${what} keeps every byte, and gets the settings once`, () => {
    const { text, file, problems } = merge(given);
    assert.equal(problems, []);
    assert.is(file?.comment, undefined);
    assert.ok(text.startsWith(given));
    assert.equal(plain(text), withMirror(given));
    assert.is(merge(text).text, text);
    assert.is(merge(text, { rewrites: nothing }).text, given);
  });
}

test('an authority joins others', () => {
  const given = '[settings.pki.other]\ndata = "eA=="\ntrusted = true\n';
  const pki = { 'privatelink-ca': { file: 'ca.pem' } };
  const { settings } = plain(merge(given, { pki }).text);
  assert.equal(Object.keys(settings?.['pki'] as object), ['other', 'privatelink-ca']);
  assert.equal(merge(given, { pki: { other: { file: 'ca.pem' } } }).problems, ['bottlerocket/bad-merge']);
});

const registry = 'registry = "registry.postern.example"\nendpoint = ["https://m.example.com"]\n';
for (const [what, given, problem] of [
  ['not TOML', '[settings]\na = \n', 'bottlerocket/bad-merge 2'],
  ['another mirror of the registry', `[[settings.container-registry.mirrors]]\n${registry}`, 'bottlerocket/bad-merge'],
  [
    'mirrors in the old form',
    '[settings.container-registry.mirrors]\n"docker.io" = ["https://m.example.com"]\n',
    'bottlerocket/bad-merge',
  ],
  ['an inline table in the way', '[settings]\ncontainer-registry = { }\n', 'bottlerocket/bad-merge'],
  [
    'an inline list in the way',
    '[settings.container-registry]\nmirrors = [{registry = "a", endpoint = []}]\n',
    'bottlerocket/bad-merge',
  ],
  ['half of the markers', '[settings]\n# BEGIN postern test\n', 'bottlerocket/bad-merge'],
  ['markers in the wrong order', '# END postern test\n# BEGIN postern test\n', 'bottlerocket/bad-merge'],
  ['too much of it', `# ${'x'.repeat(16_400)}\n`, 'bottlerocket/too-large'],
] as const) {
  test(`${what}: refused`, () => {
    const { file, problems } = merge(given);
    assert.is(file, undefined);
    assert.equal(problems, [problem]);
  });
}

test('only user data can be merged', () => {
  assert.equal(merge('', { form: 'eksctl' }).problems, ['bottlerocket/bad-merge']);
});

const corpus = fileURLToPath(new URL('../../../../shared/corpora/bottlerocket', import.meta.url));
const published = existsSync(corpus) ? readdirSync(corpus).filter((name) => name.endsWith('.toml')) : [];
if (published.length === 0) console.log('skipped: no collection of published user data beside this repository');
(published.length > 0 ? test : test.skip)(
  'published user data survives being merged, or is refused with a reason',
  () => {
    let merged = 0;
    for (const name of published) {
      const given = readFileSync(`${corpus}/${name}`, 'utf8');
      const { file, text, problems } = merge(given);
      if (file === undefined) {
        assert.ok(problems.length > 0, name);
        continue;
      }
      merged += 1;
      assert.equal(plain(text), withMirror(given), name);
      assert.ok(text.startsWith(given), name);
      assert.is(merge(text).text, text, name);
    }
    assert.ok(merged > published.length * 0.9, `${merged} of ${published.length} merged`);
  },
);

test.run();
