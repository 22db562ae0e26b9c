import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { layOut, parseDockerfile } from './support/dockerfile.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const DOCKERFILES = ['.docker/Dockerfile', 'examples/deploy/Dockerfile'];

const images = suite('images');

for (const file of DOCKERFILES)
  images(`${file}: each instruction is well formed, nothing runs as root, and no secret is named`, () => {
    const instructions = parseDockerfile(read(file));
    const user = instructions.findLast(({ name }) => name === 'USER')?.rest;
    assert.match(user ?? '', /^(?!root|0)/);
    // Nothing else of the environment is for an image: it could be a secret.
    const isKnown = (rest: string) => /^(?:MALLOC_[A-Z]+_THRESHOLD_=\d+(?: |$))+$/.test(rest);
    assert.is(
      instructions.some(({ name, rest }) => (name === 'ENV' && !isKnown(rest)) || name === 'ADD'),
      false,
    );
  });

images('what is no instruction is noticed', () => {
  for (const line of ['COPPY a b', 'CMD ["a"', 'EXPOSE http', 'STOPSIGNAL QUIT', 'COPY a', 'FROM a b', 'copy a b'])
    assert.throws(() => parseDockerfile(`FROM scratch\n${line}\n`), /known here|JSON/, line);
});

images('the proxy: what generate wrote, and no secret', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const context = join(path, 'deploy');
    cpSync(join(root, 'examples/deploy'), context, { recursive: true });
    const generated = join(context, 'generated/nginx');
    mkdirSync(join(generated, 'secrets'), { recursive: true });
    writeFileSync(join(generated, 'secrets/tokens.conf'), 'secret');
    const files = readdirSync(generated).filter((name) => name !== 'secrets');
    const [dockerfile, ignore] = [join(context, 'Dockerfile'), join(context, '.dockerignore')];
    const stage = layOut({ context, dockerfile, ignore, into: path });
    assert.equal(readdirSync(join(stage, 'etc/postern')), files);
    assert.equal(readdirSync(stage), ['etc']);
    assert.equal(readdirSync(join(path, 'context')), ['generated']);
    assert.not.ok(existsSync(join(path, 'context/generated/ACCESS.md')));
  } finally {
    await remove();
  }
});

images('the proxy starts, stops and is asked as under docker compose', () => {
  const of = (name: string) =>
    parseDockerfile(read('examples/deploy/Dockerfile')).find((one) => one.name === name)?.rest ?? '';
  const { services } = load(read('examples/deploy/compose.yaml')) as {
    services: {
      proxy: {
        image: string;
        command: string[];
        environment: Readonly<Record<string, string>>;
        stop_signal: string;
        healthcheck: { test: string[] };
      };
    };
  };
  const { image, command, environment, stop_signal, healthcheck } = services.proxy;
  assert.is(of('FROM'), image);
  assert.equal(JSON.parse(of('CMD')), command);
  assert.is(of('STOPSIGNAL'), stop_signal);
  const kept = Object.entries(environment).map(([name, text]) => `${name}=${text}`);
  assert.equal(of('ENV').split(' '), kept);
  assert.equal(['CMD', ...JSON.parse(of('HEALTHCHECK').replace(/^CMD /, ''))], healthcheck.test);
});

images('nginx keeps the memory of requests wherever it is deployed', () => {
  const { services } = load(read('examples/deploy/compose.yaml')) as {
    services: { proxy: { environment: Readonly<Record<string, string>> } };
  };
  const wanted = services.proxy.environment;
  assert.equal(Object.keys(wanted), ['MALLOC_TRIM_THRESHOLD_', 'MALLOC_MMAP_THRESHOLD_']);
  const unit = /^Environment=(.*)$/m.exec(read('examples/deploy/systemd/postern.service'))?.[1] ?? '';
  assert.equal(Object.fromEntries(unit.split(' ').map((each) => each.split('='))), wanted);
  const { spec } = load(read('examples/deploy/generated/kubernetes/deployment.yaml')) as {
    spec: { template: { spec: { containers: readonly { env: readonly { name: string; value: string }[] }[] } } };
  };
  const [{ env = [] } = {}] = spec.template.spec.containers;
  assert.equal(Object.fromEntries(env.map(({ name, value }) => [name, value])), wanted);
});

images.run();
