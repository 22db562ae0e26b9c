import { fingerprints } from './fingerprint.ts';
import type { Finding, SheetFormatter } from './sheet.ts';

/** GitLab Code Quality. It colours a merge request and never fails it: the exit status has to. */
export const gitlab: SheetFormatter = ({ findings, subject }) => {
  const prints = fingerprints(findings);
  const issues = findings.map((finding, index) => ({
    description: descriptionOf(finding),
    check_name: finding.code,
    fingerprint: prints[index] ?? '',
    severity: severityOf(finding),
    location: {
      path: (finding.place?.file ?? subject).replace(/^(?:\.\/)+/, ''),
      lines: { begin: finding.place?.from?.line ?? 1 },
    },
  }));
  return `${JSON.stringify(issues, null, 2)}\n`;
};

function descriptionOf({ message, hint, accepted }: Finding): string {
  return `${accepted ? 'accepted: ' : ''}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function severityOf({ level, fails }: Finding): 'info' | 'minor' | 'major' | 'critical' {
  if (level === 'note') return 'info';
  if (level === 'warning') return fails ? 'major' : 'minor';
  return fails ? 'critical' : 'major';
}
