import type { NameRunner } from '../target.ts';
import type { CorednsOptions } from './options.ts';

export const run: NameRunner<CorednsOptions> = {
  program: 'coredns',
  args: () => ['-conf', 'Corefile'],
  leaves: [],
  serves: 'names',
  // A Corefile that the rules are merged into asks resolvers of its own, and may need a cluster.
  alone: ({ merge, ...options }, { port, resolver }) => ({
    ...options,
    form: 'corefile',
    bind: ['127.0.0.1'],
    port,
    forward: [resolver],
  }),
};
