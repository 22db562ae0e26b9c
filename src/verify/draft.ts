import type { Fields } from './http1.ts';

/** A request that is still being made up; `raw` turns it into bytes. */
export interface Draft {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: Fields;
  readonly body?: string;
  /** Whether the body is sent in chunks; with a Content-Length where absent. */
  readonly chunked?: boolean;
}

/** One request to a proxy, as bytes (latin1). */
export interface Probe {
  /** Id of the proxy that is asked. */
  readonly proxy: string;
  /** The address that the connection comes from, or that its PROXY header tells. */
  readonly peer: string;
  readonly raw: string;
}

export function withField(draft: Draft, name: string, value: string): Draft {
  return { ...draft, fields: [...draft.fields, [name, value]] };
}

export function withoutField(draft: Draft, name: string): Draft {
  return { ...draft, fields: draft.fields.filter(([each]) => each.toLowerCase() !== name.toLowerCase()) };
}

export function replaceField(draft: Draft, name: string, value: string): Draft {
  return withField(withoutField(draft, name), name, value);
}

export function raw({ method, target, version, fields, body, chunked = false }: Draft): string {
  const lines = [`${method} ${target} ${version}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  if (body !== undefined) lines.push(chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`);
  const content = chunked && body !== undefined ? chunks(body) : (body ?? '');
  return `${lines.join('\r\n')}\r\n\r\n${content}`;
}

/** A body in two chunks, by which an engine is found that stops after the first. */
function chunks(body: string): string {
  const middle = Math.ceil(body.length / 2);
  const parts = [body.slice(0, middle), body.slice(middle)].filter((part) => part !== '');
  return `${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`;
}
