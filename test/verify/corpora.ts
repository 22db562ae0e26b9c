import type { Probe } from '../../src/verify/draft.ts';
import type { Secrets } from '../../src/verify/secrets.ts';

type ProbesOf = (lines: readonly string[], secrets: Secrets) => Probe[];

/** Paths of the broad spec that the reader may get. */
const ALLOWED = ['/api/v4/groups', '/api/v4/groups/a%2Fb/members/all', '/api/v4/tree/a/b'];
const CLIENT = 'X-Forwarded-For: 10.0.0.1\r\n';

const requestTo = (target: string, key: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: probe.example\r\nPRIVATE-TOKEN: ${key}\r\n${CLIENT}\r\n`;
const keyOf = (secrets: Secrets): string => secrets.keysOf('reader')[0] ?? '';
const probe = (raw: string): Probe => ({ proxy: 'api', peer: '127.0.0.1', raw });

/** Columns of a table with a heading. */
function rows(lines: readonly string[]): Record<string, string>[] {
  const [heading = '', ...others] = lines;
  const names = heading.split('\t');
  return others.map((line) => Object.fromEntries(line.split('\t').map((value, index) => [names[index] ?? '', value])));
}

const pathMutations: ProbesOf = (lines, secrets) =>
  rows(lines).flatMap(({ template = '' }) =>
    ALLOWED.map((path) => probe(requestTo(template.replaceAll('{path}', path.slice(1)), keyOf(secrets)))),
  );

const traversalUnits: ProbesOf = (lines, secrets) =>
  lines.flatMap((unit) =>
    ALLOWED.flatMap((path) =>
      [1, 2, 3].flatMap((times) => [
        `/api/v4/x/${unit.repeat(times)}${path.slice(1)}`,
        `${path}/${unit.repeat(times)}admin`,
      ]),
    ).map((target) => probe(requestTo(bytesOf(target), keyOf(secrets)))),
  );

const requestVariants: ProbesOf = (lines, secrets) =>
  rows(lines).flatMap(({ raw_request_escaped: raw = '' }) => {
    const key = keyOf(secrets);
    const filled = raw
      .replaceAll('{allowed}', '/api/v4/jobs/request')
      .replaceAll('{path}', '/api/v4/groups')
      .replaceAll('{host}', 'probe.example')
      .replaceAll('{KEY-UPPER}', key.toUpperCase())
      .replaceAll('{key-minus-last-char}', key.slice(0, -1))
      .replaceAll('{key}', key)
      .replace(/(.)\{repeat:(\d+)\}/g, (_, char: string, times: string) => char.repeat(Number(times)))
      .replace(/\{repeat-line:(\d+):([^}]*)\}/g, (_, times: string, line: string) =>
        `${line}\\r\\n`.repeat(Number(times)),
      );
    const told = filled.includes('X-Forwarded-For')
      ? filled
      : filled.replace(/\\r\\n/, '\\r\\nX-Forwarded-For: 10.0.0.1\\r\\n');
    return [probe(bytesOf(told))];
  });

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' };

function bytesOf(text: string): string {
  const escaped = text.replace(
    /\\(r|n|t|\\|x[0-9a-f]{2})/gi,
    (_, escape: string) => ESCAPES[escape] ?? String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  );
  return /[^\x00-\xff]/.test(escaped) ? Buffer.from(escaped, 'utf8').toString('latin1') : escaped;
}

/** By file: how each line becomes requests. */
export const corpusProbes = [
  ['path-mutations.tsv', pathMutations],
  ['traversal-units.txt', traversalUnits],
  ['request-variants.tsv', requestVariants],
] as const satisfies readonly (readonly [string, ProbesOf])[];
