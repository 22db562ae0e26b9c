import type { Policy, Proxy } from '../policy/types.ts';
import type { Expected } from './expect.ts';
import { fieldOf } from './http1.ts';
import type { Secrets } from './secrets.ts';
import type { Disagreement } from './send.ts';

export interface DescribeContext {
  /** The user's own, for the address under which they run the proxy. */
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly secrets: Secrets;
}

/** A disagreement as something to try: a `curl` line where curl can say it, and the raw bytes. */
export function describe({ probe, expectation }: Disagreement, context: DescribeContext): string {
  const bytes = `printf '${forPrintf(named(probe.raw, context.secrets))}' | nc ${hostPort(context).join(' ')}`;
  const [only, ...others] = expectation.expected;
  const curl =
    only && others.length === 0 && expectation.end === 'clean' && isForCurl(only, probe.raw)
      ? [curlLine(only, context)]
      : [];
  const from = context.proxy.clientIp.kind === 'header' ? '' : ` (sent from ${probe.peer})`;
  return `${[...curl, bytes].join(', or byte for byte: ')}${from}`;
}

/** The listener that the user's spec has for this proxy or its twin. */
function hostPort({ policy, proxy }: DescribeContext): [host: string, port: string] {
  const origin = JSON.stringify(proxy.origin);
  const own = policy.proxies.find((each) => JSON.stringify(each.origin) === origin);
  const { address = 'localhost', port } = own?.listen ?? proxy.listen;
  return [address.includes(':') ? `[${address}]` : address, String(port)];
}

/** Throw-away keys say nothing to anybody; whose they are does. */
function named(text: string, secrets: Secrets): string {
  let result = text;
  for (let leak = secrets.leakIn(result); leak !== undefined; leak = secrets.leakIn(result)) {
    const value = leak;
    const id = secrets.idOf(value);
    result = result.replace(value, () => (id === undefined ? '<no key of anybody>' : `<key of ${id}>`));
  }
  return result;
}

function forPrintf(text: string): string {
  return [...text]
    .map(
      (char) =>
        ESCAPES[char] ?? (/[\x20-\x7e]/.test(char) ? char : `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`),
    )
    .join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\r': '\\r',
  '\n': '\\n',
  '\t': '\\t',
  '\\': '\\\\',
  '%': '%%',
  "'": "'\\''",
};

function isForCurl({ request, refusable }: Expected, raw: string): boolean {
  return (
    refusable === undefined &&
    request.target.startsWith('/') &&
    /^[\x20-\x7e\r\n]*$/.test(raw) &&
    !/^[^ ]+ [^ ]*#/.test(raw)
  );
}

function curlLine({ request }: Expected, context: DescribeContext): string {
  const quote = (text: string) => `'${named(text, context.secrets).replaceAll("'", "'\\''")}'`;
  const { method, target, fields, body } = request;
  const skipped = ['host', 'content-length', 'transfer-encoding'];
  const host = fieldOf(fields, 'host');
  const headers = fields
    .filter(([name]) => !skipped.includes(name.toLowerCase()))
    .map(([name, value]) => `-H ${quote(value === '' ? `${name};` : `${name}: ${value}`)}`);
  const unwanted = ['User-Agent', 'Accept']
    .filter((name) => fieldOf(fields, name) === undefined)
    .map((name) => `-H '${name}:'`);
  const chunked = fieldOf(fields, 'transfer-encoding') === undefined ? [] : ["-H 'Transfer-Encoding: chunked'"];
  const data =
    body === ''
      ? []
      : [
          `--data-binary ${quote(body)}`,
          ...(fieldOf(fields, 'content-type') === undefined ? ["-H 'Content-Type:'"] : []),
        ];
  const verb = method === 'HEAD' ? ['--head'] : method === 'GET' && body === '' ? [] : [`-X ${quote(method)}`];
  const url = quote(`http://${hostPort(context).join(':')}${target}`);
  return [
    'curl -si --http1.1 --path-as-is --globoff',
    ...verb,
    `-H ${quote(`Host: ${host ?? ''}`)}`,
    ...headers,
    ...unwanted,
    ...chunked,
    ...data,
    url,
  ].join(' ');
}
