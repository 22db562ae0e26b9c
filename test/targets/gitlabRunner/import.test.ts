import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from '../../support/workspace.ts';

const old = readFileSync(new URL('old.yaml', import.meta.url), 'utf8');
const test = suite('import gitlab-runner');

test('of values from 2021 every key is named, and a spec comes out that puts each where it is read', () =>
  inWorkspace(async ({ runArgs, write, read, run }) => {
    write('old.yaml', old);
    const { status, stdout, stderr } = await runArgs(['import', 'gitlab-runner', 'old.yaml']);
    assert.is(status, 1);
    const said = `${stdout.replaceAll(/\n *# {2,}/g, ' ')}\n${stderr}`;
    for (const line of [
      'old.yaml:12: runners.image: ignored by the chart of today; written as image, which the runner reads as image',
      'old.yaml:16: [[runners]] kubernetes.volumes.secret: written as secretVolumes',
      'old.yaml:21: runners.pollTimeout: ignored by the chart of today; written as pollTimeout',
      'old.yaml:23: runners.serviceAccountName: ignored by the chart of today; written as serviceAccount',
      'old.yaml:24: runners.privileged: ignored by the chart of today; written as privileged',
      'old.yaml:25: runners.secret: written as secret, which has to hold both keys',
      'old.yaml:26: runners.namespace: ignored by the chart of today; written as namespace',
      'old.yaml:34: runners.helpers.cpuRequests: ignored by the chart of today; written as resources.helper.cpu',
      'old.yaml:37: runners.nodeSelector: ignored by the chart of today; written as nodeSelector',
      'old.yaml:39: runners.nodeTolerations: ignored by the chart of today; written as tolerations',
      'old.yaml:20: runners.locked: said in GitLab when the runner is created',
      'old.yaml:36: runners.tags: said in GitLab when the runner is created',
      'old.yaml:10: metrics.enabled: keep it in a file of your own',
    ])
      assert.ok(said.includes(line), `${line}\n${said}`);
    const leaves = old
      .split('\n')
      .filter((line) => /^ *[a-zA-Z]+: *\S/.test(line) && !/config: \||operator|value|effect/.test(line));
    assert.is(leaves.length, 23);
    for (const line of leaves) {
      const number = old.split('\n').indexOf(line) + 1;
      const same = old.split('\n').flatMap((one, index) => (one === line ? [index + 1] : []));
      assert.ok(
        same.some((one) => said.includes(`old.yaml:${one}: `)),
        `${number}: ${line}`,
      );
    }
    write('postern.yaml', stdout);
    assert.is((await run('generate')).status, 0);
    const values = read('generated/gitlabRunner/values.yaml');
    for (const line of [
      'image = "ubuntu:18.04"',
      'poll_timeout = 360',
      'service_account = "app-deployer"',
      'helper_memory_request = "128Mi"',
      '"gitlab-runner-jobs-dev-reserved=true" = "NoSchedule"',
      'mount_path = "/root/.config/scw"',
    ])
      assert.ok(values.includes(line), line);
  }));

test('a token in old values is told of and never shown', () =>
  inWorkspace(async ({ runArgs, write }) => {
    const token = 'GR1348941abcdefghijkl';
    write(
      'old.yaml',
      `gitlabUrl: https://gitlab.example.com\nrunnerRegistrationToken: "${token}"\nrunners:\n  config: |\n    [[runners]]\n      token = "${token}"\n      image = "x"\n`,
    );
    const { stdout, stderr } = await runArgs(['import', 'gitlab-runner', 'old.yaml', '--format', 'json']);
    assert.not.ok((stdout + stderr).includes(token));
    assert.match(stdout, /a token stands in the file/);
    assert.match(stdout, /registration tokens end with GitLab 20/);
    assert.match(stdout, /\[\[runners\]\] image/);
  }));

test('what no runner reads of a configuration is told of as well', () =>
  inWorkspace(async ({ runArgs, write }) => {
    const told = async (config: string) => {
      write(
        'old.yaml',
        `gitlabUrl: https://gitlab.example.com\nrunners:\n  secret: s\n  image: alpine:3\n  config: ${config}\n`,
      );
      const { status, stderr } = await runArgs(['import', 'gitlab-runner', 'old.yaml']);
      assert.is(status, 1, config);
      return stderr.split('\n').slice(1, -1);
    };
    const block = (...lines: string[]) => `|\n${lines.map((line) => `    ${line}\n`).join('')}`;
    const global = 'the runner reads no such setting from a template: keep';
    assert.equal(
      await told(block('concurrent = 9', '[session_server]', '  listen_address = "a"', '[[runners]]', '  limit = 1')),
      [
        `  old.yaml:6: concurrent: ${global} concurrent in a file of your own, or write concurrent here`,
        `  old.yaml:8: session_server.listen_address: ${global} it in a file of your own, as a value of the chart`,
        '  old.yaml:10: [[runners]] limit: nothing here writes it; the runner may still read it, or may have dropped it',
      ],
    );
    assert.equal(await told(block('[runners]', '  limit = 1')), [
      '  old.yaml:5: runners.config: it has no [[runners]], so that nothing of it is read',
    ]);
    assert.equal(await told('[a, b]'), ['  old.yaml:5: runners.config: it is no text, which the chart takes it for']);
    assert.equal(await told(block('{{- if .Values.x }}', '[[runners]]', '{{- end }}')), [
      '  old.yaml:5: runners.config: it is TOML only once Helm has filled it in: do that by hand, and import it again',
    ]);
    const [secret] = await told(block('[[runners]]', '  [runners.cache.s3]', '    SecretKey = "wJalrXUtnFEMIK7MDENG"'));
    assert.match(
      secret ?? '',
      /cache\.s3\.SecretKey: a secret stands in the file: put it into a Secret, .* and revoke this one$/,
    );
  }));

test('what is no file of values is said in a sentence', () =>
  inWorkspace(async ({ runArgs, write }) => {
    const texts = {
      empty: '',
      words: 'a: b\n',
      list: '- a\n',
      json: '{"openapi": "3.0.0"}',
      broken: 'a: [\n',
      bytes: '\0\0',
    };
    for (const [name, text] of Object.entries(texts)) {
      write(name, text);
      const { status, stdout, stderr } = await runArgs(['import', 'gitlab-runner', name]);
      assert.is(status, 2, name);
      assert.is(stdout, '', name);
      assert.match(stderr, /^postern: .+:\d+: \S.+ \S+\n {2}hint: give values of the chart .+\n$/, name);
    }
    for (const args of [['missing'], ['empty', 'words']]) {
      const { status, stderr } = await runArgs(['import', 'gitlab-runner', ...args]);
      assert.is(status, 2);
      assert.match(stderr, /^postern: .+\n {2}hint: give .+\n$/);
    }
  }));

test.run();
