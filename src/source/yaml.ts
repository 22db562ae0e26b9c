import { dump } from 'js-yaml';

/** A plain value as YAML that reads back as the same value; ends with a line feed. */
export function yamlText(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true });
}
