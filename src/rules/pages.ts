import { existsSync, readFileSync } from 'node:fs';
import { templatesRoot } from '../templatesRoot.ts';

/** The page of a rule, as Markdown: what, why, an example that is bad and one that is good. */
export function rulePage(name: string): string | undefined {
  const file = new URL(`rules/${name}.md`, templatesRoot);
  return /^[a-z-]+$/.test(name) && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
