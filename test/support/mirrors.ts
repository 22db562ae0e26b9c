import type { RenderedFile, Target } from '../../src/targets/target.ts';
import { policyOf } from './policy.ts';

const policy = policyOf({
  domainRewrites: [
    { from: 'registry.example.com', to: 'gitlab-registry.privatelink.example.com', containerRegistry: true },
    { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
  ],
});

/** What a target for nodes makes of one registry rewrite; `rewrites: false` leaves even that out. */
export function emitMirrors(
  target: Target,
  options: object,
  { rewrites = true } = {},
): { files: readonly RenderedFile[]; problems: string[] } {
  const given = rewrites ? policy : { ...policy, rewrites: [] };
  const at = ['targets', target.name];
  const { value = [], diagnostics } = target.emit({
    policy: given,
    options: target.options.parse(options),
    at,
    read: () => undefined,
  });
  return { files: value, problems: diagnostics.map(({ code, at: place }) => `${place.join('.')} ${code}`) };
}
