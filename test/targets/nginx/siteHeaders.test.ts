import * as assert from 'uvu/assert';
import { engineSuite } from '../../engines/suite.ts';
import { scoped } from '../../support/scoped.ts';
import { GITLAB, REGISTRY } from '../../support/sites.ts';
import { startSites } from './siteWorld.ts';

const { test, engines } = await engineSuite('nginx: URLs in headers', ['nginx', 'nginx-newest', 'openssl']);

const times = (count: number, text: (number: number) => string, between: string) =>
  Array.from({ length: count }, (_, number) => text(number)).join(between);

/** Headers that hold `count` URLs of each of some origins. */
const links = (count: number, ...origins: readonly string[]) =>
  times(count, (number) => origins.map((origin) => `<https://${origin}/api?page=${number}>; rel="x"`).join(', '), ', ');
const realms = (count: number, origin: string) =>
  `Bearer ${times(count, (number) => `realm${number}="https://${origin}/jwt/auth"`, ',')}`;
const policy = (count: number, ...origins: readonly string[]) =>
  `img-src ${times(count, (number) => origins.map((origin) => `https://${origin}/${number}/ wss://${origin}`).join(' '), ' ')}`;

const OTHERS = { url: 'https://gitlab.example.com:8443', rewrites: [{ from: 'kas.example.com', to: 'kas.internal' }] };

for (const version of ['nginx', 'nginx-newest'] as const) {
  test(
    `${version}: every URL is mapped as far as it can be, and no half of one`,
    scoped(async (scope) => {
      let fields: readonly (readonly [string, string])[] = [];
      const answer = () => ({ fields });
      const world = await startSites({ ...engines, nginx: engines[version], secure: true, answer, ...OTHERS }, scope);
      const get = async (header: string, value: string, host = REGISTRY) => {
        fields = [[header, value]];
        const { status, field } = await world.ask(REGISTRY, [], host);
        assert.is(status, 200);
        return field(header);
      };
      const [both, mapped] = [
        ['gitlab.example.com', 'registry.example.com'],
        [GITLAB, REGISTRY],
      ] as const;
      assert.is(await get('Link', links(4, ...both)), links(4, ...mapped));
      assert.is(await get('Link', links(17, both[0])), undefined, 'more than can be mapped');
      assert.is(await get('Link', links(9, 'other.example.com')), links(9, 'other.example.com'));
      assert.is(await get('Www-Authenticate', realms(4, both[0])), realms(4, GITLAB));
      assert.is(await get('Www-Authenticate', realms(5, both[0])), undefined, 'more than can be mapped');
      const csp = 'Content-Security-Policy';
      assert.is(await get(csp, policy(8, ...both)), policy(8, ...mapped));
      const rest = policy(2, both[0]).replace('img-src', '');
      assert.is(await get(csp, policy(16, both[0]) + rest), policy(16, GITLAB) + rest, 'it says less, not more');
      const foreign = ` ${times(1_000, (number) => `https://cdn${number}.example.net`, ' ')}`;
      assert.is(await get(csp, policy(8, ...both) + foreign), policy(8, ...mapped) + foreign, 'a long one');
      // The port is the one that the client knows, and the upstream's own one stands for it.
      assert.is(await get('Location', 'https://gitlab.example.com:8443/a'), `https://${GITLAB}/a`);
      assert.is(await get('Location', 'http://gitlab.example.com/a', `${REGISTRY}:4443`), `https://${GITLAB}:4443/a`);
      assert.is(await get('Location', 'https://gitlab.example.com?a', `${REGISTRY}:443`), `https://${GITLAB}?a`);
      for (const other of ['https://gitlab.example.com:5050/a', 'https://gitlab.example.com.evil/', '/a', '//x/a'])
        assert.is(await get('Location', other), other);
      assert.is(
        await get('Refresh', '0; URL =https://gitlab.example.com/a?url=//b'),
        `0; URL =https://${GITLAB}/a?url=//b`,
      );
      for (const before of ['0; url= ', '0;', '0, ', '.5 ', '0; ', '1;  URL\t=\t'])
        for (const [odd, to] of [
          ['https://gitlab.example.com/a', `https://${GITLAB}/a`],
          ['//gitlab.example.com?url=https://gitlab.example.com', `https://${GITLAB}?url=https://gitlab.example.com`],
          ['"https://gitlab.example.com/"', '/'],
          ['\\\\gitlab.example.com', '/'],
          ['https://other.example.com/', 'https://other.example.com/'],
          ['there?url=https://gitlab.example.com', 'there?url=https://gitlab.example.com'],
        ] as const)
          assert.is(await get('Refresh', before + odd), before + to, before + odd);
      assert.is(await get('Refresh', '5'), '5');
      // Somebody else answers under this name, wherever our clients come in.
      assert.is(await get('Location', 'https://kas.example.com/a', `${REGISTRY}:4443`), 'https://kas.internal/a');
      await world.ask(GITLAB, [`Origin: https://${GITLAB}:4443`]);
      const last = world.upstream.take().at(-1);
      for (const header of ['host', 'x-forwarded-host']) assert.is(last?.field(header), 'gitlab.example.com:8443');
      assert.is(last?.field('origin'), 'https://gitlab.example.com:8443');
    }),
  );

  test(
    `${version}: what an upstream tells a proxy is neither obeyed nor passed on`,
    scoped(async (scope) => {
      const fields = ['Redirect', 'Buffering', 'Limit-Rate'].map((name) => [`X-Accel-${name}`, '/%/404'] as const);
      const answer = { fields: [...fields, ['Via', '1.1 x'] as const] };
      const { ask } = await startSites({ ...engines, nginx: engines[version], secure: true, answer }, scope);
      const response = await ask(GITLAB);
      assert.is(response.status, 200);
      assert.is(response.text(), '{"ok":true}');
      for (const [header] of answer.fields) assert.is(response.field(header), undefined, header);
    }),
  );
}

test(
  'each of hundreds of names is known, in headers and in cookies',
  scoped(async (scope) => {
    const name = (number: number, zone: string) => `a-name-of-some-length-${number}.${zone}.example.com`;
    const some = (zone: string, of: (name: string) => string) => times(8, (n) => of(name(n * 42, zone)), ', ');
    const link = (name: string) => `<https://${name}/a>; rel="x"`;
    const fields = [
      ['Link', some('public', link)] as const,
      ['Set-Cookie', `a=b; domain=${name(299, 'public')}`] as const,
    ];
    const rewrites = Array.from({ length: 300 }, (_, number) => {
      return { from: name(number, 'public'), to: name(number, 'private'), upstream: 'gitlab' };
    });
    const { ask } = await startSites({ ...engines, secure: true, answer: { fields }, rewrites }, scope);
    const response = await ask(GITLAB, [], GITLAB);
    assert.is(response.field('link'), some('private', link));
    assert.is(response.field('set-cookie'), `a=b; domain=${name(299, 'private')}`);
  }),
);

for (const [version, seen] of [
  ['nginx', 'one'],
  ['nginx-newest', 'one, two'],
] as const) {
  test(
    `${version}: of a header in several lines it passes on "${seen}"`,
    scoped(async (scope) => {
      const headers = ['Www-Authenticate', 'Link', 'Content-Security-Policy'];
      const fields = headers.flatMap((header) => ['one', 'two'].map((value) => [header, value] as const));
      const world = await startSites({ ...engines, nginx: engines[version], secure: true, answer: { fields } }, scope);
      const response = await world.ask(GITLAB);
      for (const header of headers) assert.is(response.field(header), seen, header);
    }),
  );
}

test.run();
