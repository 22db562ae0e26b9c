import { compile } from '../../src/compile.ts';
import type { Project } from '../../src/compose/project.ts';
import { targets } from '../../src/targets/index.ts';
import type { Target } from '../../src/targets/target.ts';
import { route, specText } from './specs.ts';

export type Engine = 'nginx' | 'caddy';
/**
 * `tuned` is what is generated, run as the deployment examples run Caddy; `shadowed` is what is generated with a shadow of half of the routes; `bare` only forwards; `sameWork` writes the same
 * log line and sets the same headers, and has no policy; `seedStyle` is an allowlist as somebody would write it by hand.
 */
export type Kind = 'generated' | 'tuned' | 'shadowed' | 'bare' | 'sameWork' | 'seedStyle';

/** What the proxies of one comparison are asked to do. */
export interface Setting {
  readonly routes: number;
  readonly keys: number;
  readonly cidrs: number;
  readonly groups?: number;
  /** All of them serve the same; the first one is asked. */
  readonly proxies?: number;
  readonly upstreamPort: number;
}

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

const KEY = (n: number) =>
  `bench-key-${String(n).padStart(6, '0')}-${((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0')}`;

/** The key that the n-th caller sends. */
export const keyOf = KEY;

function targetOf(engine: Engine): Target {
  const target = targets.find(({ name }) => name === engine);
  if (!target) throw new Error(`no target ${engine}`);
  return target;
}

/** The spec of a setting, whose proxy listens at this port. */
function specFor(engine: Engine, { upstreamPort, ...size }: Setting, port: number) {
  const spec = JSON.parse(specText(size, { [engine]: {} }));
  spec.upstreams.gitlab.url = `http://127.0.0.1:${upstreamPort}`;
  spec.ipRanges.clients.push('127.0.0.0/8');
  spec.proxies.api.listen = `127.0.0.1:${port}`;
  // The others are of no use here, and any port may be taken.
  for (const [id, proxy] of Object.entries<{ listen: unknown }>(spec.proxies))
    if (id !== 'api') proxy.listen = `127.0.0.1:${9 + Number(id.slice(3)) + 20_000}`;
  return spec;
}

/** The files that Postern makes for this setting, secrets included. */
export function generated(engine: Engine, setting: Setting, port: number, shadowed = false): ConfigFile[] {
  const { keys } = setting;
  const spec = specFor(engine, setting, port);
  if (shadowed) spec.shadow = 'shadow.json';
  const shadow = JSON.stringify(specFor(engine, { ...setting, routes: Math.ceil(setting.routes / 2) }, port));
  const project: Project = {
    entry: () => 'bench.json',
    open: (path) => ({ path, file: { name: path, text: shadow } }),
    wayOut: () => undefined,
  };
  const options = { file: 'bench.json', read: () => undefined, project };
  const { files, policy, diagnostics } = compile(JSON.stringify(spec), options);
  const values = new Map(
    Array.from(
      { length: keys },
      (_, n) =>
        [
          [`env:KEY_${n}`, KEY(n)],
          [`env:TOKEN_${n}`, `token-${n}`],
        ] as const,
    ).flat(),
  );
  const secrets = policy && targetOf(engine).secrets?.({ policy, values })?.value;
  if (!files || !secrets) throw new Error(JSON.stringify(diagnostics));
  return [...files, ...secrets];
}

const NGINX_HEAD = 'pid nginx.pid; error_log stderr crit; worker_processes auto; events { worker_connections 1024; }';
const NGINX_TEMP = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  .map((name) => `${name}_temp_path ${name}_temp;`)
  .join(' ');
const NGINX_FORWARD = 'proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";';

