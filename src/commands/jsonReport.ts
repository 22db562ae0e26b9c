import { jsonDiagnostics } from '../diagnostics/json.ts';
import type { Change } from '../output/plan.ts';
import { jsonAccess } from '../report/accessJson.ts';
import { locator } from './location.ts';
import type { Formatter, Report } from './report.ts';
import { shownPatch } from './shownPatch.ts';

/** For machines: one object, the same keys whatever the status. */
export const jsonReport: Formatter = (report) => {
  const { command, status, document, changes, access, tests, coverage, engines } = report;
  const locate = document && locator(document);
  const value = {
    command,
    status,
    diagnostics: diagnosticsOf(report),
    ...(changes && { changes: changes.map((change) => jsonChange(change, report.patches === true)) }),
    ...(access && jsonAccess(access.changes, access.versions)),
    ...(tests && { tests }),
    ...(engines && { engines }),
    ...(coverage && {
      coverage: {
        ...coverage,
        untested: coverage.untested.map(({ route, at }) => ({ route, at: locate?.(at) ?? '' })),
      },
    }),
  };
  return { out: `${JSON.stringify(value, null, 2)}\n`, err: '' };
};

/** Where findings can be accepted, each says whether it is. */
function diagnosticsOf({ diagnostics, accepted, document }: Report) {
  const found = jsonDiagnostics(diagnostics, document);
  if (!accepted) return found;
  return [
    ...found.map((one) => ({ ...one, accepted: false })),
    ...jsonDiagnostics(accepted, document).map((one) => ({ ...one, accepted: true })),
  ];
}

function jsonChange(change: Change, patches: boolean) {
  const { path, target, verb, cause } = change;
  return {
    path,
    target,
    verb,
    ...(cause && { cause }),
    ...(patches && verb !== 'same' && { patch: shownPatch(change) }),
  };
}
