import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { CannotTell } from '../src/prove/explore.ts';
import { readContainerd } from '../src/targets/containerd/readBack.ts';
import { readCrio } from '../src/targets/crio/readBack.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { randomOf } from '../src/verify/random.ts';
import { openScope, type Scope } from '../src/verify/scope.ts';
import { run } from './engines/run.ts';
import { engineSuite } from './engines/suite.ts';
import { startContainerd } from './support/containerd.ts';

const REGISTRY = 'registry.postern.invalid';
const IMAGE = '/group/app';

/** Mirrors without images, and the URLs up to the name of the image that they were asked for, in order. */
async function startMirrors(count: number, scope: Scope): Promise<{ urls: readonly string[]; asked: string[] }> {
  const asked: string[] = [];
  const urls: string[] = [];
  for (let number = 0; number < count; number++) {
    const server = createServer(({ url = '' }, response) => {
      const end = url.indexOf(`${IMAGE}/manifests/`);
      if (end >= 0) asked.push(`${urls[number]}${url.slice(0, end)}`);
      response.writeHead(url === '/v2/' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    scope.defer(async () => {
      server.close();
      server.closeAllConnections();
    });
    urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  return { urls, asked };
}

/** Those of a chain that are on this machine. */
const here = (sources: readonly string[]) => sources.filter((each) => each.startsWith('http://127.0.0.1:'));
const inOrder = (all: readonly string[]) => [...new Set(all)];

/** Hosts of containerd in any order, with and without paths and servers. */
function hostsFile(urls: readonly string[], seed: number): string {
  const random = randomOf(`hosts ${seed}`);
  const entry = (url: string) => {
    const path = random.pick(['', '', '/hub', '/v2', '/hub/v2']);
    const whole = random.chance(0.4) ? 'override_path = true\n' : '';
    return { url: `${url}${path}`, fields: `${random.pick(['', 'capabilities = ["pull", "resolve"]\n'])}${whole}` };
  };
  const [first, ...hosts] = random.shuffled(urls).map(entry);
  const last = first && random.chance(0.5) ? `server = "${first.url}"\n${first.fields}` : '';
  const all = first && last === '' ? [first, ...hosts] : hosts;
  return `${last}${all.map(({ url, fields }) => `\n[host."${url}"]\n${fields}`).join('')}`;
}

for (const age of ['', '-newest'] as const) {
  const names = [`containerd${age}`, `ctr${age}`] as const;
  const { test, engines } = await engineSuite(`containerd${age} asks whom the reader says`, names);
  test('in their order', async () => {
    const scope = openScope();
    try {
      const { urls, asked } = await startMirrors(3, scope);
      const folder = await temporaryFolder();
      scope.defer(() => folder.remove());
      const programs = { containerd: engines[names[0]].path, ctr: engines[names[1]].path };
      const ctr = await startContainerd(programs, `${folder.path}/home`, scope);
      for (let number = 0; number < 20; number++) {
        const text = hostsFile(urls, number);
        const path = `${number}/certs.d/${number % 3 === 0 ? '_default' : REGISTRY}/hosts.toml`;
        await folder.write(path, text);
        asked.length = 0;
        const { text: told } = await ctr(
          'content',
          'fetch',
          '--hosts-dir',
          `${folder.path}/${number}/certs.d`,
          `${REGISTRY}${IMAGE}:v1`,
        );
        const [model] = readContainerd([{ path, text }]);
        assert.equal(inOrder(asked), here(model?.chain(REGISTRY).sources ?? []), `${text}\n${told}`);
      }
    } finally {
      await scope.close();
    }
  });
  test.run();
}

const { test: skopeo, engines: clients } = await engineSuite('skopeo asks whom the reader says', ['skopeo']);
skopeo('in their order', async () => {
  const scope = openScope();
  try {
    const { urls, asked } = await startMirrors(3, scope);
    const folder = await temporaryFolder();
    scope.defer(() => folder.remove());
    const env = { ...process.env, HOME: folder.path, XDG_CONFIG_HOME: `${folder.path}/.config` };
    for (let number = 0; number < 12; number++) {
      const random = randomOf(`registries ${number}`);
      const [location = '', ...mirrors] = random
        .shuffled(urls)
        .map((url) => `location = "${url.slice('http://'.length)}${random.pick(['', '/hub'])}"\ninsecure = true\n`);
      const own = random.chance(0.5) ? location : `location = "${REGISTRY}"\n`;
      const text = `[[registry]]\nprefix = "${REGISTRY}"\n${own}${mirrors.map((one) => `\n[[registry.mirror]]\n${one}`).join('')}`;
      await folder.write('.config/containers/registries.conf', text);
      asked.length = 0;
      const { text: told } = await run(
        clients.skopeo.path,
        ['inspect', '--retry-times=0', `docker://${REGISTRY}${IMAGE}:v1`],
        { env },
      );
      const [model] = readCrio([{ path: 'crio/registries.conf', text }]);
      assert.equal(inOrder(asked), here(model?.chain(REGISTRY).sources ?? []), `${text}\n${told}`);
    }
    assert.throws(
      () => readCrio([{ path: 'crio/x', text: '[[registry]]\nprefix = "*.example.com"\nlocation = "x"\n' }]),
      (error: unknown) => error instanceof CannotTell,
    );
  } finally {
    await scope.close();
  }
});
skopeo.run();
