import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Effect } from '../policy/fields.ts';
import type { Spec, SpecFile } from '../spec/schema.ts';
import type { Touches } from './declared.ts';

const nothingReads = (what: string) => ({ cannotLoosen: `it says ${what}, and no decision reads it` });

/**
 * Returns the declaration for a field of issued tokens. Only the upstream knows what a token may do; the spec says what
 * is requested.
 */
const issued = (does: string, absent: string, byDefault?: unknown) => ({
  kind: 'token' as const,
  words: ([, mount, , role]: SpecPath) => `what is issued at ${mount}/token/${role} ${does}`,
  absent,
  byDefault,
});

function scopesEffect(before: unknown, after: unknown): Effect {
  const [left, right] = [new Set([before ?? []].flat()), new Set([after ?? []].flat())];
  return [...right].every((scope) => left.has(scope)) ? 'narrowing' : 'widening';
}

/** Fields that a group sets for all of its requests, and a request may set for itself. */
const forwarding = {
  headers: 'decided',
  contentTypes: 'decided',
  maxBody: 'decided',
  websocket: 'decided',
} as const;

/**
 * How each field of a spec touches access. What is `decided` here is compared as policies, by the field tables of their
 * records. The options under `targets` are declared by each target itself.
 */
export const SPEC_ACCESS: Touches<Omit<Spec, 'targets'> & Pick<SpecFile, 'include'>> = {
  $schema: nothingReads('what editors check the spec with'),
  version: nothingReads('which format this is'),
  name: nothingReads('what files and reports call the spec'),
  include: { cannotLoosen: 'what it adds is compared as if it were written in the spec' },
  ipRanges: {
    each: {
      fields: {
        cidr: 'decided',
        not: 'decided',
        owner: nothingReads('whom to ask'),
        expires: 'decided',
        reason: nothingReads('whose addresses these are'),
        file: 'decided',
        format: 'decided',
        select: 'decided',
        sha256: { cannotLoosen: 'the file is compared itself' },
        url: nothingReads('where the file came from'),
      },
    },
  },
  upstreams: {
    each: {
      fields: {
        url: 'decided',
        servers: 'decided',
        tokenHeader: 'decided',
        tokenScheme: 'decided',
        tls: { fields: { serverName: 'decided', caFile: 'decided', insecureSkipVerify: 'decided' } },
        timeouts: { cannotLoosen: 'a longer wait lets no other request through' },
      },
    },
  },
  routes: {
    each: {
      fields: {
        upstream: 'decided',
        auth: 'decided',
        ...forwarding,
        allow: { fields: { request: 'decided', ...forwarding, reason: nothingReads('why something is allowed') } },
      },
    },
  },
  apiKeys: {
    each: {
      fields: {
        key: 'decided',
        token: 'decided',
        routes: 'decided',
        ipRanges: 'decided',
        expires: 'decided',
        rateLimit: 'decided',
        owner: nothingReads('whom to ask'),
      },
    },
  },
  proxies: {
    each: {
      fields: {
        listen: 'decided',
        hosts: 'decided',
        tls: { fields: { certFile: 'decided', keyFile: 'decided' } },
        ipRanges: 'decided',
        clientIp: { fields: { trustedProxies: 'decided', header: 'decided', proxyProtocol: 'decided' } },
        maxRequestHead: 'decided',
        apiKeyHeader: 'decided',
        apiKeyScheme: 'decided',
        publicUrl: 'decided',
        routes: 'decided',
        methodNotAllowed: { cannotLoosen: 'either way the request is refused' },
        answer: {
          fields: {
            request: 'decided',
            auth: 'decided',
            status: { cannotLoosen: 'the proxy answers whoever could ask before' },
            body: { cannotLoosen: 'the proxy answers whoever could ask before' },
          },
        },
        health: { fields: { path: 'decided', from: 'decided' } },
        cors: { fields: { origins: 'decided', headers: 'decided', maxAge: 'decided' } },
        responseHeaders: { each: 'decided' },
      },
    },
  },
  domainRewrites: { fields: { from: 'decided', to: 'decided', upstream: 'decided', containerRegistry: 'decided' } },
  guarantees: { cannotLoosen: 'a guarantee grants nothing; one that is gone is reported by itself' },
  vault: {
    each: {
      fields: {
        gitlabVersion: nothingReads('what the roles are checked against'),
        maxLease: { cannotLoosen: 'roles say how long a token lives, and it only bounds them' },
        configs: {
          each: {
            fields: {
              url: issued('is issued by', 'nobody'),
              type: nothingReads('what the roles are checked against'),
              autoRotate: { cannotLoosen: "it is about the plugin's own token" },
            },
          },
        },
        roles: {
          each: {
            fields: {
              config: issued('is issued by', 'nobody'),
              type: issued('is of type', 'nothing'),
              path: issued('is of', 'nothing'),
              dynamicPath: issued('is of what is asked for:', 'false', false),
              name: nothingReads('how the token is listed'),
              accessLevel: issued('acts as', 'itself'),
              scopes: { ...issued('may be used for', 'nothing'), effect: scopesEffect },
              ttl: issued('lives for', 'as long as the mount says'),
              gitlabRevokes: issued('is ended by GitLab alone:', 'false', false),
            },
          },
        },
      },
    },
  },
  shadow: { cannotLoosen: 'a shadow is decided and logged, and never enforced' },
  accepted: { cannotLoosen: 'what lint says changes no answer' },
  tests: { cannotLoosen: 'tests ask and change no answer' },
};
