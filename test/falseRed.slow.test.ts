import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { demoSpec } from './support/demo.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

// What other machines, editors and tools do to files, and what is no difference although the bytes are others.

const TARGETS = `targets:
  nginx: {}
  caddy: {}
  coredns: { form: configMap }
  bottlerocket: {}
  containerd: {}
  crio: {}
  talos: {}
  k3sRegistries: {}
  ipRanges: {}
`;
const SPEC = demoSpec.replace(/targets:\n(?: .*\n)*/, TARGETS);

/** Each way to write the same spec. */
const SPELLINGS: Readonly<Record<string, (text: string) => string>> = {
  'CR LF': (text) => text.replaceAll('\n', '\r\n'),
  'a byte order mark': (text) => `\ufeff${text}`,
  'no last line feed': (text) => text.trimEnd(),
  'comments and empty lines': (text) =>
    `# ours\n\n${text.replaceAll('\nroutes:', '\n\n# what may be asked\nroutes:')}\n\n`,
  'other blanks and quotes': (text) =>
    text.replace('name: demo', 'name:   "demo"').replace('listen: 8080', "'listen' : 8080"),
  'sections in another order': (text) => {
    const [version = '', name = '', ...sections] = text.split(/^(?=\S)/m);
    return [name, ...sections.reverse(), version].join('');
  },
};

function filesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.map((name) => join(folder, name)).filter((file) => statSync(file).isFile());
}

const test = suite('no false red');

async function inSync({ run }: Workspace, what: string): Promise<void> {
  for (const line of ['generate --check', 'diff']) {
    const { status, stdout, stderr } = await run(line);
    assert.equal([line, status, stdout], [line, 0, ''], `${what}: ${stderr}`);
  }
}

async function generated(work: (workspace: Workspace) => Promise<void>): Promise<void> {
  await inWorkspace(async (workspace) => {
    workspace.write('postern.yaml', SPEC);
    const { status, stderr } = await workspace.run('generate');
    assert.is(status, 0, stderr);
    await work(workspace);
  });
}

test('files of every target with CR LF, other modes, behind a link, and beside what others have put there', () =>
  generated(async (workspace) => {
    const files = filesBelow('generated');
    assert.ok(files.length > 15);
    for (const mode of [0o755, 0o400, 0o644]) {
      for (const file of files) chmodSync(file, mode);
      await inSync(workspace, `mode ${mode.toString(8)}`);
    }
    for (const file of files) writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\n', '\r\n'));
    await inSync(workspace, 'a checkout with autocrlf');
    for (const file of ['.DS_Store', 'nginx/.maps.conf.swp', 'nginx/access.log', 'nginx/nginx.pid', 'notes.txt'])
      workspace.write(`generated/${file}`, 'of somebody else\n');
    await inSync(workspace, 'files of others');
    mkdirSync('elsewhere/secrets', { recursive: true });
    renameSync('generated', 'elsewhere/secrets/generated');
    symlinkSync('elsewhere/secrets/generated', 'generated');
    await inSync(workspace, 'a linked folder');
    assert.match((await workspace.run('generate')).stderr, 'generated: 0 written');
  }));

test('the same spec and lists in another spelling', () =>
  generated(async (workspace) => {
    for (const [what, respelt] of Object.entries(SPELLINGS)) {
      const text = respelt(SPEC);
      assert.is.not(text, SPEC, what);
      workspace.write('postern.yaml', text);
      await inSync(workspace, what);
    }
    workspace.write('partner.txt', '\ufeff# the partner, since 2024\r\n\r\n  192.0.2.0/24  # office\r\n');
    await inSync(workspace, 'a list of addresses from another editor');
  }));

test('a spec that is named in another way, from elsewhere, and with another folder for the same files', () =>
  generated(async ({ run, path }) => {
    mkdirSync('deep/er', { recursive: true });
    for (const args of [
      './postern.yaml',
      '.',
      path,
      `${path}/postern.yaml`,
      '--out ./generated/',
      `--out ${path}/generated`,
    ])
      for (const command of ['generate --check', 'diff']) assert.is((await run(`${command} ${args}`)).status, 0, args);
    process.chdir('deep/er');
    assert.is((await run('diff ../../postern.yaml')).status, 0);
    process.chdir(path);
  }));

test('captures of what runs, as other tools keep them', () =>
  generated(async ({ run, read, write }) => {
    const nginx = readdirSync('generated/nginx')
      .filter((file) => file.endsWith('.conf'))
      .map((file) => `# configuration file /srv/secrets/my proxy/${file}:\n${read(`generated/nginx/${file}`)}\n`);
    const said = 'nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n';
    const captures: readonly [target: string, text: string][] = [
      ['nginx', nginx.join('')],
      ['nginx', said + nginx.toReversed().join('')],
      ['coredns', read('generated/coredns/configmap.yaml')],
      ['coredns', `---\n${read('generated/coredns/configmap.yaml')}...\n`],
      ['bottlerocket', read('generated/bottlerocket/user-data.toml')],
    ];
    for (const [target, text] of captures) {
      for (const respelt of [text, text.replaceAll('\n', '\r\n'), `\ufeff${text}`, text.trimEnd()]) {
        write('live.txt', respelt);
        const { status, stdout } = await run(`diff --live ${target}=live.txt`);
        assert.is(status, 0, `${target}: ${stdout}`);
        assert.match(stdout, 'in sync with what runs');
      }
    }
  }));

test('a file that an editor has given a byte order mark is red, says why, and is mended without force', () =>
  generated(async ({ run }) => {
    for (const file of filesBelow('generated')) writeFileSync(file, `\ufeff${readFileSync(file, 'utf8')}`);
    const { status, stdout } = await run('generate --check');
    assert.is(status, 1);
    for (const line of stdout.trimEnd().split('\n')) assert.match(line, /^change \S+: formatting only$/);
    assert.is((await run('generate')).status, 0);
    assert.is((await run('generate --check')).status, 0);
  }));

test.run();
