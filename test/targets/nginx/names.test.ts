import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nginx } from '../../../src/targets/nginx/index.ts';
import { policyOf } from '../../support/policy.ts';

const test = suite('names of nginx');

/** A spec whose proxies, upstreams, keys, sets, routes and headers all have these names. */
function specOf(names: readonly string[]): object {
  const each = <T>(make: (name: string, index: number) => T) =>
    Object.fromEntries(names.map((name, index) => [name, make(name, index)]));
  // Most other headers cannot carry keys.
  const isHeader = (name: string) =>
    /^(?:selector|hash|id|expiry|grants|token|log|key|rate|log-key|verdict)$/.test(name);
  return {
    ipRanges: each((_, index) => [`10.0.${index}.0/24`]),
    upstreams: each((name, index) => ({ url: `${index % 2 ? 'https' : 'http'}://${name}.example.com` })),
    routes: each((name, index) => ({
      upstream: name,
      ...(index % 5 === 0 && { auth: 'passthrough' }),
      allow: [
        `GET /${name}/{a}`,
        { request: `PUT /${name}/{a:int}`, contentTypes: ['or/health', 'application/json'], maxBody: '1kB' },
        { request: `PATCH /${name}/{a}`, contentTypes: ['or/health'] },
      ],
    })),
    apiKeys: each((name) => ({
      key: [`file:/${name}`, `file:/${name}/new`],
      token: 'env:T',
      ipRanges: [`@${name}`],
      expires: '2099-01-01',
      rateLimit: '10/s',
    })),
    proxies: each((name, index) => ({
      listen: 8_000 + index,
      ipRanges: [`@${name}`, '192.0.2.0/24'],
      health: { path: '/healthz', from: ['10.0.0.0/8'] },
      cors: { origins: ['https://app.example.com'] },
      clientIp: { trustedProxies: ['192.0.2.0/24'] },
      ...(index % 3 === 0 ? { publicUrl: 'https://public.example.com' } : {}),
      ...(isHeader(name) && { apiKeyHeader: name }),
      routes: [name, names[index + 1] ?? names[0]],
    })),
    domainRewrites: [{ from: `${names[0]}.example.com`, to: 'private.example.com', upstream: names[0] }],
  };
}

/** What the files make under a name, as `variable x`, each as often as it is made. nginx ignores the case of names. */
function madeBy(spec: object, shadow?: object): string[] {
  const policy = { ...policyOf(spec), ...(shadow && { shadow: policyOf(shadow) }) };
  const options = nginx.options.parse({ sites: { listen: 9_000, tls: 'inFront' } });
  const { value: files, diagnostics } = nginx.emit({
    policy,
    options,
    at: ['targets', 'nginx'],
    read: () => undefined,
  });
  if (!files) throw new Error(JSON.stringify(diagnostics));
  const made = (kind: string, expression: RegExp) =>
    files.flatMap(({ text }) => [...text.matchAll(expression)].map(([, name = '']) => `${kind} ${name.toLowerCase()}`));
  return [
    ...made('variable', /^(?:map|geo) (?:.* )?\$(\w+) \{/gm),
    ...made('format', /^log_format (\S+)/gm),
    ...made('zone', / zone=(\w+):/g),
    ...made('upstream', /^upstream (\S+)/gm),
  ];
}

const twice = (names: readonly string[]) => names.filter((name, index) => names.indexOf(name) !== index);

test('nothing is made twice, whatever things are called: nginx would take the last one without a word', () => {
  const usual = specOf(['partner', 'gitlab', 'my-api']);
  const made = madeBy(usual, usual);
  assert.ok(made.length > 300, 'hardly any name was found');
  assert.equal(twice(made), []);
  // Every word of a name, and every two, as somebody may call a thing of their own.
  const words = new Set(
    made.flatMap((name) => {
      const parts = (name.split(' ')[1] ?? '').split(/[^a-z0-9]+/);
      return parts.flatMap((part, index) => [part, `${part}-${parts[index + 1]}`]);
    }),
  );
  // A file of ours has these names.
  const taken = /^(?:sites|nginx|http|maps|upstreams|paths|server|marked)$/;
  const names = [...words].filter((word) => /^[a-z]+(?:-[a-z]+)?$/.test(word) && !taken.test(word)).sort();
  assert.ok(names.includes('verdict') && names.includes('log-reason') && names.includes('from'), names.join());
  for (let start = 0; start < names.length; start += 40) {
    const spec = specOf(names.slice(start, start + 40));
    assert.equal(twice(madeBy(spec, spec)), []);
  }
});

test.run();
