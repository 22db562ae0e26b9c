import { readFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemProblem } from '../output/disk.ts';
import { isRecord, parseJson } from '../source/value.ts';
import type { SourceContext } from './found.ts';

/** A server of Vault or OpenBao, as their environment variables describe it. */
export interface VaultServer {
  readonly url: URL;
  readonly namespace?: string;
  readonly ca?: Buffer;
  readonly serverName?: string;
  /** Timeout of one request, in milliseconds. */
  readonly patience: number;
  /** Most retries of a request that got no answer, or one that may be different next time. */
  readonly retries: number;
}

/** The reason why there is no answer, in our own words, and what to do. */
export interface Trouble {
  readonly problem: string;
  readonly hint: string;
}

export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Path below `/v1/`, not encoded. */
  readonly path: string;
  readonly token?: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface VaultAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Returns a setting that has two names, such as `VAULT_ADDR` and `BAO_ADDR`. If both are set, they have to agree. */
export function setting(name: string, { env }: Pick<SourceContext, 'env'>): string | undefined | Trouble {
  const [vault, bao] = [env[`VAULT_${name}`] || undefined, env[`BAO_${name}`] || undefined];
  if (vault !== undefined && bao !== undefined && vault !== bao)
    return { problem: `VAULT_${name} and BAO_${name} differ`, hint: 'unset one of them' };
  return vault ?? bao;
}

export function vaultServer(context: SourceContext): VaultServer | Trouble {
  const settings: Record<string, string> = {};
  for (const name of [
    'ADDR',
    'NAMESPACE',
    'CACERT',
    'TLS_SERVER_NAME',
    'CLIENT_TIMEOUT',
    'MAX_RETRIES',
    'SKIP_VERIFY',
  ]) {
    const value = setting(name, context);
    if (typeof value === 'object') return value;
    if (value !== undefined) settings[name] = value;
  }
  const { ADDR, NAMESPACE, CACERT, TLS_SERVER_NAME, CLIENT_TIMEOUT = '20', MAX_RETRIES = '2', SKIP_VERIFY } = settings;
  if (ADDR === undefined)
    return {
      problem: 'VAULT_ADDR is not set',
      hint: 'set VAULT_ADDR, or BAO_ADDR, such as https://vault.example.com:8200',
    };
  if (/^(?:1|t|true)$/i.test(SKIP_VERIFY ?? ''))
    return {
      problem: 'VAULT_SKIP_VERIFY is set',
      hint: 'name the authority with VAULT_CACERT: who does not verify hands the token to anybody',
    };
  const url = URL.canParse(ADDR) ? new URL(ADDR) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || `${url.username}${url.password}` !== '' || url.search !== '')
    return { problem: 'VAULT_ADDR is not an address', hint: 'write https://HOST:PORT' };
  const [, seconds] = /^(\d{1,4})s?$/.exec(CLIENT_TIMEOUT) ?? [];
  if (seconds === undefined || seconds === '0' || !/^\d$/.test(MAX_RETRIES))
    return {
      problem: 'VAULT_CLIENT_TIMEOUT or VAULT_MAX_RETRIES is no such number',
      hint: 'write seconds, such as 20, and a digit',
    };
  const ca = CACERT === undefined ? undefined : readAuthority(resolve(CACERT));
  if (ca && 'problem' in ca) return ca;
  return {
    url,
    patience: Number(seconds) * 1000,
    retries: Number(MAX_RETRIES),
    ...(NAMESPACE !== undefined && { namespace: NAMESPACE }),
    ...(ca && { ca }),
    ...(TLS_SERVER_NAME !== undefined && { serverName: TLS_SERVER_NAME }),
  };
}

function readAuthority(file: string): Buffer | Trouble {
  try {
    return readFileSync(file);
  } catch (error) {
    return { problem: `the file of VAULT_CACERT cannot be read: ${systemProblem(error)}`, hint: 'name a PEM file' };
  }
}