/** nginx in the style of a hand-written allowlist: a location with a regular expression for each route. */
function nginxByHand({ routes, cidrs, keys, upstreamPort }: Setting, port: number, bare: boolean): ConfigFile[] {
  const locations = Array.from({ length: bare ? 0 : routes }, (_, n) => {
    const [methods = '', path = ''] = route(n).allow.split(' ');
    return `location ~ "^${path.replace(/\{[^}]*\}/g, '[^/]+')}$" { limit_except ${methods.replaceAll(',', ' ')} { deny all; } if ($token = "") { return 401; } ${NGINX_FORWARD} proxy_set_header PRIVATE-TOKEN $token; }`;
  });
  const allowed = JSON.parse(specText({ routes: 0, keys: 0, cidrs }, {})).ipRanges.clients as string[];
  const access = bare ? '' : `${allowed.map((range) => `allow ${range};`).join(' ')} allow 127.0.0.0/8; deny all;`;
  const tokens = Array.from({ length: bare ? 0 : keys }, (_, n) => `"${KEY(n)}" "token-${n}";`);
  const map = bare
    ? ''
    : `map_hash_bucket_size 128; map_hash_max_size ${Math.max(2048, keys * 4)}; map $http_private_token $token { default ""; ${tokens.join('\n')} }`;
  const rest = bare ? `location / { ${NGINX_FORWARD} }` : 'location / { return 404; }';
  const server = `server { listen 127.0.0.1:${port}; large_client_header_buffers 2 16384; ${access}\n${locations.join('\n')}\n${rest} }`;
  return [
    {
      path: 'nginx/nginx.conf',
      text: `${NGINX_HEAD} http { access_log off; ${NGINX_TEMP} ${map} upstream up { server 127.0.0.1:${upstreamPort}; keepalive 32; }\n${server} }\n`,
    },
  ];
}

function caddyByHand({ routes, cidrs, keys, upstreamPort }: Setting, port: number, bare: boolean): ConfigFile[] {
  const forward = `reverse_proxy http://127.0.0.1:${upstreamPort}`;
  const head = `{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n\tlog {\n\t\tlevel ERROR\n\t}\n}\nhttp://127.0.0.1:${port} {\n\tbind 127.0.0.1\n`;
  if (bare) return [{ path: 'caddy/Caddyfile', text: `${head}\t${forward}\n}\n` }];
  const allowed = JSON.parse(specText({ routes: 0, keys: 0, cidrs }, {})).ipRanges.clients as string[];
  const handles = Array.from({ length: routes }, (_, n) => {
    const [methods = '', path = ''] = route(n).allow.split(' ');
    const expression = path.replace(/\{[^}]*\}/g, '[^/]+');
    return `\t@r${n} {\n\t\tmethod ${methods.replaceAll(',', ' ')}\n\t\tpath_regexp ^${expression}$\n\t}\n\thandle @r${n} {\n\t\t${forward} {\n\t\t\theader_up PRIVATE-TOKEN {token}\n\t\t}\n\t}\n`;
  });
  const tokens = Array.from({ length: keys }, (_, n) => `\t\t"${KEY(n)}" "token-${n}"\n`).join('');
  const map = `\tmap {http.request.header.PRIVATE-TOKEN} {token} {\n${tokens}\t\tdefault ""\n\t}\n`;
  const who = `\t@foreign not remote_ip 127.0.0.0/8 ${allowed.join(' ')}\n\trespond @foreign 403\n`;
  return [{ path: 'caddy/Caddyfile', text: `${head}${who}${map}${handles.join('')}\trespond 404\n}\n` }];
}

/** What of a generated file has nothing to do with the policy: taken from there, so that it stays the same work. */
function textOf(engine: Engine, setting: Setting, port: number, path: string): string {
  const file = generated(engine, { routes: 1, keys: 1, cidrs: 1, upstreamPort: setting.upstreamPort }, port).find(
    (each) => each.path === path,
  );
  if (!file) throw new Error(`no ${path}`);
  return file.text;
}

const NGINX_VARIABLES: Readonly<Record<string, string>> = {
  method: '${request_method}',
  api_log_path: '${uri}',
  log_status: '${status}',
  log_upstream_time: '${upstream_response_time}',
  log_upstream_status: '${upstream_status}',
  api_route: 'main',
  private__token_log_key: 'caller-0',
};

