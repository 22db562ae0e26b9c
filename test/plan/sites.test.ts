import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { namePairs, sitesOf } from '../../src/plan/sites.ts';
import { authorityOf } from '../../src/policy/origin.ts';
import { policyOf } from '../support/policy.ts';

const policy = policyOf({
  upstreams: {
    gitlab: { url: 'https://gitlab.internal:8443' },
    registry: { url: 'https://registry.internal', tls: { serverName: 'registry.certificates.internal' } },
    plain: { url: 'http://10.0.0.1' },
  },
  domainRewrites: [
    { from: 'gitlab.example.com', to: 'gitlab.private.example', upstream: 'gitlab' },
    { from: 'registry.example.com', to: 'registry.private.example', upstream: 'registry' },
    { from: 'plain.example.com', to: 'plain.private.example', upstream: 'plain' },
    { from: 'other.example.com', to: 'other.private.example' },
    { from: '*.pages.example.com', to: '*.pages.private.example' },
  ],
});

const test = suite('sites');

test('an upstream is called by the public name, with a port of its own, and shows a certificate for it', () => {
  const told = sitesOf(policy).map(({ upstream }) => [upstream.id, authorityOf(upstream), upstream.tls?.serverName]);
  assert.equal(told, [
    ['gitlab', 'gitlab.example.com:8443', 'gitlab.example.com'],
    ['plain', 'plain.example.com', undefined],
    ['registry', 'registry.example.com', 'registry.certificates.internal'],
  ]);
});

test('a site is connected to where its upstream is, under both of its names', () => {
  const [site] = sitesOf(policy);
  assert.equal(site?.upstream.servers, [{ host: 'gitlab.internal', port: 8443 }]);
  assert.equal(site?.names, [
    { name: 'gitlab.private.example', isPrivate: true },
    { name: 'gitlab.example.com', isPrivate: false },
  ]);
});

test('a header may hold any name that is rewritten, whether a site answers for it or not', () => {
  assert.equal(
    namePairs(policy).map(({ from, ownPort, hasSite }) => [from, ownPort, hasSite]),
    [
      ['gitlab.example.com', ':8443', true],
      ['other.example.com', '', false],
      ['plain.example.com', '', true],
      ['registry.example.com', '', true],
    ],
  );
});

test.run();
