import type { Enforcement } from '../../policy/fields.ts';
import { sitesHere } from '../sites.ts';
import type { RequestRunner } from '../target.ts';
import { atLeast, type NginxOptions, WITH_INTERIM_ANSWERS } from './options.ts';

/** Names the directives that carry out each field of the policy. */
const enforces: Enforcement = {
  forwarding: {
    upstream: 'proxy_pass',
    auth: 'the maps of keys, asked of every route but the open ones',
    headers: 'proxy_set_header, one each; all others are not passed on',
    contentTypes: 'the map of body types',
    maxBody: 'client_max_body_size',
    websocket: 'Upgrade and Connection',
  },
  proxy: {
    id: 'names of files and variables',
    listen: 'listen',
    hosts: 'server_name, and the map of the name',
    tls: 'ssl_certificate, ssl_certificate_key',
    ranges: 'geo',
    clientIp: 'the maps of the address header, or set_real_ip_from',
    apiKeyHeader: 'the variable that the maps of keys read',
    apiKeyScheme: 'the expression that finds the key',
    publicUrl: 'proxy_redirect and the map of Link',
    groups: 'the maps of keys',
    routes: 'the maps of paths and methods',
    answers: 'return, one location each',
    health: 'return, and a geo of its own',
    cors: 'the maps of origins and preflights, and add_header',
    methodNotAllowed: 'the map of refusals',
    maxRequestHead: 'large_client_header_buffers',
    responseHeaders: 'add_header',
    origin: 'nothing: only diagnostics show it',
  },
  apiKey: {
    id: 'the map from key to caller, and the access log',
    keys: 'secrets/keys.conf',
    token: 'secrets/tokens.conf',
    groups: 'the map of scopes',
    allGroups: 'the name of the set of groups in the map of grants',
    ranges: 'geo',
    expires: 'the map of the time',
    rateLimit: 'limit_req',
    owner: 'nothing: it says whom to ask',
    origin: 'nothing: only diagnostics show it',
  },
  upstream: {
    id: 'the name of its upstream block',
    scheme: 'proxy_pass',
    host: 'proxy_set_header Host',
    port: 'proxy_set_header Host',
    servers: 'server',
    tokenHeader: 'proxy_set_header',
    tokenScheme: 'proxy_set_header',
    tls: 'proxy_ssl_verify, proxy_ssl_name, proxy_ssl_trusted_certificate',
    timeouts: 'proxy_connect_timeout, proxy_read_timeout, proxy_send_timeout',
    origin: 'nothing: only diagnostics show it',
  },
  rewrite: {
    from: 'server_name and the Host that goes on',
    to: 'server_name',
    wildcard: 'nothing: a wildcard has no site',
    oneTarget: 'nothing: a wildcard has no site',
    upstream: 'proxy_pass of its site',
    containerRegistry: 'nothing: nodes are told of it',
    origin: 'nothing: only diagnostics show it',
  },
};

export const run: RequestRunner<NginxOptions> = {
  program: 'nginx',
  args: (folder) => ['-p', `${folder}/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
  leaves: ['*.log', '*.pid', '*_temp/', 'temp/', 'logs/'],
  serves: 'requests',
  reloadSignal: 'HUP',
  alone: ({ sites, form, writable, accessLog, ...proxies }) => proxies,
  rendersSites: ({ sites }) => sites !== undefined,
  sites: ({ form, writable, accessLog, sites = {}, ...others }, here) => {
    const { options, does } = sitesHere(sites, { ...here, speakTls: typeof sites.tls === 'object' });
    return { options: { ...others, sites: options }, does };
  },
  enforces,
  // Older versions take an interim answer for the final one: what follows is passed on as it is, and the connection
  // waits.
  limits: ({ version }) => (atLeast(version, WITH_INTERIM_ANSWERS) ? [] : ['interimAnswers']),
  accessLog: 'access.log',
};
