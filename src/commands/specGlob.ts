import { type Dirent, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Whether an argument names specs by a pattern: it has `*` or `?`, and no file has that very name. */
export function isGlob(argument: string): boolean {
  return /[*?]/.test(argument) && !existsSync(argument);
}

/**
 * Returns the files and folders that a pattern names, sorted: `*` and `?` stand for letters of one name, `**` for any
 * number of folders. Neither stands for a name that begins with a dot, and `**` follows no link and looks into no
 * `node_modules`, as shells and tools have it.
 * @throws what the system says of a folder that cannot be read
 */
export function expandGlob(pattern: string): string[] {
  const [first = '', ...others] = pattern.split('/');
  const found = first === '' ? matches('/', others) : matches('', [first, ...others]);
  return [...new Set(found)].sort();
}

function matches(folder: string, [part, ...rest]: readonly string[]): string[] {
  if (part === undefined) return [folder];
  // Of an empty part at the end is made that only folders are meant.
  if (part === '') return rest.length === 0 ? [folder].filter(isFolder) : matches(folder, rest);
  if (part === '**') {
    const below = entriesOf(folder).filter((entry) => entry.isDirectory() && isSeen(entry.name));
    return [...matches(folder, rest), ...below.flatMap(({ name }) => matches(join(folder, name), ['**', ...rest]))];
  }
  if (!/[*?]/.test(part)) {
    const path = join(folder, part);
    return existsSync(path) ? matches(path, rest) : [];
  }
  const literally = part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const shape = new RegExp(`^${literally.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
  return entriesOf(folder)
    .filter(({ name }) => shape.test(name) && (part.startsWith('.') || !name.startsWith('.')))
    .flatMap(({ name }) => matches(join(folder, name), rest));
}

function isSeen(name: string): boolean {
  return !name.startsWith('.') && name !== 'node_modules';
}

function isFolder(path: string): boolean {
  return statSync(path === '' ? '.' : path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Throws where a folder may not be read: the specs in it would be passed over. */
function entriesOf(folder: string): Dirent[] {
  return isFolder(folder) ? readdirSync(folder === '' ? '.' : folder, { withFileTypes: true }) : [];
}