/** Returns the path where `vault login` and `bao login` store a token. */
export function tokenFile({ env }: Pick<SourceContext, 'env'>): string {
  return join(env['HOME'] || homedir(), '.vault-token');
}

/** Sends a request, and retries it if that may help. An answer that is not complete JSON counts as trouble. */
export async function ask(server: VaultServer, request: VaultRequest): Promise<VaultAnswer | Trouble> {
  for (let attempt = 0; ; attempt++) {
    const answer = await askOnce(server, request);
    const passing =
      'problem' in answer ? answer.passing : answer.status === 429 || (answer.status > 501 && answer.status < 600);
    if (!passing || attempt >= server.retries) return answer;
    await wait(Math.min(2000, 250 * 2 ** attempt));
  }
}

/** Whether a text may be sent in a header. A secret from a file or a cluster often ends in a line feed. */
function isHeader(value = ''): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}

const ODD_HEADER: Trouble = {
  problem: 'the token or the namespace holds a character that none has',
  hint: 'look for a line feed at the end of VAULT_TOKEN or VAULT_NAMESPACE',
};

const LARGEST = 4 * 2 ** 20;

function askOnce(
  { url, namespace, ca, serverName, patience }: VaultServer,
  { method, path, token, body }: VaultRequest,
): Promise<VaultAnswer | (Trouble & { readonly passing: boolean })> {
  if (!isHeader(token) || !isHeader(namespace)) return Promise.resolve({ ...ODD_HEADER, passing: false });
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const base = url.pathname.replace(/\/$/, '');
  const options = {
    method,
    path: `${base}/v1/${path.split('/').map(encodeURIComponent).join('/')}`,
    headers: {
      'X-Vault-Request': 'true',
      ...(namespace !== undefined && { 'X-Vault-Namespace': namespace }),
      ...(token !== undefined && { 'X-Vault-Token': token }),
      ...(sent !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(sent) }),
    },
    signal: AbortSignal.timeout(patience),
    agent: false,
    ...(ca && { ca }),
    ...(serverName !== undefined && { servername: serverName }),
  } as const;
  return new Promise((settle) => {
    const fail = (error: Error) => settle({ ...troubleOf(error, url), passing: true });
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const outgoing = send(url, options, (incoming) => {
      const chunks: Buffer[] = [];
      let length = 0;
      incoming.on('error', fail);
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > LARGEST) incoming.destroy(new Error('too large'));
        else chunks.push(chunk);
      });
      incoming.on('end', () => settle(readAnswer(incoming.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
    });
    outgoing.on('error', fail);
    outgoing.end(sent);
  });
}

function readAnswer(status: number, text: string): VaultAnswer | (Trouble & { readonly passing: boolean }) {
  const body = text === '' ? {} : parseJson(text);
  if (isRecord(body)) return { status, body };
  const hint = 'look whether VAULT_ADDR is that of Vault, or of something in front of it';
  return { problem: `the answer (status ${status}) is not JSON`, hint, passing: status >= 500 };
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL/;

function troubleOf(error: Error, { host }: URL): Trouble {
  const code = 'code' in error ? String(error.code) : '';
  if (error.name === 'TimeoutError' || error.name === 'AbortError' || code === 'ABORT_ERR')
    return {
      problem: `${host} did not answer in time`,
      hint: 'look whether it is up; VAULT_CLIENT_TIMEOUT sets the seconds',
    };
  if (CERTIFICATE.test(code))
    return {
      problem: `the certificate of ${host} is not accepted (${code})`,
      hint: 'name its authority with VAULT_CACERT, and its name with VAULT_TLS_SERVER_NAME',
    };
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EHOSTUNREACH')
    return { problem: `${host} is not reached (${code})`, hint: 'look whether it is up, and at VAULT_ADDR' };
  return { problem: `${host} broke off its answer`, hint: 'look whether it is up, and at what stands in front of it' };
}
