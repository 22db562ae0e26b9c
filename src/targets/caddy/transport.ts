import { HEADS, PHASES } from '../../plan/bounds.ts';
import { authorityOf, hostAndPort } from '../../policy/origin.ts';
import type { Upstream } from '../../policy/types.ts';
import { bareWord, type CaddyToken, trustedText } from './quote.ts';

/** How Caddy reaches an upstream. */
export interface Transport {
  readonly servers: readonly CaddyToken[];
  /** How many other servers of the pool are tried. */
  readonly retries: CaddyToken | null;
  readonly host: CaddyToken;
  readonly connectTimeout: CaddyToken;
  readonly readTimeout: CaddyToken;
  readonly keepalive: CaddyToken;
  readonly writeTimeout: CaddyToken;
  /** Bytes of the largest head of an answer. */
  readonly answerHead: number;
  readonly tls: {
    readonly serverName: CaddyToken;
    readonly caFile: CaddyToken | null;
    readonly insecure: boolean;
  } | null;
}

/**
 * Returns the longest read from an upstream. Go starts reading when nothing more has come, which is before the next
 * request on a kept connection: the read lasts through the wait for that request, its body, and the silence after it.
 */
export function longestRead(body: number, silence: number): CaddyToken {
  return bareWord(`${PHASES.kept + body + silence}ms`);
}

/** Returns the transport to an upstream whose CA file `plan` has found to be quotable. */
export function transportOf(upstream: Upstream): Transport {
  const { scheme, servers, timeouts, tls } = upstream;
  // Caddy refuses http beside port 443, and https beside port 80; without a scheme the transport alone says which it is.
  const isOdd = servers.some(({ port }) => port === (scheme === 'http' ? 443 : 80));
  const before = isOdd ? '' : `${scheme}://`;
  return {
    servers: servers.map((server) => bareWord(`${before}${hostAndPort(server)}`)),
    retries: servers.length > 1 ? bareWord(String(servers.length - 1)) : null,
    host: trustedText(authorityOf(upstream)),
    connectTimeout: bareWord(`${timeouts.connect}ms`),
    readTimeout: bareWord(`${timeouts.read}ms`),
    keepalive: bareWord(`${PHASES.kept}ms`),
    writeTimeout: bareWord(`${timeouts.send}ms`),
    answerHead: HEADS.answer,
    tls: tls
      ? {
          serverName: trustedText(tls.serverName),
          caFile: tls.caFile === undefined ? null : trustedText(tls.caFile),
          insecure: tls.insecureSkipVerify,
        }
      : null,
  };
}
