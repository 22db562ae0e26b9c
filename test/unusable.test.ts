import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importers } from '../src/commands/import.ts';
import { targets } from '../src/targets/index.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';

/** An example with each target that can be compared with what runs. */
const EXAMPLES: Readonly<Record<string, string>> = {
  bottlerocket: 'privatelink',
  caddy: 'gitlab-proxy',
  coredns: 'privatelink',
  ipRanges: 'addresses',
  nginx: 'gitlab-proxy',
  vault: 'vault',
};
const specOf = (target: string) =>
  fileURLToPath(new URL(`../examples/${EXAMPLES[target]}/postern.yaml`, import.meta.url));

/** What is in a file that somebody takes for the right one. */
const CONTENTS: Readonly<Record<string, string | Uint8Array>> = {
  empty: '',
  blank: '\n \n\t\n',
  picture: Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0xff, 0xfe]),
  'an error page': '<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n',
  'a message': 'error: You must be logged in to the server (Unauthorized)\n',
  'no JSON yet': '{ "apps": ',
  'JSON of something else': '{ "weather": [{ "day": 1, "sun": true }] }\n',
  'a list': '[]\n',
  'a number': '42\n',
  null: 'null\n',
  'another object': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: web\n',
};

/** Commands that read a file of somebody else's, by what they read. */
const COMMANDS: readonly (readonly [name: string, args: (file: string) => readonly string[]])[] = [
  ...importers().map(({ kind }) => [`import ${kind}`, (file: string) => ['import', kind, file]] as const),
  ...targets
    .filter(({ live }) => live)
    .map(
      ({ name }) => [`live ${name}`, (file: string) => ['diff', '--live', `${name}=${file}`, specOf(name)]] as const,
    ),
  ['ranges update', (file) => ['ranges', 'update', 'github', file, specOf('ipRanges'), '--check']],
];

const test = suite('unusable input');

test('every target that can be compared has an example here', () => {
  const live = targets.filter((target) => target.live).map(({ name }) => name);
  assert.equal(Object.keys(EXAMPLES).sort(), live.sort());
});

for (const [name, args] of COMMANDS) {
  test(`${name}: what cannot be read or is something else ends in status 2 and a sentence`, async () => {
    const folder = await temporaryFolder();
    try {
      const files: string[] = ['missing', 'folder'];
      await mkdir(join(folder.path, 'folder'));
      for (const [what, content] of Object.entries(CONTENTS)) {
        await writeFile(join(folder.path, what), content);
        files.push(what);
      }
      const wrong: string[] = [];
      for (const file of files) {
        const { status, stdout, stderr } = await runHere(args(join(folder.path, file)));
        const said = `${stdout}${stderr}`;
        const isSentence = /(?:error|postern): .*[a-z]+ [a-z]+/.test(said) && said.includes(file);
        if (status !== 2 || !isSentence) wrong.push(`${file}: ${status} ${JSON.stringify(said.slice(0, 300))}`);
      }
      assert.equal(wrong, []);
    } finally {
      await folder.remove();
    }
  });
}

test.run();
