import { freePort } from '../../../src/verify/ports.ts';
import { type RawResponse, sendRaw } from '../../../src/verify/raw.ts';
import { type Answer, type Recorded, startRecorder } from '../../../src/verify/recorder.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { policyOf } from '../../support/policy.ts';
import { type Running, runNginx } from './engine.ts';

export const KEY = 'caller-key-0123456789-AbCdEfGh';
export const OTHER = 'second-key-0123456789-ZyXwVuTs';
export const values = new Map([
  ['env:KEY', KEY],
  ['env:OTHER', OTHER],
  ['env:TOKEN', 'glpat-upstream.token'],
  ['env:TOKEN2', 'glpat-second.token'],
]);

export interface World extends Running {
  readonly port: number;
  readonly requests: readonly Recorded[];
  ask(line: string, fields?: readonly string[]): Promise<RawResponse>;
}

export interface WorldOptions {
  readonly program: string;
  readonly routes?: object;
  readonly apiKeys?: object;
  readonly proxy?: object;
  readonly answer?: Answer | ((request: Recorded) => Answer);
  readonly values?: ReadonlyMap<string, string> | undefined;
}

/** A proxy in front of a recorder; `ask` sends the good key where it is given no fields. */
export async function startWorld(scope: Scope, options: WorldOptions): Promise<World> {
  const { program, routes = {}, apiKeys = {}, proxy = {}, answer } = options;
  const recorder = await startRecorder(answer === undefined ? {} : { answer });
  scope.defer(() => recorder.close());
  const port = await freePort();
  const policy = policyOf({
    upstreams: { up: { url: `http://127.0.0.1:${recorder.port}` } },
    routes: { read: { upstream: 'up', allow: ['GET /things', 'GET /things/{id:int}', 'POST /things'] }, ...routes },
    apiKeys: { caller: { key: 'env:KEY', token: 'env:TOKEN' }, ...apiKeys },
    proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: ['127.0.0.0/29'], ...proxy } },
  });
  const secrets = 'values' in options ? options.values : values;
  const running = await runNginx(
    {
      policy,
      program,
      options: { workerProcesses: 1 },
      ...(secrets ? { values: secrets } : {}),
      ports: [port],
    },
    scope,
  );
  const ask = (line: string, fields: readonly string[] = [`PRIVATE-TOKEN: ${KEY}`]) =>
    sendRaw({ port }, [`${line} HTTP/1.1`, 'Host: proxy.example', ...fields, '', ''].join('\r\n'));
  return { ...running, port, requests: recorder.requests, ask };
}
