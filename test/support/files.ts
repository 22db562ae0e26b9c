import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type GuaranteeRun, runGuarantees } from '../../src/commands/guarantees.ts';
import { projectAround } from '../../src/commands/project.ts';
import { type Compilation, type CompileOptions, compile } from '../../src/compile.ts';
import { hasError } from '../../src/diagnostics/diagnostic.ts';
import { readBytes } from '../../src/source/read.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';

import { readSections } from './golden.ts';

/** Texts by path, and links by path as `-> target`. */
export type Files = ReadonlyMap<string, string>;

/** What was compiled, and a text about it without the folder that the files were in. */
export interface CompiledFiles extends Compilation {
  /** Its guarantees, where it is valid. */
  readonly promises: GuaranteeRun;
  readonly shown: (text: string) => string;
}

/** Writes files into a folder of their own, which is the root of a project, and compiles one of them there. */
export async function compileFiles(
  files: Files,
  entry: string,
  options: Pick<CompileOptions, 'now' | 'targets'> = {},
): Promise<CompiledFiles> {
  const folder = await temporaryFolder();
  try {
    writeFiles(folder.path, new Map([['.git/HEAD', ''], ...files]));
    const home = dirname(join(folder.path, entry));
    const source = {
      read: (path: string) => {
        try {
          const found = readBytes(join(home, path));
          return 'bytes' in found ? Buffer.from(found.bytes).toString('utf8') : undefined;
        } catch {
          return undefined;
        }
      },
      project: projectAround(home, entry, {}),
    };
    const compiled = compile(files.get(entry) ?? '', { file: join(folder.path, entry), ...source, ...options });
    const { composition, policy } = compiled;
    const valid = composition && policy && !hasError(compiled.diagnostics);
    const promises = valid ? runGuarantees({ source, composition, policy }) : { outcomes: [], diagnostics: [] };
    return { ...compiled, promises, shown: (text) => text.replaceAll(`${folder.path}/`, '') };
  } finally {
    await folder.remove();
  }
}

export function writeFiles(folder: string, files: Files): void {
  for (const [path, text] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    if (text.startsWith('-> ')) symlinkSync(text.slice('-> '.length).trim(), file);
    else writeFileSync(file, text);
  }
}

/** The files of a case: sections that are named like files, and links as `name.link`. */
export function filesOf(path: string, read: (section: string) => string | undefined): Files {
  const names = [...readSections(path).keys()].filter((name) => /\.(?:yaml|txt|link)$/.test(name));
  return new Map(names.map((name) => [name.replace(/\.link$/, ''), read(name) ?? '']));
}
