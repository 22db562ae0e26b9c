import { code, defineCodes } from '../diagnostics/codes.ts';

export const verifyCodes = defineCodes('verify', {
  disagreement: code<{ engine: string; problem: string; times: number; show: string }>({
    severity: 'error',
    message: ({ engine, problem, times }) =>
      `${engine}: ${problem}${times > 1 ? ` (and ${times - 1} more like it)` : ''}`,
    hint: ({ show }) => show,
  }),
  unmet: code<{ engine: string; problem: string }>({
    severity: 'error',
    message: ({ engine, problem }) => `${engine}: ${problem}`,
  }),
  'untried-rate': code<{ engine: string; key: string }>({
    severity: 'warning',
    message: ({ engine, key }) =>
      `${engine}: the rate of key ${key} is too high to be exceeded from here, and was not tried`,
  }),
  'untried-sites': code<{ engine: string; sites: number }>({
    severity: 'warning',
    message: ({ engine, sites }) =>
      `${engine}: ${sites === 1 ? 'the site of a domain rewrite was' : `the sites of ${sites} domain rewrites were`} not put to the test`,
  }),
  leak: code<{ engine: string }>({
    severity: 'error',
    message: ({ engine }) => `${engine} wrote a key or token to a log or another file`,
    hint: () => 'keys and tokens belong into the secrets folder alone',
  }),
  'name-disagreement': code<{ engine: string; name: string; actual: string; expected: string }>({
    severity: 'error',
    message: ({ engine, name, actual, expected }) => `${engine}: ${name} leads to ${actual} instead of ${expected}`,
  }),
  'unknown-engine': code<{ engine: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ engine }) => `no engine is called ${JSON.stringify(engine)}`,
    hint: ({ known }) => `it can be ${known.join(', ')}`,
  }),
  'engine-missing': code<{ engine: string; variable: string; found: readonly string[] }>({
    severity: 'error',
    message: ({ engine }) => `${engine} was not found on this machine`,
    hint: ({ engine, variable, found }) =>
      `put ${engine} on PATH or its path into ${variable}${found.length > 0 ? `, or ask for the others alone: --engine ${found.join()}` : ''}`,
  }),
  'no-engine': code<{ engines: readonly string[] }>({
    severity: 'error',
    message: ({ engines }) =>
      engines.length === 0
        ? 'the spec names no target that an engine could run'
        : `none of the engines was found on this machine: ${engines.join(', ')}`,
    hint: ({ engines }) => (engines.length === 0 ? 'add nginx, caddy or coredns under targets' : 'put one on PATH'),
  }),
  'engine-failed': code<{ engine: string; problem: string }>({
    severity: 'error',
    message: ({ engine, problem }) => `${engine} ${problem}`,
  }),
  'nothing-to-verify': code<{ engine: string; what: string }>({
    severity: 'warning',
    message: ({ engine, what }) => `nothing to verify on ${engine}: the spec has no ${what}`,
    hint: ({ what }) =>
      what === 'proxies'
        ? 'the sites of domain rewrites are rendered, but not put to the test'
        : 'leave the target out',
  }),
});
