/** A location of the partner proxy: its expression, the methods that it names, and whether it names those it refuses. */
const LOCATIONS: readonly (readonly [file: string, path: string, except?: string])[] = [
  ['groups_hooks', '/api/v4/groups/(.*)/hooks/(.*)', 'GET POST'],
  ['groups_hooks', '/api/v4/groups/(.*)/hooks', 'DELETE'],
  ['groups_labels', '/api/v4/groups/(.*)/labels/(.*)'],
  ['groups_labels', '/api/v4/groups/(.*)/labels'],
  ['tags', '/api/v4/projects/(.*)/repository/tags', 'POST PUT DELETE'],
  ['discussions', '/api/v4/projects/(.*)/merge_requests/(.*)/discussions', 'POST PUT DELETE'],
  ['merge_requests', '/api/v4/groups/(.*)/merge_requests', 'POST PUT DELETE'],
  ['merge_requests', '/api/v4/projects/(.*)/merge_requests/(.*)/resource_label_events', 'POST PUT DELETE'],
  ['merge_requests', '/api/v4/projects/(.*)/merge_requests/(.*)/closes_issues', 'POST PUT DELETE'],
  ['merge_requests', '/api/v4/projects/(.*)/merge_requests/(.*)/commits', 'POST PUT DELETE'],
  ['merge_requests', '/api/v4/projects/(.*)/merge_requests/(.*)', 'POST DELETE'],
  ['merge_requests', '/api/v4/projects/(.*)/merge_requests', 'POST PUT DELETE'],
  ['groups', '/api/v4/groups/(.*)/members/all', 'POST PUT DELETE'],
  ['groups', '/api/v4/groups/(.*)/members', 'POST PUT DELETE'],
  ['groups', '/api/v4/groups/(.*)/descendant_groups', 'POST PUT DELETE'],
  ['groups', '/api/v4/groups/(.*)/projects', 'POST PUT DELETE'],
  ['groups', '/api/v4/groups/(.*)', 'POST PUT DELETE'],
  ['groups', '/api/v4/groups', 'POST PUT DELETE'],
  ['projects_hooks', '/api/v4/projects/(.*)/hooks/(.*)', 'GET POST'],
  ['projects_hooks', '/api/v4/projects/(.*)/hooks', 'DELETE'],
  ['projects', '/api/v4/projects/(.*)/repository/commits/(.*)', 'POST PUT DELETE'],
  ['projects', '/api/v4/projects/(.*)/users', 'POST PUT DELETE'],
  ['projects', '/api/v4/projects/(.*)/issues/(.*)/resource_label_events', 'POST PUT DELETE'],
  ['projects', '/api/v4/projects/(.*)', 'POST PUT DELETE'],
  ['users', '/api/v4/users/(.*)', 'POST PUT DELETE'],
  ['users', '/api/v4/users', 'POST PUT DELETE'],
  ['users', '/api/v4/user', 'POST PUT DELETE'],
  ['namespaces', '~/api/v4/namespaces', 'POST PUT DELETE'],
  ['personal_access_tokens', '~/api/v4/personal_access_tokens/self', 'POST PUT DELETE'],
];

/** A key that only tests know. */
export const HAND_WRITTEN_KEY = 'test-key-of-the-partner-1';

/** Passed on as it came, where nginx refuses a path beside `proxy_pass` in such a block. */
function location(text: string, except: string | undefined): string {
  const path = text.replace(/^~/, '');
  const isExpression = /\(/.test(path) || text.startsWith('~');
  let group = 0;
  const rewritten = path.replace(/\(\.\*\)/g, () => `$${++group}`);
  const keeps = !isExpression || path.endsWith('/merge_requests/(.*)');
  const pass = `proxy_pass $gitlab${keeps ? '' : `${rewritten}$is_args$args`};`;
  const before = keeps ? `    rewrite ^ ${rewritten}$is_args$args;\n` : '';
  const body =
    except === undefined ? `    ${pass}\n` : `${before}    limit_except ${except} { ${pass} }\n    return 404;\n`;
  return `location ${isExpression ? '~ ' : ''}${path} {\n${body}}\n`;
}

/**
 * A proxy as a partner ships it, hand-written: it means to allow forty requests of GitLab's API, and its expressions allow
 * hundreds. The tests' own equivalent, file by file.
 */
export function handWrittenProxy(upstream = 'https://gitlab.com', listen = '80'): Readonly<Record<string, string>> {
  const files = new Map<string, string>();
  for (const [file, path, except] of LOCATIONS) files.set(file, `${files.get(file) ?? ''}${location(path, except)}`);
  const includes = [...files.keys()].map((file) => `    include routes/${file}.conf;\n`).join('');
  return {
    ...Object.fromEntries([...files].map(([file, text]) => [`routes/${file}.conf`, text])),
    'ip_restriction.conf': 'allow 34.91.37.106;\nallow 34.90.193.154;\ndeny all;\n',
    'keys/keys.conf': `map $http_PRIVATE_TOKEN $gitlab_token {\n  default "";\n  "${HAND_WRITTEN_KEY}" "token-of-gitlab";\n}\n`,
    'gitlab.conf': `set $gitlab ${upstream};
location /api/v4/ {
    auth_request /_key;
    proxy_set_header PRIVATE-TOKEN $gitlab_token;
${includes}    location = /api/v4/ { return 200; }
    return 404;
}
location = /_key {
    internal;
    if ($http_PRIVATE_TOKEN = "") { return 401; }
    if ($gitlab_token = "") { return 403; }
    return 204;
}
`,
    'nginx.conf': `events {}
http {
    access_log off;
    include keys/*.conf;
    server {
        listen ${listen};
        include ip_restriction.conf;
        include gitlab.conf;
    }
}
`,
  };
}
