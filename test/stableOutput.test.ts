import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { compareLines } from '../src/output/lines.ts';
import { specText } from './bench/specs.ts';

const test = suite('stable output: nginx');

type Files = ReadonlyMap<string, string>;

function filesOf(size: number, edit: (allow: string[]) => string[]): Files {
  const spec = JSON.parse(specText({ routes: size, keys: 2, cidrs: 2 }, { nginx: {} }));
  spec.routes.main.allow = edit(spec.routes.main.allow);
  const { files, diagnostics } = compile(JSON.stringify(spec), { file: 'postern.json', read: () => undefined });
  if (!files) throw new Error(JSON.stringify(diagnostics));
  return new Map(files.filter(({ path }) => path.startsWith('nginx/')).map(({ path, text }) => [path, text]));
}

/** Lines that differ, and two more for each file that does: its digest in the list of files, old and new. */
function changed(before: Files, after: Files): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((path) => {
    const [left, right] = [before, after].map((files) => (files.get(path) ?? '').split('\n'));
    const lines = compareLines(left ?? [], right ?? []).flatMap((part) => (part.kind === 'both' ? [] : part.lines));
    return lines.length === 0 ? [] : [...lines, `- ${path}`, `+ ${path}`];
  });
}

const ADDED = [
  ['a last segment', 'GET /api/v4/area3/{id:encodedPath}/badges', 1, 1],
  ['another method', 'PATCH /api/v4/area0/{id:encodedPath}/thing0', 0, 1],
  ['a new type', 'GET /api/v4/area1/{id:encodedPath}/thing1/{item:uuid}/keys', 2, 1],
  ['another beginning', 'GET /health', 1, 1],
  ['what sorts first', 'GET,POST /aaa/{x:int}', 2, 2],
  ['the rest of a path', 'GET /files/{rest*}', 2, 1],
] as const;

for (const size of [10, 1_000])
  for (const [what, route, segments, methods] of ADDED)
    for (const place of ['start', 'middle', 'end'])
      test(`${what} among ${size} routes, at the ${place}`, () => {
        const at = place === 'start' ? 0 : place === 'end' ? size : size >> 1;
        const before = filesOf(size, (allow) => allow);
        const lines = changed(
          before,
          filesOf(size, (allow) => allow.toSpliced(at, 0, route)),
        );
        assert.ok(lines.length <= 6 + 2 * segments + 2 * methods, `${lines.length}\n${lines.join('\n')}`);
        assert.equal(
          filesOf(size, (allow) => allow.toSpliced(at, 0, route).toSpliced(at, 1)),
          before,
        );
      });

test.run();
