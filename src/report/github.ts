import type { Finding, Level, SheetFormatter } from './sheet.ts';

const COMMANDS: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', note: 'notice' };

/** Workflow commands that GitHub Actions turns into annotations. */
export const github: SheetFormatter = ({ findings, summary }) => {
  return `${[...findings.map(annotation), plain(summary)].join('\n')}\n`;
};

function annotation({ code, level, accepted, message: words, hint, place }: Finding): string {
  const message = accepted ? `accepted: ${words}` : words;
  const { from, to } = place ?? {};
  const sameLine = from && to && from.line === to.line;
  const properties = {
    file: place?.file,
    line: from?.line,
    endLine: to?.line,
    // GitHub takes columns only where begin and end are on one line.
    col: sameLine ? from.column : undefined,
    endColumn: sameLine ? to.column : undefined,
    title: code,
  };
  const written = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${property(String(value))}`,
  );
  return `::${COMMANDS[level]} ${written.join(',')}::${data(hint === undefined ? message : `${message}\n${hint}`)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** A line of text must never be read as a command. */
function plain(text: string): string {
  return text.replace(/^(?=::)/gm, ' ');
}
