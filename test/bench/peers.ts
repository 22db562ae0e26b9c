/**
 * What others take for the same: aerleon for a policy of so many address ranges, octoDNS for so many names. Whole
 * processes in turns, in processor time and memory; both come from PyPI when they are first asked for. `--only octodns`
 * leaves the other out.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPypi } from '../engines/pypi.ts';
import { mustRun } from '../engines/run.ts';
import { costRow, openBench } from './report.ts';
import { specText } from './specs.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const ENGINES = fileURLToPath(new URL('../../.engines/', import.meta.url));

interface Peer {
  readonly name: string;
  readonly version: string;
  readonly command: string;
  /** What it is asked to do, and of how much. */
  readonly what: string;
  readonly sizes: readonly number[];
  /** The files that it reads, for so many ranges or names. */
  files(count: number): Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** The folder that it writes, and how many ranges or names are in its files. */
  readonly out: string;
  counted(text: string): number;
  /** The same for Postern. */
  spec(count: number): string;
}

const rangesOf = (count: number): string[] =>
  JSON.parse(specText({ routes: 1, keys: 1, cidrs: count }, {})).ipRanges.clients;

interface Rewrite {
  readonly from: string;
  readonly to: string;
}

const rewritesOf = (count: number): Rewrite[] =>
  JSON.parse(specText({ routes: 1, keys: 1, cidrs: 1, rewrites: count }, {})).domainRewrites.slice(1);

const AERLEON: Peer = {
  name: 'aerleon',
  version: '1.18.0',
  command: 'aclgen',
  what: 'ranges',
  sizes: [1_000, 10_000, 100_000],
  files: (count) => ({
    'def/networks.yaml': `networks:\n  CLIENTS:\n    values:\n${rangesOf(count)
      .map((range) => `      - address: ${range}\n`)
      .join('')}`,
    'def/services.yaml': 'services:\n  HTTPS:\n    - protocol: tcp\n      port: 443\n',
    'policies/pol/clients.yaml': `filename: clients
filters:
  - header:
      targets:
        nftables: inet input
    terms:
      - name: clients
        source-address: CLIENTS
        destination-port: HTTPS
        protocol: tcp
        action: accept
`,
  }),
  args: ['--base_directory', 'policies', '--definitions_directory', 'def', '--output_directory', 'out'],
  out: 'out',
  counted: (text) => text.match(/\d\/29/g)?.length ?? 0,
  spec: (count) =>
    specText(
      { routes: 1, keys: 1, cidrs: count },
      {
        ipRanges: { forms: ['lists', 'nftables'], open: { gitlab: { sets: ['clients'], ports: [443] } } },
        nginx: {},
        caddy: {},
      },
    ),
};

const OCTODNS: Peer = {
  name: 'octodns',
  version: '1.22.0',
  command: 'octodns-sync',
  what: 'names',
  sizes: [1_000, 10_000],
  files: (count) => ({
    'config.yaml': `providers:
  config: { class: octodns.provider.yaml.YamlProvider, directory: ./zones, default_ttl: 60, enforce_order: false }
  target: { class: octodns.provider.yaml.YamlProvider, directory: ./out, default_ttl: 60, enforce_order: false }
zones:
  example.com.: { sources: [config], targets: [target] }
`,
    'zones/example.com.yaml': `---\n${rewritesOf(count)
      .map(({ from, to }) => `${from.replace(/\.example\.com$/, '')}:\n  type: CNAME\n  value: ${to}.\n`)
      .join('')}`,
  }),
  args: ['--config-file', 'config.yaml', '--doit', '--force', '--quiet'],
  out: 'out',
  counted: (text) => text.match(/value: /g)?.length ?? 0,
  spec: (count) => specText({ routes: 1, keys: 1, cidrs: 1, rewrites: count }, { coredns: { form: 'configMap' } }),
};

async function programOf({ name, version, command }: Peer): Promise<string> {
  const folder = join(ENGINES, `${name}-${version}`);
  const program = join(folder, command);
  if (!existsSync(program)) await installPypi({ kind: 'pypi', package: name, version }, folder, command);
  return program;
}

interface Cost {
  readonly milliseconds: number;
  readonly megabytes: number;
}

/** Python tells what a child needed, which Node does not; it is there, since the peers are written in it. */
const USAGE = `import json, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"milliseconds": (used.ru_utime + used.ru_stime) * 1000, "megabytes": used.ru_maxrss / 1024}))
`;

async function cost(command: readonly string[], cwd: string): Promise<Cost> {
  const told: Cost = JSON.parse(await mustRun('python3', ['-c', USAGE, ...command], { cwd }));
  return told;
}

function writeAll(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** A peer that wrote less than it was given would be quick for nothing. */
function checkOutput({ name, out, counted }: Peer, folder: string, count: number): void {
  const files = readdirSync(join(folder, out)).map((file) => readFileSync(join(folder, out, file), 'utf8'));
  const found = counted(files.join(''));
  if (found < count) throw new Error(`${name} wrote ${found} of ${count}`);
}

const bench = openBench();
const top = mkdtempSync(join(tmpdir(), 'postern-peers-'));
try {
  for (const peer of [AERLEON, OCTODNS].filter(({ name }) => bench.only === undefined || name === bench.only)) {
    const program = await programOf(peer);
    for (const size of peer.sizes.slice(0, bench.quick ? 1 : undefined)) {
      const folder = join(top, `${peer.name}-${size}`);
      writeAll(folder, { ...peer.files(size), 'postern.yaml': peer.spec(size) });
      const costs: (readonly [own: Cost, other: Cost])[] = [];
      for (let round = 0; round < (bench.quick ? 1 : 3); round += 1) {
        rmSync(join(folder, peer.out), { recursive: true, force: true });
        rmSync(join(folder, 'generated'), { recursive: true, force: true });
        mkdirSync(join(folder, peer.out));
        const own = await cost([process.execPath, CLI, 'generate'], folder);
        costs.push([own, await cost([program, ...peer.args], folder)]);
        checkOutput(peer, folder, size);
      }
      const least = (side: 0 | 1, field: keyof Cost) => Math.min(...costs.map((both) => both[side][field]));
      for (const field of ['milliseconds', 'megabytes'] as const) {
        const row = {
          engine: 'postern',
          case: `${peer.what}, ${field}`,
          size,
          control: `${peer.name} ${peer.version}`,
        };
        bench.add(costRow({ bench: 'peers', ...row, cpu: least(0, field), controlCpu: least(1, field) }));
      }
    }
  }
  bench.finish();
} finally {
  rmSync(top, { recursive: true, force: true });
}
