import { freePorts } from '../../../src/verify/ports.ts';
import { type Address, openConnection, type RawResponse } from '../../../src/verify/raw.ts';
import { type Recorder, startRecorder } from '../../../src/verify/recorder.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { policyOf } from '../../support/policy.ts';
import { type Running, runCaddy } from './engine.ts';

export interface World extends Running {
  readonly port: number;
  readonly upstream: Recorder;
  ask(line: string, fields?: readonly string[], body?: string): Promise<RawResponse>;
}

export interface WorldOptions {
  readonly program: string;
  readonly spec?: object;
  readonly proxy?: object;
  readonly values?: Readonly<Record<string, string>>;
}

export const KEY = 'a-key-of-echoes-0123456789';

/** One proxy in front of a recording upstream; `ask` sends one request from 127.0.0.1. */
export async function worldOf(
  scope: Scope,
  { program, spec = {}, proxy = {}, values = { 'env:K': KEY, 'env:T': 'the-token' } }: WorldOptions,
): Promise<World> {
  const [port = 0] = await freePorts(1);
  const upstream = await startRecorder();
  scope.defer(() => upstream.close());
  const policy = policyOf({
    upstreams: { up: { url: 'http://up.example', servers: [`127.0.0.1:${upstream.port}`] } },
    routes: { read: { upstream: 'up', allow: ['GET /a', 'GET /g/{group:encodedPath}'] } },
    apiKeys: { echoes: { key: 'env:K', token: 'env:T' } },
    ...spec,
    proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: ['127.0.0.0/8'], ...proxy } },
  });
  const running = await runCaddy({ policy, program, values: new Map(Object.entries(values)), ports: [port] }, scope);
  const ask: World['ask'] = (line, fields = [`PRIVATE-TOKEN: ${KEY}`], body = '') =>
    sendTo({ port }, [`${line} HTTP/1.1`, 'Host: api.example:1', ...fields], body);
  return { ...running, port, upstream, ask };
}

export async function sendTo(address: Address, head: readonly string[], body = ''): Promise<RawResponse> {
  const connection = await openConnection(address);
  try {
    return await connection.send(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
  } finally {
    connection.close();
  }
}
