import * as assert from 'uvu/assert';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { ask } from './kdig.ts';
import { startCoredns } from './servers.ts';

/** Names in the main server block, in a list, and in server blocks of their own. */
const policy = policyOf({
  domainRewrites: [
    ...Array.from({ length: 120 }, (_, i) => ({ from: `odd${i}.example.com`, to: `v${i}.example.net` })),
    ...Array.from({ length: 30 }, (_, i) => ({ from: `s${i}.example.org`, to: `s${i}.link.example.org` })),
  ],
});
const upstream = `. {
    bind 127.0.0.1
    log . "asked for {name}"
    template IN A {
        answer "{{ .Name }} 60 IN A 10.0.0.1"
    }
}
`;

for (const engine of ['coredns', 'coredns-oldest'] as const) {
  const { test, engines } = await engineSuite(`${engine} and its cache`, [engine, 'kdig']);
  test(
    'knows an answer again, whichever server block the name comes to',
    scoped(async (scope) => {
      const behind = await startCoredns(engines[engine].path, upstream);
      scope.defer(() => behind.stop());
      const options = coredns.options.parse({ bind: ['127.0.0.1'], forward: [`127.0.0.1:${behind.port}`] });
      const { value } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => undefined });
      const server = await startCoredns(engines[engine].path, value?.[0]?.text ?? '');
      scope.defer(() => server.stop());
      const names = ['odd7.example.com', 's7.example.org', 'other.example.com'];
      for (const _ of [1, 2, 3])
        await ask(
          engines.kdig.path,
          server.port,
          names.map((name) => [name]),
        );
      for (const asked of ['v7.example.net', 's7.link.example.org', 'other.example.com'])
        assert.is(behind.output().split(`asked for ${asked}.`).length - 1, 1, `${asked}\n${behind.output()}`);
    }),
  );
  test.run();
}
