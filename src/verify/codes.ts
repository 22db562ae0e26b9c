import { defineCodes, error, warning } from '../diagnostics/codes.ts';

export const verifyCodes = defineCodes('verify', {
  disagreement: error(
    ({ engine, problem, times }: { engine: string; problem: string; times: number }) =>
      `${engine}: ${problem}${times > 1 ? ` (and ${times - 1} more like it)` : ''}`,
  ).hint('{show}'),
  unmet: error('{engine}: {problem}'),
  'engine-limit': warning('{engine}: {problem}').hint(
    'no configuration of this engine changes that; see to it that the upstream does not, or run a version that can and name it',
  ),
  'untried-rate': warning('{engine}: the rate of key {key} is too high to be exceeded from here, and was not tried'),
  'untried-sites': warning(
    ({ engine, sites }: { engine: string; sites: number }) =>
      `${engine}: ${sites === 1 ? 'the site of a domain rewrite was' : `the sites of ${sites} domain rewrites were`} not put to the test`,
  ),
  leak: error('{engine} wrote a key or token to a log or another file').hint(
    'keys and tokens belong into the secrets folder alone',
  ),
  'name-disagreement': error('{engine}: {name} leads to {actual} instead of {expected}'),
  'unknown-engine': error(({ engine }: { engine: string }) => `no engine is called ${JSON.stringify(engine)}`).hint(
    ({ known }: { known: readonly string[] }) => `it can be ${known.join(', ')}`,
  ),
  'engine-missing': error('{engine} was not found on this machine').hint(
    ({ engine, variable, found }: { engine: string; variable: string; found: readonly string[] }) =>
      `put ${engine} on PATH or its path into ${variable}${found.length > 0 ? `, or ask for the others alone: --engine ${found.join()}` : ''}`,
  ),
  'no-engine': error(({ engines }: { engines: readonly string[] }) =>
    engines.length === 0
      ? 'the spec names no target that an engine could run'
      : `none of the engines was found on this machine: ${engines.join(', ')}`,
  ).hint(({ engines, known }: { engines: readonly string[]; known: readonly string[] }) =>
    engines.length === 0 ? `add one under targets: ${known.join(', ')}` : 'put one on PATH',
  ),
  'engine-failed': error('{engine} {problem}'),
  'nothing-to-verify': warning('nothing to verify on {engine}: the spec has no {what}').hint('leave the target out'),
});
