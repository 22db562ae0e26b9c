import type { Enforcement } from '../../policy/fields.ts';
import { sitesHere } from '../sites.ts';
import type { RequestRunner } from '../target.ts';
import type { CaddyOptions } from './options.ts';

/** Names the directives and tables that carry out each field of the policy. */
const enforces: Enforcement = {
  forwarding: {
    upstream: 'reverse_proxy',
    auth: 'the table of who may pass',
    headers: 'header_up; all others are deleted',
    contentTypes: 'the table of body types',
    maxBody: 'request_body',
    websocket: 'header_up Upgrade and Connection',
  },
  proxy: {
    id: 'the names of its snippets',
    listen: 'the address of the site, and bind',
    hosts: 'host, one matcher each',
    tls: 'tls',
    ranges: 'the table of addresses',
    clientIp: 'the table of the address header, or the proxy_protocol wrapper',
    apiKeyHeader: 'the table of keys',
    apiKeyScheme: 'the table of keys',
    publicUrl: 'header_down Location and Link',
    groups: 'the table of who may pass',
    routes: 'the table of paths',
    answers: 'respond, one handler each',
    health: 'respond, with addresses of its own',
    cors: 'the tables of origins and preflights, and header',
    methodNotAllowed: 'the table of refusals, and that of Allow',
    maxRequestHead: 'max_header_size',
    responseHeaders: 'header',
    origin: 'nothing: only diagnostics show it',
  },
  apiKey: {
    id: 'the table of callers, and the access log',
    keys: 'secrets/keys',
    token: 'secrets/keys',
    groups: 'the table of callers',
    allGroups: 'nothing: groups says which',
    ranges: 'the table of addresses of its class',
    expires: 'the table of classes that still live',
    rateLimit: 'nothing: Caddy counts no requests, which is a diagnostic',
    owner: 'nothing: it says whom to ask',
    origin: 'nothing: only diagnostics show it',
  },
  upstream: {
    id: 'nothing: it is written out where it is used',
    scheme: 'transport',
    host: 'header_up Host',
    port: 'header_up Host',
    servers: 'to',
    tokenHeader: 'header_up',
    tokenScheme: 'header_up',
    tls: 'tls_server_name, tls_trust_pool, tls_insecure_skip_verify',
    timeouts: 'dial_timeout, read_timeout, write_timeout',
    origin: 'nothing: only diagnostics show it',
  },
  rewrite: {
    from: 'the address of a site, and the Host that goes on',
    to: 'the address of a site',
    wildcard: 'nothing: a wildcard has no site',
    oneTarget: 'nothing: a wildcard has no site',
    upstream: 'reverse_proxy of its site',
    containerRegistry: 'nothing: nodes are told of it',
    origin: 'nothing: only diagnostics show it',
  },
};

export const run: RequestRunner<CaddyOptions> = {
  program: 'caddy',
  args: () => ['run', '--config', 'Caddyfile'],
  leaves: ['*.log', '*.log.gz', '*.sock', 'data/', 'config/'],
  serves: 'requests',
  reloadSignal: 'USR1',
  alone: ({ sites, writable, accessLog, ...proxies }) => proxies,
  // Every rewrite with an upstream gets a site, whatever the options say.
  rendersSites: () => true,
  sites: ({ writable, accessLog, sites = {}, ...others }, here) => {
    const speakTls = sites.tls !== 'off' && sites.tls !== 'inFront';
    const { options, does } = sitesHere(sites, { ...here, speakTls });
    return { options: { ...others, sites: options }, does };
  },
  enforces,
  // Nothing in Caddy counts requests or connections of an address. Unannounced trailers are set after all handlers have
  // seen the answer.
  limits: () => ['addressRequests', 'unannouncedTrailers'],
  accessLog: 'access.log',
};
