import * as z from 'zod';

/** The option for all files that an engine writes. The path stands in its configuration without quotes. */
export function writableFolder(engine: string) {
  return z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._-]+)+$/, {
      error: 'must be an absolute path of letters, digits, ".", "_", "-" and "/"',
    })
    .optional()
    .describe(
      `Folder for all that ${engine} writes, which is then the only one that it needs to write to; the folder it is started in where absent`,
    );
}
