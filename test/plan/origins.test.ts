import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ODD_URL, originSource } from '../../src/plan/forwards.ts';
import { randomOf } from '../../src/verify/random.ts';

const UPSTREAM = { host: 'gitlab.example.com', port: 8443 };
const PIECES = {
  scheme: ['https:', 'http:', 'HTTPS:', 'Http:', 'ht\ttp:', '\x01http:', ''],
  slashes: ['//', '//', '///', '/', '\\\\', '/\\', '\\/', '/\t/', ' //', ''],
  user: ['', '', '', 'user@', 'user:word@', ':@', 'a@b@', 'u%40@'],
  host: [
    'gitlab.example.com',
    'GitLab.Example.COM',
    'gitlab%2Eexample.com',
    'gitlab.example.co%6d',
    'gitlab\u3002example.com',
    'evil.example',
  ],
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

const own = new RegExp(`^${originSource([UPSTREAM])}(?=[/?#]|$)`);
const odd = new RegExp(`^(?:${ODD_URL.replaceAll('(?i:https?:)', '(?:[Hh][Tt][Tt][Pp][Ss]?:)')})`);

test('a URL in every spelling that leads a client to the upstream is known as its own, or as odd', () => {
  const random = randomOf('spellings of origins');
  const [goals, bases] = [[80, 443, 8443].map((port) => `gitlab.example.com:${port}`), ['http', 'https']];
  let led = 0;
  for (let round = 0; round < 40_000; round += 1) {
    const text = Object.values(PIECES)
      .map((pieces) => random.pick(pieces))
      .join('');
    const reached = bases.map((scheme) => clientGoesTo(text, `${scheme}://proxy.example/`));
    if (!reached.some((goal) => goal !== undefined && goals.includes(goal))) continue;
    led += 1;
    assert.ok(own.test(text) || odd.test(text), JSON.stringify(text));
  }
  assert.ok(led > 1_000, String(led));
});

test('a plain URL is not odd, and that of another host not its own', () => {
  for (const scheme of ['http:', 'https:', ''])
    for (const host of [
      'evil.example',
      'a_b.example.',
      'gitlab.example.com.evil.example',
      '[2001:db8::1]',
      '192.0.2.1',
    ])
      for (const port of ['', ':80', ':8443'])
        for (const rest of ['', '/', '/x@y:0/\u00e4//\\?a=:0@#:', '?a=b', '#c']) {
          const text = `${scheme}//${host}${port}${rest}`;
          assert.not.ok(odd.test(text) || own.test(text), text);
        }
  for (const text of ['', '/', '/x', 'x/y', '../x?y=//z', '?x', '#x', '/x//y\\z', '/ x', 'mailto:a@b'])
    assert.not.ok(odd.test(text) || own.test(text), text);
});

test.run();