function nginxSameWork(setting: Setting, port: number): ConfigFile[] {
  const text = textOf('nginx', setting, port, 'nginx/api.conf');
  const [format = ''] = /^log_format [^;]*;/m.exec(text) ?? [];
  const log = format.replace(
    /\$\{((?:api|log|private__token_log)_\w+|method)\}/g,
    (_, name: string) => NGINX_VARIABLES[name] ?? '',
  );
  const [, location = ''] = /\n {4}location = "[^"]*forward-gitlab" \{\n(.*?)\n {4}\}\n/s.exec(text) ?? [];
  const directives = location
    .split('\n')
    .filter((line) => !/^ *(?:#|internal|proxy_pass |proxy_redirect)/.test(line))
    .map((line) => line.replace(/\$\w+_token\b/, 'token-0'));
  const shared = textOf('nginx', setting, port, 'nginx/maps.conf');
  const answers =
    shared.match(/^map [^\n]* \$(?:request_origin|from_gitlab_\w+) \{(?: [^\n]* \}|\n(?: [^\n]*\n)*\})$/gm) ?? [];
  if (log === '' || directives.length < 20 || answers.length < 8)
    throw new Error('the generated file looks different now');
  const server = `server { listen 127.0.0.1:${port}; access_log access.log proxy-api buffer=32k flush=1s;\nlocation / {\nproxy_pass http://up;\n${directives.join('\n')}\n} }`;
  return [
    {
      path: 'nginx/nginx.conf',
      text: `${NGINX_HEAD} http { ${NGINX_TEMP}\n${log}\n${answers.join('\n')}\nupstream up { server 127.0.0.1:${setting.upstreamPort}; keepalive 32; }\n${server} }\n`,
    },
  ];
}

function caddySameWork(setting: Setting, port: number): ConfigFile[] {
  const text = textOf('caddy', setting, port, 'caddy/Caddyfile');
  const [log] = /^\tlog postern_access \{\n.*?^\t\}\n/ms.exec(text) ?? [];
  if (log === undefined) throw new Error('no access log');
  const snippets = ['log_fields', 'log_request', 'sent', 'api-forward-gitlab'].map((name) => {
    const [snippet] = new RegExp(`^\\(${name}\\) \\{\\n.*?^\\}\\n`, 'ms').exec(text) ?? [];
    if (snippet === undefined) throw new Error(`no snippet ${name}`);
    return snippet
      .replace(/\{sent\.\w+\} (?=\{http\.request\.header\.([\w-]+)\})/g, '$1 ')
      .replaceAll('{http.vars.client_ip}', '{http.request.remote.host}')
      .replace(/\{http\.vars\.\w+\}/g, 'main');
  });
  const [bare] = caddyByHand(setting, port, true);
  const head = bare?.text.slice(0, bare.text.indexOf('http://')).replace('\n}\n', `\n${log}}\n`) ?? '';
  const forward = `reverse_proxy http://127.0.0.1:${setting.upstreamPort} {\n\t\t\timport sent\n\t\t\timport api-forward-gitlab\n\t\t}`;
  const site = `http://127.0.0.1:${port} {\n\tbind 127.0.0.1\n\tlog postern_access\n\troute {\n\t\timport log_fields\n\t\tvars id {http.request.uuid}\n\t\timport log_request\n\t\t${forward}\n\t}\n}\n`;
  return [{ path: 'caddy/Caddyfile', text: `${head}${snippets.join('')}${site}` }];
}

/** The files of one contender. */
export function filesOf(engine: Engine, kind: Kind, setting: Setting, port: number): ConfigFile[] {
  if (kind === 'generated' || kind === 'tuned' || kind === 'shadowed')
    return generated(engine, setting, port, kind === 'shadowed');
  if (kind === 'sameWork') return engine === 'nginx' ? nginxSameWork(setting, port) : caddySameWork(setting, port);
  const byHand = engine === 'nginx' ? nginxByHand : caddyByHand;
  return byHand(setting, port, kind === 'bare');
}
