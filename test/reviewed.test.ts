import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const test = suite('diff --reviewed');

const specOf = (balancers: string) => `version: 1
name: reviewed
ipRanges: { balancers: [${balancers}] }
upstreams: { gitlab: { url: "https://gitlab.example.com" } }
domainRewrites: [{ from: gitlab.example.com, to: gitlab.link.example.com, upstream: gitlab }]
targets: { nginx: { version: "1.27", sites: { tls: inFront, clientIp: { header: X-Real-IP, trustedProxies: ["@balancers"] } } } }
`;

/** Where a repository lies is nobody's concern: the same files have the same label in two folders. */
async function labelFor(
  { run }: Workspace,
  folder: string,
  labels: string,
): Promise<[number | null, string | undefined]> {
  const { status, stdout, stderr } = await run(
    `diff ${folder}/postern.yaml --base old.yaml --fail-on widening --reviewed=${labels}`,
  );
  return [status, /access-reviewed-[0-9a-f]{32}/.exec(stdout + stderr)?.[0]];
}

test('a label lets one change pass, and no other that is told in the same words', () =>
  inWorkspace(async (workspace) => {
    const { write } = workspace;
    write('old.yaml', specOf('10.0.0.1'));
    for (const folder of ['a', 'b']) write(`${folder}/postern.yaml`, specOf('10.0.0.2'));
    write('c/postern.yaml', specOf('10.0.0.0/8'));
    const [status, label = ''] = await labelFor(workspace, 'a', 'x');
    assert.is(status, 1);
    assert.is.not(label, '');
    assert.equal(await labelFor(workspace, 'a', label), [0, label]);
    assert.equal(await labelFor(workspace, 'b', label), [0, label]);
    const [other, another] = await labelFor(workspace, 'c', label);
    assert.is(other, 1);
    assert.is.not(another, label);
  }));

test.run();
