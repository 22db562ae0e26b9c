import type { Decision } from '../policy/decide.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import type { Answered } from './exchange.ts';
import type { Expected } from './expect.ts';
import { fieldOf } from './http1.ts';
import type { Secrets } from './secrets.ts';
import type { Disagreement } from './send.ts';

interface DescribeContext {
  /** The user's policy, which has the address that their proxy listens on. */
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly secrets: Secrets;
  /** The lines of the engine's access log. */
  readonly log: AsyncIterable<string>;
}

/**
 * A disagreement as a text: how to send the probe again (a `curl` line where curl can, and the bytes), what the spec
 * says, what came back, and what the engine logged.
 */
export async function describe(found: Disagreement, context: DescribeContext): Promise<string> {
  const { expectation, exchange, alone } = found;
  const due = expectation.expected.map(({ decision }) => inWords(decision)).join(', then ') || 'no request at all';
  const came = [...exchange.answers, ...exchange.extra].map(answerInWords).join(', then ') || 'no answer';
  const again = alone ? '' : '; sent again by itself it shows nothing';
  const line = await logLine(found, context.log);
  const log = line === undefined ? '' : `; its log says ${named(line, context.secrets).slice(0, 600)}`;
  return `${commands(found, context)}; the spec says ${due}; what came back: ${came}${again}${log}`;
}

function inWords(decision: Decision): string {
  if (decision.kind === 'deny') return `${decision.status} (${decision.reason})`;
  return decision.kind === 'answer' ? `an answer of its own, ${decision.status}` : `forward by ${decision.route}`;
}

function answerInWords({ response, arrival }: Answered): string {
  return `${response.status}${arrival ? ` of upstream ${arrival.upstream}` : ''}`;
}

/** The last line of the engine's log about the same method and path. */
async function logLine(
  { expectation, problems }: Disagreement,
  log: AsyncIterable<string>,
): Promise<string | undefined> {
  const { request } = expectation.expected[problems[0]?.index ?? 0] ?? {};
  const path = request && JSON.stringify(request.target.split('?', 1)[0]);
  const method = request && JSON.stringify(request.method);
  let last: string | undefined;
  for await (const line of log) if (line.includes(`"path":${path}`) && line.includes(`"method":${method}`)) last = line;
  return last;
}

function commands({ probe, expectation }: Disagreement, context: DescribeContext): string {
  const bytes = `printf '${forPrintf(named(probe.raw, context.secrets))}' | nc ${hostPort(context).join(' ')}`;
  const [only, ...others] = expectation.expected;
  const curl =
    only && others.length === 0 && expectation.end === 'clean' && isForCurl(only, probe.raw)
      ? [curlLine(only, context)]
      : [];
  const from = context.proxy.clientIp.kind === 'header' ? '' : ` (sent from ${probe.peer})`;
  return `${[...curl, bytes].join(', or byte for byte: ')}${from}`;
}

/** Host and port at which the user's spec has this proxy, or the proxy of this twin. */
function hostPort({ policy, proxy }: DescribeContext): [host: string, port: string] {
  const origin = JSON.stringify(proxy.origin);
  const own = policy.proxies.find((each) => JSON.stringify(each.origin) === origin);
  const { address = 'localhost', port } = own?.listen ?? proxy.listen;
  return [address.includes(':') ? `[${address}]` : address, String(port)];
}

/** A text with the ids of their callers in place of the throw-away keys. */
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
