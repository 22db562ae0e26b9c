import * as assert from 'uvu/assert';
import { verify } from '../../../src/commands/verify.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { engineSuite } from '../../engines/suite.ts';
import { recordingIo } from '../../support/captured.ts';

const { test, engines } = await engineSuite('verify', ['coredns']);
const corefile = '.:53 {\n    forward . /etc/resolv.conf\n}\n';
const configMap = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'coredns', namespace: 'kube-system' },
  data: { Corefile: corefile },
});

for (const options of [
  'form: configMap, merge: given.yaml',
  'merge: Corefile',
  'form: nodeLocal, bind: [169.254.20.10]',
  'form: aks',
]) {
  test(`the rules of { ${options} } are put to the test`, async () => {
    const folder = await temporaryFolder();
    const spec = await folder.write(
      'postern.yaml',
      `version: 1\nname: v\ndomainRewrites:\n  - { from: gitlab.example.com, to: gitlab.link.example }\ntargets: { coredns: { ${options} } }\n`,
    );
    await folder.write('Corefile', corefile);
    await folder.write('given.yaml', configMap);
    const { io, said } = recordingIo('', { POSTERN_COREDNS: engines.coredns.path });
    const status = await verify({ spec, requests: 40, format: 'text' }, io);
    await folder.remove();
    const { out } = said();
    assert.is(status, 0, out);
    assert.match(out, /^coredns: \d{2} requests, 0 disagreements/m);
  });
}
test.run();
