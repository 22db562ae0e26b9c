import { readFileSync } from 'node:fs';

// Directly under src/, so that the path is the same from src/, from dist/ and from the bundle.
const packageFile = new URL('../package.json', import.meta.url);

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(packageFile, 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string')
    return parsed.version;
  throw new Error('package.json names no version');
}

/** The version of this tool, as package.json says it. */
export const toolVersion = readVersion();
