import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Variables of a test whose values are secrets. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD/;
/** Shorter values are no secrets, and stand in texts by chance. */
const SHORTEST = 16;
const OWNER_ONLY = 0o077;

/** What the commands of one workspace were given and said. */
export class LeakNet {
  readonly #secrets = new Set<string>();
  readonly #written = new Set<string>();
  readonly #said: string[] = [];

  /** The values of the variables that a command was given. */
  given(env: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(env)) {
      if (SECRET_NAME.test(name) && isSecret(value)) this.#secrets.add(value);
    }
  }

  /** A file that the test itself wrote, below the workspace. */
  wrote(file: string): void {
    this.#written.add(file.split('/').join(sep));
  }

  said(...texts: readonly string[]): void {
    this.#said.push(...texts);
  }

  /**
   * Fails where a secret stands in what a command said, or in a file that a command wrote and that others may read.
   * Secrets are the values of variables and every word that a command wrote into a folder `secrets`.
   */
  check(folder: string): void {
    const files = filesBelow(folder).filter((path) => !this.#written.has(relative(folder, path)));
    const [closed, open] = [files.filter(isClosed), files.filter((path) => !isClosed(path))];
    for (const path of closed) {
      if (!path.includes(`${sep}secrets${sep}`)) continue;
      for (const [word] of readFileSync(path, 'utf8')
        .replace(/^#.*$/gm, '')
        .matchAll(/[A-Za-z0-9._~+/=-]+/g))
        if (isSecret(word)) this.#secrets.add(word);
    }
    const forms = [...this.#secrets].flatMap(formsOf);
    const leakIn = (text: string) => forms.some((form) => text.includes(form));
    for (const text of this.#said) if (leakIn(text)) throw new Error(`a command printed a secret:\n${text}`);
    for (const path of open)
      if (leakIn(readFileSync(path, 'latin1')))
        throw new Error(`others may read a secret in ${relative(folder, path)}`);
  }
}

/** A long word with letters and digits, and no path. */
function isSecret(word: string): boolean {
  return word.length >= SHORTEST && /[0-9]/.test(word) && /[A-Za-z]/.test(word) && !/^[./]|\s/.test(word);
}

/** A secret as it is, as URLs have it, and in base64 wherever its first byte stands in a group of three. */
function formsOf(secret: string): string[] {
  const shifted = [0, 1, 2].map((by) => Buffer.from(' '.repeat(by) + secret).toString('base64'));
  // The first and last characters of base64 depend on what stands beside the secret.
  return [secret, encodeURIComponent(secret), ...shifted.map((text) => text.slice(4, -4))];
}

function isClosed(path: string): boolean {
  return (lstatSync(path).mode & OWNER_ONLY) === 0;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === '.git' ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}
