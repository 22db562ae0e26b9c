import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** The variable that names a program in place of the first on PATH, such as `POSTERN_NGINX`. */
export function variableOfProgram(program: string): string {
  return `POSTERN_${program.toUpperCase()}`;
}

/** Returns the path of a program: as the environment says, else the first on PATH. */
export function pathOfProgram(program: string, environment: NodeJS.ProcessEnv): string | undefined {
  const given = environment[variableOfProgram(program)];
  if (given !== undefined && given !== '') return isProgram(given) ? resolve(given) : undefined;
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
