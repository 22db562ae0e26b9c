import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDocument } from '../../src/source/document.ts';

type Section = Record<string, Record<string, unknown>>;

/** Sections of a spec that tests put this machine's addresses and certificates into. */
export interface ExampleSpec {
  readonly [section: string]: unknown;
  readonly ipRanges: Record<string, readonly string[]>;
  readonly upstreams: Section;
  readonly proxies: Section;
  readonly targets: Section;
}

/** The spec of an example, as data of one's own; its `tests` are about other addresses. */
export function exampleSpec(name: string): ExampleSpec {
  const file = fileURLToPath(new URL(`../../examples/${name}/postern.yaml`, import.meta.url));
  const { value } = parseDocument({ name: 'postern.yaml', text: readFileSync(file, 'utf8') });
  const sections = { ipRanges: {}, upstreams: {}, proxies: {}, targets: {} };
  return { ...sections, ...(structuredClone(value?.value) as object), tests: [] };
}
