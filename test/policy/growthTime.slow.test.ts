import { suite } from 'uvu';
import { assertGrowth } from '../support/growth.ts';
import { policyOf } from '../support/policy.ts';

const list = <T>(many: number, entry: (index: number) => T) => Array.from({ length: many }, (_, index) => entry(index));

const common = {
  upstreams: { u: { url: 'https://u.example.com' } },
  routes: { r: { upstream: 'u', allow: ['GET /a'] } },
};

const SHAPES: readonly (readonly [title: string, spec: (many: number) => object])[] = [
  [
    'sets that each take in the one before',
    (many) => ({
      ...common,
      ipRanges: Object.fromEntries(
        list(many, (i) => [`s${i}`, [`10.${i >> 8}.${i & 255}.1`, ...(i > 0 ? [`@s${i - 1}`] : [])]]),
      ),
      proxies: { api: { listen: 8080, ipRanges: [`@s${many - 1}`] } },
    }),
  ],
  [
    'proxies of one port by their names',
    (many) => ({
      ...common,
      proxies: Object.fromEntries(
        list(many, (i) => [`p${i}`, { listen: 8080, hosts: [`h${i}.example.com`], ipRanges: 'any' }]),
      ),
    }),
  ],
];

const growth = suite('how a policy grows');

for (const [title, spec] of SHAPES) growth(title, () => assertGrowth({ few: 1_000, of: spec, work: policyOf }));

growth.run();
