import { existsSync, readFileSync } from 'node:fs';
import { templatesRoot } from '../templatesRoot.ts';

/** Returns the page of a rule as Markdown: what it reports and why, a bad and a good example. */
export function rulePage(name: string): string | undefined {
  const file = new URL(`rules/${name}.md`, templatesRoot);
  return /^[a-z-]+$/.test(name) && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
