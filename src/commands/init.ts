import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatDiagnostics } from '../diagnostics/format.ts';
import { outputCodes } from '../output/codes.ts';
import { placed } from '../output/disk.ts';
import { replaceFile } from '../output/write.ts';
import { templatesRoot } from '../templatesRoot.ts';
import type { Io, Status } from './io.ts';
import { installedSchema, SCHEMA_COPY, schemaComment, schemaText } from './schema.ts';

const NAME = 'postern.yaml';

/** Writes a base, two environments and three teams, with what each may grant and what must never happen. */
export function initEnvironments(folder: string, io: Io): Status {
  const root = new URL('environments/', templatesRoot);
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = entries.map((entry) => relative(fileURLToPath(root), join(entry.parentPath, entry.name))).sort();
  const taken = names.filter((name) => existsSync(join(folder, name)));
  const installed = installedSchema(folder);
  const schemaFor = (name: string) =>
    name.endsWith('.yaml')
      ? schemaComment(relative(dirname(name), installed ?? SCHEMA_COPY).replaceAll('\\', '/'))
      : '';
  const problems =
    taken.length > 0
      ? taken.map((name) => outputCodes.report('exists', [], {}, placed(join(folder, name))))
      : names.flatMap((name) => {
          mkdirSync(dirname(join(folder, name)), { recursive: true });
          const text = readFileSync(join(fileURLToPath(root), name), 'utf8');
          return replaceFile(join(folder, name), `${schemaFor(name)}${text}`);
        });
  if (problems.length > 0) {
    io.err(formatDiagnostics(problems, undefined, { colour: io.colour.err }));
    return 2;
  }
  const copied = installed === undefined ? [SCHEMA_COPY] : [];
  for (const name of copied) replaceFile(join(folder, name), schemaText());
  io.out([...names, ...copied].map((name) => `${join(folder, name)}\n`).join(''));
  const specs = `${shellWord(join(folder, 'envs'))}/*.yaml`;
  // Without a repository, an environment cannot include files from above its own folder.
  io.err(
    `next: ${inRepository(folder) ? '' : `git init ${shellWord(folder)} && `}postern validate ${specs} && postern generate ${specs}\n`,
  );
  return 0;
}

/** The name of a file as people can paste it into a shell, and no option. */
function shellWord(name: string): string {
  const path = name.startsWith('-') ? `./${name}` : name;
  return /^[\w./@:+,=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function inRepository(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true;
    if (dirname(at) === at) return false;
  }
}

/** Writes a spec that is valid as it is. */
export function init(folder: string, io: Io, text = starter): Status {
  const file = join(folder, NAME);
  const taken = existsSync(file) ? [outputCodes.report('exists', [], {}, placed(file))] : [];
  const installed = installedSchema(folder);
  const written = [
    { file, text: `${schemaComment(installed ?? SCHEMA_COPY)}${text}` },
    ...(installed === undefined ? [{ file: join(folder, SCHEMA_COPY), text: schemaText() }] : []),
  ];
  const problems = taken.length > 0 ? taken : written.flatMap((one) => replaceFile(one.file, one.text));
  if (problems.length > 0) {
    io.err(formatDiagnostics(problems, undefined, { colour: io.colour.err }));
    return 2;
  }
  io.out(written.map((one) => `${one.file}\n`).join(''));
  const there = folder === '.' ? '' : ` ${shellWord(folder)}`;
  io.err(`next: postern validate${there} && postern generate${there}\n`);
  return 0;
}

/** The spec that `init` writes: small, complete, and explained line by line. */
const starter = `#
# Who may send which requests to which server. Whatever is not listed here is refused.
#   postern validate     checks this file and runs the tests at its end
#   postern generate     writes the configuration of each target to generated/
#   postern explain GET /api/v4/user --key partner --from 192.0.2.10
version: 1
name: my-access

# Named sets of client addresses. Others refer to them as "@partner".
ipRanges:
  partner: [192.0.2.0/24]

# Servers that allowed requests are forwarded to.
upstreams:
  gitlab:
    url: https://gitlab.example.com

# Named groups of allowed requests. {name} stands for one path segment, {name:int} for a number,
# {name:encodedPath} for a path such as group%2Fproject.
routes:
  read:
    upstream: gitlab
    allow:
      - GET /api/v4/user
      - GET /api/v4/projects/{project:encodedPath}
      - GET /api/v4/projects/{project:encodedPath}/issues/{issue:int}

# Callers. Keys and tokens are references; "postern secrets render" is the only command that follows them.
apiKeys:
  partner:
    key: env:POSTERN_KEY_PARTNER # what the caller sends, 20 characters or more
    token: env:POSTERN_TOKEN_PARTNER # what the upstream gets instead
    routes: [read]

# Listening proxies.
proxies:
  api:
    listen: 8080
    ipRanges: ["@partner"]

# One engine or several: they all enforce the same.
targets:
  nginx: {}
  caddy: {}

# What must pass and what must not; "postern validate" runs these.
tests:
  - { request: GET /api/v4/projects/group%2Fapp, apiKey: partner, from: 192.0.2.10, expect: allow }
  - { request: GET /api/v4/projects/group%2Fapp, apiKey: partner, from: 198.51.100.1, expect: 403 }
  - { request: GET /api/v4/projects/1/variables, apiKey: partner, expect: 404 }
  - { request: DELETE /api/v4/projects/1, apiKey: partner, expect: 405 }
  - { request: GET /api/v4/user, expect: 401 }
`;
