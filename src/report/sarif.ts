import { pathToFileURL } from 'node:url';
import { fingerprints } from './fingerprint.ts';
import type { FindingPlace, Sheet, SheetFormatter } from './sheet.ts';

/** SARIF 2.1.0, for code scanning. */
export const sarif: SheetFormatter = (sheet) => `${JSON.stringify(sarifLog(sheet), null, 2)}\n`;

export function sarifLog(sheet: Sheet) {
  const ids = [...new Set(sheet.findings.map(({ code }) => code))].sort();
  const prints = fingerprints(sheet.findings);
  // The standard wants this of all results of a run or of none.
  const suppressible = sheet.findings.some(({ accepted }) => accepted === true);
  const results = sheet.findings.map(({ code, level, accepted, message, hint, place, related }, index) => ({
    ruleId: code,
    ruleIndex: ids.indexOf(code),
    level,
    message: { text: hint === undefined ? message : `${message}\n${hint}` },
    locations: [location(place ?? { file: sheet.subject })],
    ...(related.length > 0 && {
      relatedLocations: related.map((other, id) => ({
        id,
        message: { text: other.message },
        ...(other.place && location(other.place)),
      })),
    }),
    ...(suppressible && { suppressions: accepted === true ? [ACCEPTED] : [] }),
    partialFingerprints: { 'postern/v1': prints[index] ?? '' },
  }));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'postern',
            version: sheet.version,
            rules: ids.map((id) => ({ id, name: id.replace('/', '-') })),
          },
        },
        // Ours count code points, so that no editor has to know how strings are stored.
        columnKind: 'unicodeCodePoints',
        invocations: [{ executionSuccessful: sheet.status !== 2, exitCode: sheet.status }],
        automationDetails: { id: `postern/${sheet.command}/` },
        results,
      },
    ],
  };
}

const ACCEPTED = { kind: 'external', status: 'accepted', justification: 'named by --accept' } as const;

function location({ file, from, to }: FindingPlace) {
  const region = from && {
    startLine: from.line,
    startColumn: from.column,
    ...(to && { endLine: to.line, endColumn: to.column }),
  };
  return { physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...(region && { region }) } };
}

/** A relative reference; a colon in its first part would make that a scheme. */
function uriOf(file: string): string {
  if (file.startsWith('/')) return pathToFileURL(file).href;
  return file.split('/').map(encodeURIComponent).join('/');
}
