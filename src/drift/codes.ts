import { defineCodes, error, warning } from '../diagnostics/codes.ts';

export const driftCodes = defineCodes('drift', {
  'unreadable-live': error('what is live of {target} cannot be compared: {problem}').hint('{hint}'),
  missing: error('{where} lacks {what}').hint('deploy the generated files, or take the line out of the spec'),
  changed: error('{where} has {live} in place of {expected}').hint(
    'deploy the generated files, or bring the change into the spec',
  ),
  added: error('{where} has {what}, which the spec does not make').hint(
    'deploy the generated files, or bring the change into the spec',
  ),
  reordered: error('{where} has {what} at another place, and here order decides').hint('deploy the generated files'),
  shadowed: error('{what} is never reached: {by} comes first').hint('move or remove the other rule'),
  foreign: warning('{where} also has {what}, which is not ours and was not compared'),
});
