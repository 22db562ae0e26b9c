import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { policyOf } from '../support/policy.ts';

// Four times the entries take about four times as long; where each is compared with all others they take sixteen times.
// What counts is the time of the processor, of the best of three.

const FEW = 1_000;
const MANY = 4_000;
const MOST = 8;

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

for (const [title, spec] of SHAPES)
  growth(title, () => {
    const cost = (input: object) => {
      const before = process.cpuUsage();
      policyOf(input);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const [few, many] = [spec(FEW), spec(MANY)];
    const least = Math.min(cost(few), cost(few), cost(few));
    const factors: number[] = [];
    while (factors.length < 3 && !factors.some((factor) => factor < MOST)) factors.push(cost(many) / least);
    assert.ok(
      Math.min(...factors) < MOST,
      `${FEW} entries took ${least} µs, ${MANY} ${factors.join(', ')} times as long`,
    );
  });

growth.run();
