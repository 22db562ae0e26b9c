import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { originSource } from '../../src/plan/forwards.ts';
import { randomOf } from '../../src/verify/random.ts';

const UPSTREAM = { host: 'gitlab.example.com', port: 8443 };
const PIECES = {
  scheme: ['https:', 'http:', 'HTTPS:', 'Http:', ''],
  slashes: ['//', '///', '/', '\\\\', '/\\', '\\/', '/\t/', ''],
  user: ['', '', '', 'user@', 'user:word@', ':@', 'a@b@', 'u%40@'],
  host: ['gitlab.example.com', 'GitLab.Example.COM', 'gitlab%2Eexample.com', 'gitlab.example.co%6d', 'evil.example'],
  dot: ['', '', '.'],
  after: ['', '', '.evil.example', '-x', '@evil.example'],
  port: ['', '', ':', ':8443', ':443', ':80', ':08443', ':00443', ':8444', ':84430'],
  rest: ['/x', '', '?a=b', '#c', '/x@y', '\\x'],
};

/** The host and port to which a client would send its next request, without the dot of the DNS root. */
function clientGoesTo(text: string, base: string): string | undefined {
  if (!URL.canParse(text, base)) return undefined;
  const { hostname, port, protocol } = new URL(text, base);
  return `${hostname.replace(/[.]$/, '')}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}

test('an origin in every spelling that leads a client to the upstream is found, and no other plain one', () => {
  const source = new RegExp(`^${originSource([UPSTREAM])}(?=[/?#\\\\]|$)`);
  const random = randomOf('spellings of origins');
  const [own, bases] = [[80, 443, 8443].map((port) => `gitlab.example.com:${port}`), ['http', 'https']];
  let led = 0;
  for (let round = 0; round < 40_000; round += 1) {
    const text = Object.values(PIECES)
      .map((pieces) => random.pick(pieces))
      .join('');
    const goals = bases.map((scheme) => clientGoesTo(text, `${scheme}://proxy.example/`));
    const leads = goals.some((goal) => goal !== undefined && own.includes(goal));
    if (leads) led += 1;
    if (leads) assert.ok(source.test(text), `${JSON.stringify(text)} is not found`);
    else if (goals.includes('evil.example:443') && !text.includes('%'))
      assert.not.ok(source.test(text), `${JSON.stringify(text)} is found`);
  }
  assert.ok(led > 1_000, String(led));
});

test.run();
