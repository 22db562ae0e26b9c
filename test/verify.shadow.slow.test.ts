import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';
import { alike, shadow, spec } from './verify/shadowed.ts';

const inFile =
  (name: RegExp, from: string | RegExp, to: string) =>
  (file: RenderedFile): RenderedFile =>
    name.test(file.path) ? { ...file, text: file.text.replaceAll(from, to) } : file;

const anySize = (file: RenderedFile): RenderedFile => ({
  ...file,
  text: file.text.replace(/\{shadow\.body\} \{[\s\S]*?\n\t+\}/g, (map) => map.replaceAll('"body-size"', '"ok"')),
});

/** Mistakes in what is made of the shadow alone. */
const PLANTED = {
  caddy: [
    ['a path too many', inFile(/shadow\.routes$/, 'POST=read~10kb', 'PATCH=read~10kb')],
    ['another status', inFile(/Caddyfile$/, 'vars @shadow-404 shadow 404', 'vars @shadow-404 shadow 403')],
    ['a status that is text', inFile(/Caddyfile$/, 'vars @shadow-401 shadow 401', 'vars @shadow-401 shadow "401"')],
    ['keys of another time', inFile(/Caddyfile$/, '"~^gone$" "*/any/2098', '"~^none$" "*/any/2098')],
    ['bodies of any size', anySize],
    ['everybody is inside', inFile(/Caddyfile$/, 'vars @shadow-outside shadow_pass address', '')],
  ],
  nginx: [
    [
      'a path too many',
      inFile(
        /shadow\.conf$/,
        '"POST /api/v4/projects/{encodedPath}/hooks"',
        '"PUT /api/v4/projects/{encodedPath}/hooks"',
      ),
    ],
    ['another status', inFile(/shadow\.conf$/, '"path" "404"', '"path" "403"')],
    ['keys of another time', inFile(/shadow\.conf$/, '"gone" "*"', '"gone" ""')],
    ['addresses of the spec that is enforced', inFile(/maps\.conf$/, '10.0.0.0/9', '10.0.0.0/8')],
    ['bodies of any size', inFile(/shadow\.conf$/, 'default "body-size"', 'default "null"')],
    ['bodies of any type', inFile(/shadow\.conf$/, 'default "content-type"', 'default "null"')],
  ],
} as const;

/** Mistakes in what is known beforehand where the two are much alike. */
const FORESEEN = {
  caddy: [],
  nginx: [
    ['a decision', inFile(/shadow\.conf$/, '"forward-gitlab * read" "null"', '"forward-gitlab * read" "403"')],
    ['a route', inFile(/shadow\.conf$/, 'hooks" "read";', 'hooks" "write";')],
    ['a status', inFile(/shadow\.conf$/, 'hooks/{int}" "404";', 'hooks/{int}" "405";')],
  ],
} as const;

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`what is wrong with the shadow of ${engine} is found`, [engine]);

  for (const [title, tamper] of PLANTED[engine]) {
    test(title, async () => {
      const found = await verified({ spec, shadow, target, program: engines[engine].path, requests: 1500, tamper });
      assert.match(findings(found), /access log (?:lacks a line with .*"shadow"|has a line whose "shadow")/);
    });
  }

  for (const [title, tamper] of FORESEEN[engine]) {
    test(`${title} that is known beforehand`, async () => {
      const found = await verified({ ...alike, target, program: engines[engine].path, requests: 1500, tamper });
      assert.match(findings(found), /access log (?:lacks a line with .*"shadow"|has a line whose "shadow")/);
    });
  }

  test.run();
}
