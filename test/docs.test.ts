import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

const docs = suite('docs');

docs('lists pages that are there, each with what it is about; words choose among them', () =>
  inWorkspace(async ({ run }) => {
    const { status, stdout } = await run('docs');
    assert.is(status, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.ok(lines.length > 10);
    for (const line of lines) {
      const [, file = '', about = ''] = /^(\S+) {2,}(\S.*)$/.exec(line) ?? [];
      assert.ok(existsSync(file) && about !== '', line);
    }
    const vault = (await run('docs VAULT')).stdout;
    assert.match(vault, /^\S*examples\/vault\/README\.md {2}Tokens from Vault or OpenBao$/m);
    assert.not.match(vault, 'privatelink');
    assert.is((await run('docs nothing-like-it')).status, 1);
  }),
);

docs.run();
