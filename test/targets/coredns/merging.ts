import type { Policy } from '../../../src/policy/types.ts';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { policyOf } from '../../support/policy.ts';

export const policy = policyOf({
  domainRewrites: [
    { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
    { from: '*.pages.example.com', to: '*.pages.privatelink.example.com' },
  ],
});
export const nothing: Policy = { ...policy, rewrites: [] };

/** What becomes of a given file; the problems as `code line`, where they point into it. */
export function merge(text: string, { form = 'corefile', rewrites = policy } = {}) {
  const options = coredns.options.parse({ form, merge: 'given' });
  const { value, diagnostics } = coredns.emit({
    policy: rewrites,
    options,
    at: ['targets', 'coredns'],
    read: (path) => (path === 'given' ? text : undefined),
  });
  // The line of the given file, from 1, where a diagnostic points into it.
  const problems = diagnostics.map(
    ({ code, place }) => `${code.slice(8)}${place ? ` ${place.text.slice(0, place.start).split('\n').length}` : ''}`,
  );
  return { text: value?.[0]?.text, file: value?.[0], problems };
}

export const EXACT = 'rewrite stop name exact gitlab.example.com. gitlab.privatelink.example.com.';
export const WILD = 'rewrite stop name suffix .pages.example.com. .pages.privatelink.example.com. answer auto';
/** Our lines, as they stand in a server block. */
export const ours = (indent: string, rules = [EXACT, WILD]) =>
  ['# BEGIN postern test', ...rules, '# END postern test'].map((line) => `${indent}${line}\n`).join('');
