import { dump } from 'js-yaml';

/** Returns a plain value as YAML that is parsed into the same value; ends with a line feed. */
export function yamlText(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true });
}
