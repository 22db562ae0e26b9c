import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from '../support/workspace.ts';

const SPEC = `version: 1
name: same
upstreams:
  gitlab: { url: https://gitlab.example.com }
  jira: { url: https://jira.example.com, tokenHeader: Authorization, tokenScheme: Basic }
routes:
  read: { upstream: gitlab, allow: [GET /api/v4/user] }
  issues: { upstream: jira, allow: ["GET /rest/api/2/issue/{issue}"] }
apiKeys:
  one: { key: env:ONE_KEY, token: env:ONE_TOKEN, routes: [read] }
  two: { key: env:TWO_KEY, token: env:TWO_TOKEN, routes: [issues] }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.7] } }
targets: { caddy: {} }
`;

const PASSWORD = 'p4ssW0rd-of.the~Robot+at_jira/7';
const settings = {
  ONE_KEY: 'kV3yMuch-Random_and.Not~Guessed+0',
  ONE_TOKEN: 'glpat-x7Kd93mWq0-PLr5tYb2C',
  TWO_KEY: 'An0ther-Random_and.Not~Guessed+1',
  TWO_TOKEN: `robot@example.com:${PASSWORD}`,
};
const base64 = Buffer.from(settings.TWO_TOKEN).toString('base64');

const same = suite('a key that an upstream takes too');

const KEYS = {
  'a token': settings.ONE_TOKEN,
  'a token in other capitals': settings.ONE_TOKEN.toUpperCase(),
  'the password of a Basic upstream': PASSWORD,
  'a password in other capitals': PASSWORD.toLowerCase(),
  'what Basic sends': base64,
};
for (const [what, key] of Object.entries(KEYS))
  for (const token of [settings.TWO_TOKEN, base64])
    for (const name of ['ONE_KEY', 'TWO_KEY'])
      same(`is found: ${what}, as ${name} beside ${token === base64 ? 'base64' : 'user:password'}`, () =>
        inWorkspace(async ({ run, write }) => {
          write('postern.yaml', SPEC);
          const given = { ...settings, TWO_TOKEN: token };
          assert.is((await run('secrets check', { settings: given })).status, 0);
          const { status, stdout } = await run('secrets check', { settings: { ...given, [name]: key } });
          assert.is(status, 1);
          const capitals = what.includes('capitals') ? ', in other capitals' : '';
          const other = what.startsWith('a token') ? 'ONE' : 'TWO';
          const words = `the key in env:${name} is also the upstream token in env:${other}_TOKEN${capitals} [secret/key-is-token]`;
          assert.ok(stdout.includes(words), stdout);
        }),
      );

same.run();
