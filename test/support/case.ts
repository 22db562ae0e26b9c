/**
 * One file that holds a test whole: lines starting with "#" that say what it shows, then sections, each
 * under a line `-- name --`. Inputs come first, what they turn into after them, so that a case reads
 * from top to bottom and a negative one costs no more than a positive one.
 */
export interface Case {
  /** The first sentence; the name of the test. */
  readonly title: string;
  /** Everything above the first section, as it stands. */
  readonly head: string;
  /** Text by name, in the order of the file; empty, or ends with a line feed. */
  readonly sections: ReadonlyMap<string, string>;
}

const MARKER = /^-- (\S+) --$/;

export function parseCase(text: string): Case {
  const sections = new Map<string, string>();
  let head = '';
  let name: string | undefined;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const marker = MARKER.exec(line.trimEnd())?.[1];
    if (marker !== undefined) {
      if (sections.has(marker)) throw new Error(`two sections are named ${marker}`);
      sections.set(marker, '');
      name = marker;
    } else if (name === undefined) {
      head += line;
    } else {
      sections.set(name, `${sections.get(name) ?? ''}${line.endsWith('\n') ? line : `${line}\n`}`);
    }
  }
  if (sections.size === 0) throw new Error('no "-- name --" section');
  const title = /^# *(.+)$/m.exec(head)?.[1];
  if (title === undefined) throw new Error('the first line must say what the case shows: "# …"');
  return { title, head, sections };
}

export function formatCase({ head, sections }: Pick<Case, 'head' | 'sections'>): string {
  let text = head;
  for (const [name, body] of sections) {
    if (body !== '' && !body.endsWith('\n')) throw new Error(`section ${name} does not end with a line feed`);
    if (body.split('\n').some((line) => MARKER.test(line.trimEnd())))
      throw new Error(`section ${name} holds a line like a marker`);
    text += `-- ${name} --\n${body}`;
  }
  return text;
}
