const index = `import * as z from 'zod';
import { ok } from '../../diagnostics/diagnostic.ts';
import { writtenName } from '../../policy/domains.ts';
import { renderTemplate } from '../../render/render.ts';
import { token } from '../../render/token.ts';
import { driftCodes, unreadable } from '../live.ts';
import { defineTarget } from '../target.ts';

const options = z
  .strictObject({ port: z.int().optional().describe('Its port'), resolver: z.string().optional().describe('Whom it asks') })
  .describe('Names for the toy daemon');

const plain = (text: string) => token('toy', text);

export const toy = defineTarget({
  name: 'toy',
  summary: 'names for the toy daemon',
  options,
  access: {
    port: { kind: 'listen', words: 'the toy daemon listens on port', absent: '53' },
    resolver: { kind: 'rewrite', words: 'all other names are asked of', absent: '127.0.0.1:53' },
  },
  plan({ policy, options: { port = 53, resolver = '127.0.0.1:53' } }) {
    const names = policy.rewrites.map((rewrite) =>
      plain(writtenName(rewrite, 'from') + ' ' + writtenName(rewrite, 'to')),
    );
    return ok({ head: plain(port + ' ' + resolver), names });
  },
  files: (model) => [{ path: 'toy/names.txt', text: renderTemplate('toy', 'names.txt.njk', model), comment: '#' }],
  live(live, expected) {
    const lines = (text = '') => text.split('\\n').filter((line) => line !== '' && !line.startsWith('#'));
    const [wanted, found] = [lines(expected.files[0]?.text), lines(live.text)];
    if (found.length === 0) return unreadable(expected, live.name + ': it is empty', 'ask the daemon again');
    const without = (list: readonly string[], other: readonly string[]) => list.filter((line) => !other.includes(line));
    const tell = (code: 'missing' | 'added') => (what: string) =>
      driftCodes.report(code, expected.at, { what, where: live.name });
    return ok({
      drift: [...without(wanted, found).map(tell('missing')), ...without(found, wanted).map(tell('added'))],
      foreign: [],
    });
  },
  run: {
    program: 'toyd',
    args: () => ['names.txt'],
    leaves: ['*.log'],
    serves: 'names',
    alone: (_, { port, resolver }) => ({ port, resolver }),
  },
});
`;

/** A target like any other: its folder, its templates and its tests, by path. */
export const toyFiles: Readonly<Record<string, string>> = {
  'src/targets/toy/index.ts': index,
  'templates/toy/names.txt.njk': '{{ head }}\n{% for name in names %}\n{{ name }}\n{% endfor %}\n',
  'test/targets/toy/cases.test.ts':
    "import { runTargetCases } from '../../support/targetCases.ts';\n\nrunTargetCases('toy');\n",
  'test/targets/toy/names.case': `# each name has a line
-- spec.yaml --
version: 1
name: toy
domainRewrites: [{ from: git.example.com, to: git.link.example.com }]
targets: { toy: { port: 54 } }
-- names.txt --
# Made by postern 0.1.0 from the spec "toy", sha256:728fb048014beb94
# DO NOT EDIT: change the spec and run "postern generate".
54 127.0.0.1:53
git.example.com git.link.example.com
`,
};

/** The one line outside. */
export const toyLine = "export { toy } from './toy/index.ts';\n";

/** A DNS server that asks its resolver for the new name and gives the answer back under the old one. */
export const toyDaemon = `#!${process.execPath}
import { readFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
const [head, ...rows] = readFileSync(process.argv[2], 'utf8').split('\\n').filter((line) => line && line[0] !== '#');
const [port, resolver] = head.split(' ');
const rules = rows.map((row) => row.split(' '));
const newName = (name) => {
  const asked = name.toLowerCase();
  for (const [from, to] of rules) {
    if (from === asked) return to;
    if (from.startsWith('*.') && asked.endsWith(from.slice(1))) return asked.slice(0, 1 - from.length) + to.slice(1);
  }
  return asked;
};
const encode = (name) =>
  Buffer.concat([...name.split('.').map((part) => Buffer.from([part.length, ...Buffer.from(part)])), Buffer.from([0])]);
const server = createSocket('udp4');
server.on('message', (question, client) => {
  const labels = [];
  let at = 12;
  for (; question[at] > 0; at += question[at] + 1) labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
  const [old, end] = [encode(labels.join('.')), at + 1];
  const asked = encode(newName(labels.join('.')));
  const upstream = createSocket('udp4');
  upstream.on('message', (answer) => {
    upstream.close();
    const middle = answer.subarray(12 + asked.length, 16 + asked.length);
    const owned = answer.readUInt16BE(6) === 0 ? [] : [old, answer.subarray(16 + 2 * asked.length)];
    server.send(Buffer.concat([answer.subarray(0, 12), old, middle, ...owned]), client.port, client.address);
  });
  upstream.send(Buffer.concat([question.subarray(0, 12), asked, question.subarray(end)]), ...resolver.split(':').reverse());
});
server.bind(Number(port), '127.0.0.1');
`;
