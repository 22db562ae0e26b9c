import type { Opened } from '../compose/project.ts';
import type { OpenSpec } from './spec.ts';

/** A spec that remembers what was read of the files around it. */
export interface NotedSpec {
  readonly source: OpenSpec;
  /** Returns whether another version answers all that was asked of this one with the same bytes. */
  readonly isSameIn: (other: OpenSpec) => boolean;
  /** Everything that was read of it, in order. */
  readonly texts: () => readonly string[];
}

export function noted(source: OpenSpec): NotedSpec {
  const { read, project } = source;
  const asked: ((other: OpenSpec) => boolean)[] = [
    (other) => other.text === source.text && other.project.entry() === project.entry(),
  ];
  const texts = [source.text];
  return {
    source: {
      ...source,
      read: (path) => {
        const text = read(path);
        asked.push((other) => other.read(path) === text);
        texts.push(path, text ?? '');
        return text;
      },
      project: {
        entry: project.entry,
        open: (path) => {
          const opened = project.open(path);
          asked.push((other) => isSame(other.project.open(path), opened));
          if ('file' in opened) texts.push(path, opened.file.text);
          return opened;
        },
        wayOut: (path) => {
          const way = project.wayOut(path);
          asked.push((other) => other.project.wayOut(path) === way);
          return way;
        },
      },
    },
    isSameIn: (other) => asked.every((isAnswered) => isAnswered(other)),
    texts: () => texts,
  };
}

function isSame(one: Opened, other: Opened): boolean {
  return 'file' in one && 'file' in other && one.path === other.path && one.file.text === other.file.text;
}
