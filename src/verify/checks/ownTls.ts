import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Proxy } from '../../policy/types.ts';
import type { EngineRun } from '../engineRun.ts';
import { connectTo, prefaceOf } from '../exchange.ts';
import type { Random } from '../random.ts';
import { type CheckFailure, forwardedBy, probeOf } from './check.ts';

const PATIENCE = 5_000;

/**
 * Checks the TLS of proxies: one certificate whatever name is asked for, no old version, no plain HTTP on the same
 * port.
 */
export async function ownTls(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  const failures: CheckFailure[] = [];
  for (const { proxy } of run.fixtures.values()) {
    if (!proxy.tls) continue;
    const certificate = new X509Certificate(await readFile(proxy.tls.certFile));
    const problems = [...(await handshakeProblems(proxy, certificate)), ...(await plainProblems(proxy, run, random))];
    failures.push(...problems.map((problem) => ({ at: [...proxy.origin, 'tls'], problem })));
  }
  return failures;
}

/** Finds proxies that should speak TLS and with which no connection comes about: no probe could be sent to them. */
export async function withoutTls({ fixtures }: EngineRun): Promise<CheckFailure[]> {
  const failures: CheckFailure[] = [];
  for (const { proxy } of fixtures.values()) {
    const { id, origin, tls, hosts } = proxy;
    if (!tls || (await shake(proxy, { servername: hosts[0] ?? 'probe.example' }))) continue;
    failures.push({ at: [...origin, 'tls'], problem: `proxy ${id} does not speak TLS` });
  }
  return failures;
}

async function handshakeProblems(proxy: Proxy, certificate: X509Certificate): Promise<string[]> {
  const problems: string[] = [];
  for (const servername of [undefined, 'probe.example', 'other.example']) {
    const shown = await shake(proxy, servername === undefined ? {} : { servername });
    const name = servername === undefined ? 'no name' : `the name ${servername}`;
    if (shown?.fingerprint256 !== certificate.fingerprint256)
      problems.push(`shows ${shown ? 'another certificate' : 'no certificate'} to whoever asks for ${name}`);
  }
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
    if (await shake(proxy, old)) problems.push(`speaks ${version}`);
  }
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    if (!(await shake(proxy, { minVersion: version, maxVersion: version }))) problems.push(`does not speak ${version}`);
  }
  return problems;
}

/** The certificate that is shown; `undefined` where no connection comes about. */
function shake(proxy: Proxy, options: ConnectionOptions): Promise<X509Certificate | undefined> {
  return new Promise((resolve) => {
    const tcp = connectTcp({ port: proxy.listen.port, host: '127.0.0.1' });
    let socket: TLSSocket | undefined;
    const end = (shown?: X509Certificate) => {
      resolve(shown);
      socket?.destroy();
      tcp.destroy();
    };
    tcp.setTimeout(PATIENCE, () => end());
    tcp.once('error', () => end()).once('close', () => end());
    tcp.once('connect', () => {
      tcp.write(prefaceOf(proxy, '127.0.0.1'));
      socket = connectTls({ socket: tcp, rejectUnauthorized: false, ...options });
      socket.once('error', () => end()).once('secureConnect', () => end(socket?.getPeerX509Certificate()));
    });
  });
}

/** Sends a request in plain HTTP that would be forwarded over TLS, and says what was wrong with the answer. */
async function plainProblems(proxy: Proxy, run: EngineRun, random: Random): Promise<string[]> {
  const candidate = [...forwardedBy(run)].find(({ fixture }) => fixture.proxy === proxy);
  if (!candidate) return [];
  const { raw, peer } = probeOf(candidate, random);
  const { tls: _, ...plain } = proxy;
  run.upstreams.forgetUnclaimed();
  const connection = await connectTo(plain, peer);
  connection.write(Buffer.from(raw, 'latin1'));
  const status = (await connection.receive(/^[^ ]*/.exec(raw)?.[0] ?? '', PATIENCE))?.status;
  connection.close();
  if (run.upstreams.unclaimed.size > 0) return ['plain HTTP reached the upstream'];
  return status === undefined || status === 400 ? [] : [`answered ${status} instead of 400 to plain HTTP`];
}
