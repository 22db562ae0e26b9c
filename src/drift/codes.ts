import { code, defineCodes } from '../diagnostics/codes.ts';

export const driftCodes = defineCodes('drift', {
  'unreadable-live': code<{ target: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ target, problem }) => `what is live of ${target} cannot be compared: ${problem}`,
    hint: ({ hint }) => hint,
  }),
  missing: code<{ what: string; where: string }>({
    severity: 'error',
    message: ({ what, where }) => `${where} lacks ${what}`,
    hint: () => 'deploy the generated files, or take the line out of the spec',
  }),
  changed: code<{ where: string; expected: string; live: string }>({
    severity: 'error',
    message: ({ where, expected, live }) => `${where} has ${live} in place of ${expected}`,
    hint: () => 'deploy the generated files, or bring the change into the spec',
  }),
  added: code<{ what: string; where: string }>({
    severity: 'error',
    message: ({ what, where }) => `${where} has ${what}, which the spec does not make`,
    hint: () => 'deploy the generated files, or bring the change into the spec',
  }),
  reordered: code<{ what: string; where: string }>({
    severity: 'error',
    message: ({ what, where }) => `${where} has ${what} at another place, and here order decides`,
    hint: () => 'deploy the generated files',
  }),
  shadowed: code<{ what: string; by: string }>({
    severity: 'error',
    message: ({ what, by }) => `${what} is never reached: ${by} comes first`,
    hint: () => 'move or remove the other rule',
  }),
  foreign: code<{ what: string; where: string }>({
    severity: 'warning',
    message: ({ what, where }) => `${where} also has ${what}, which is not ours and was not compared`,
  }),
});
