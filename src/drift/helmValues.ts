/** The Corefile that the chart of CoreDNS makes of its values; `undefined` where they hold no servers. */
export function corefileOfValues(values: Readonly<Record<string, unknown>>): string | undefined {
  const { servers } = values;
  return Array.isArray(servers) ? servers.map((server) => serverText(fields(server))).join('') : undefined;
}

function serverText({ zones, port, plugins }: Fields): string {
  const names = list(zones).map(({ scheme, zone }) => `${text(scheme)}${text(zone) || '.'}`);
  // The chart writes the port behind the last name only.
  const key = `${names.join(' ') || '.'}${port === undefined ? '' : `:${text(port)}`}`;
  return `${key} {\n${list(plugins).map(pluginText).join('')}}\n`;
}

function pluginText({ name, parameters, configBlock }: Fields): string {
  const block = text(configBlock);
  return `${text(name)} ${text(parameters)}${block === '' ? '' : ` {\n${block}\n}`}\n`;
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
