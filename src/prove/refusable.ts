import type { Proxy } from '../policy/types.ts';
import type { ExampleRequest } from './request.ts';

const NAME = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,4})?$/;

/** Whether an engine may refuse a request line before it looks at anything that the files say. */
export function isOddLine({ method, path }: { readonly method: string; readonly path: string }): boolean {
  return (
    /^(?:CONNECT|TRACE)$/.test(method) ||
    !path.startsWith('/') ||
    /%(?![0-9A-Fa-f]{2})|%00|(?:[.]|%2e)(?:[.]|%2e)|%2f/i.test(path)
  );
}

/** Why an engine may refuse a request to a proxy before that; see the assumptions. */
type Doubt = 'head' | 'host' | 'length' | 'line';

export function doubtsOf({ method, target, headers, headBytes = 0 }: ExampleRequest, proxy: Proxy): readonly Doubt[] {
  const valueOf = (wanted: string) => headers.find(([name]) => name === wanted)?.[1] ?? '';
  const host = valueOf('Host');
  const all: readonly (readonly [why: Doubt, is: boolean])[] = [
    ['head', headBytes > proxy.maxRequestHead],
    ['host', !NAME.test(host) || host.includes('..')],
    ['length', Number(valueOf('Content-Length')) > 1e12],
    ['line', isOddLine({ method, path: target.replace(/[?].*$/s, '') })],
  ];
  return all.flatMap(([why, is]) => (is ? [why] : []));
}

export function isRefusable(request: ExampleRequest, proxy: Proxy): boolean {
  return doubtsOf(request, proxy).length > 0;
}
