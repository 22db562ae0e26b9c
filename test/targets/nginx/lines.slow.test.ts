import * as assert from 'uvu/assert';
import type { RawResponse } from '../../../src/verify/raw.ts';
import type { Recorded } from '../../../src/verify/recorder.ts';
import { engineSuite } from '../../engines/suite.ts';
import { scoped } from '../../support/scoped.ts';
import { GITLAB } from '../../support/sites.ts';
import { startSites } from './siteWorld.ts';
import { KEY, startWorld } from './world.ts';

const { test, engines } = await engineSuite('nginx: several lines of a header', ['nginx', 'nginx-newest', 'openssl']);

const LINES: Readonly<Record<string, readonly [string, string]>> = {
  'Www-Authenticate': ['Basic realm="one"', 'Bearer realm="two"'],
  Link: ['</one>; rel="next"', '</two>; rel="last"'],
  'Access-Control-Allow-Origin': ['https://one.example.com', 'https://two.example.com'],
  'Content-Security-Policy': ["img-src 'self'", "script-src 'self'"],
  'Set-Cookie': ['one=1', 'two=2'],
  Vary: ['One', 'Two'],
};

/** The lines of an answer that were sent twice, as text. */
function linesOf({ fields }: Pick<RawResponse | Recorded, 'fields'>, names: readonly string[]): string[] {
  return names.map((name) => {
    const lines = fields.filter(([field]) => field.toLowerCase() === name.toLowerCase());
    return `${name}: ${lines.map(([, value]) => value).join(', ')}`;
  });
}

const all = (names: readonly string[]) => names.map((name) => `${name}: ${LINES[name]?.join(', ')}`);
const first = (names: readonly string[]) => names.map((name) => `${name}: ${LINES[name]?.[0]}`);
const answer = { fields: Object.entries(LINES).flatMap(([name, lines]) => lines.map((line) => [name, line] as const)) };

/** Names as the warning `nginx/first-line-only` has them. */
const [ON_PROXIES, ON_SITES] = [
  ['Link', 'Www-Authenticate'],
  ['Link', 'Www-Authenticate', 'Access-Control-Allow-Origin', 'Content-Security-Policy'],
];

for (const [engine, of] of [
  ['nginx', first],
  ['nginx-newest', all],
] as const) {
  test(
    `${engine}: of a proxy`,
    scoped(async (scope) => {
      const { ask, requests } = await startWorld(scope, { program: engines[engine].path, answer });
      const others = ['Access-Control-Allow-Origin', 'Content-Security-Policy', 'Vary'];
      const response = await ask('GET /things', [`PRIVATE-TOKEN: ${KEY}`, 'Accept: text/a', 'Accept: text/b']);
      assert.equal(linesOf(response, [...ON_PROXIES, ...others]), [...of(ON_PROXIES), ...all(others)]);
      assert.is(response.field('Set-Cookie'), undefined);
      const sent = requests[0] ?? { fields: [] };
      assert.equal(linesOf(sent, ['Accept']), [`Accept: ${of === all ? 'text/a, text/b' : 'text/a'}`]);
    }),
  );

  test(
    `${engine}: of a site`,
    scoped(async (scope) => {
      const nginx = engines[engine];
      const { ask } = await startSites({ ...engines, nginx, secure: true, answer }, scope);
      const others = ['Set-Cookie', 'Vary'];
      assert.equal(linesOf(await ask(GITLAB), [...ON_SITES, ...others]), [...of(ON_SITES), ...all(others)]);
    }),
  );
}

test.run();
