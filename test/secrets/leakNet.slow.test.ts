import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace, type Workspace } from '../support/workspace.ts';
import { startIssuer } from './issuer.ts';

/** Of every kind of reference, with characters that each encoding writes in its own way. */
const SECRETS = {
  key: 'kV3y~Much/Random+And.Not=Guessed0',
  spare: 'sP4re~Much/Random+And.Not=Guessed1',
  token: 'glpat-tOk3n/that+nobody~may=see.anywhere',
  password: 'r0b0t-of-j1ra:p4ss/w0rd+of~the=r0b0t',
  vaultToken: 'token-of-the-caller',
  /** As GitLab and "secrets keygen" make them: what somebody pastes into a spec. */
  literal: 'glpat-x7Kd93mWq0zPLr5tYb2C',
  made: 'q3J8vXo0cT5mLr7Yb2Nd9Kf4Wz6Hs1Pg8Ae3Uj5Ri0M',
};
/** What is issued starts like this. */
const ISSUED = 'glpat-issued-by-the-plugin-';

/** So many characters of a secret in a row are a leak. */
const WINDOW = 12;
const windows = [...Object.values(SECRETS), ISSUED].flatMap((secret) =>
  Array.from({ length: secret.length - WINDOW + 1 }, (_, at) => secret.slice(at, at + WINDOW)),
);
const found = (text: string) => windows.find((part) => text.includes(part));

/** What a text says when it is read in other ways; each once more, since one encoding may stand in another. */
function readings(text: string): string[] {
  const once = [text.replaceAll('\\/', '/'), ...decodings(text)];
  return [text, ...once, ...once.flatMap(decodings)];
}

function decodings(text: string): string[] {
  const character = (code: string) => String.fromCodePoint(Number.parseInt(code, 16) % 0x110000);
  const swapped = [
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) => character(code)),
    text.replace(/\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})/g, (_, four?: string, two?: string) =>
      character(four ?? two ?? ''),
    ),
    text.replace(/&#x([0-9A-Fa-f]{1,5});/g, (_, code: string) => character(code)),
    text.replace(/&#(\d{1,6});/g, (_, code: string) => character(Number(code).toString(16))),
    [...text].reverse().join(''),
  ].filter((read) => read !== text);
  const runs = (text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).flatMap((run) =>
    [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), 'base64').toString('latin1')),
  );
  const hexes = (text.match(/[0-9A-Fa-f]{24,}/g) ?? []).flatMap((run) =>
    [0, 1].map((from) => Buffer.from(run.slice(from), 'hex').toString('latin1')),
  );
  return [...swapped, runs.join('\n'), hexes.join('\n')].filter((read) => read !== '');
}

const leakIn = (text: string) =>
  readings(text)
    .map(found)
    .find((part) => part !== undefined);

const net = suite('leak net');

net('it catches a secret in each encoding', () => {
  const { token } = SECRETS;
  for (const written of [
    token,
    encodeURIComponent(token),
    [...Buffer.from(token)].map((byte) => `%${byte.toString(16)}`).join(''),
    JSON.stringify(token).replaceAll('/', '\\/'),
    [...token].map((one) => `\\u${one.codePointAt(0)?.toString(16).padStart(4, '0')}`).join(''),
    [...token].map((one) => `&#${one.codePointAt(0)};`).join(''),
    Buffer.from(token).toString('base64'),
    Buffer.from(`x${token}`).toString('base64'),
    Buffer.from(`user:${token}`).toString('base64url'),
    Buffer.from(token).toString('hex'),
    encodeURIComponent(Buffer.from(token).toString('base64')),
    `only a part of it: ${token.slice(6, 20)}`,
  ])
    assert.ok(leakIn(`line: "${written}"\n`), written);
  assert.is(leakIn('a text\nof nothing in particular, and c29tZSBiYXNlNjQgdGV4dCBvZiBub2JvZHk='), undefined);
});

const SPEC = `version: 1
name: leaks
upstreams:
  gitlab: { url: https://gitlab.example.com }
  jira: { url: https://jira.example.com, tokenHeader: Authorization, tokenScheme: Basic }
routes:
  read: { upstream: gitlab, allow: [GET /api/v4/user] }
  issues: { upstream: jira, allow: ["GET /rest/api/2/issue/{issue}"] }
apiKeys:
  one: { key: env:LEAK_KEY, token: file:token, routes: [read] }
  two: { key: file:spare, token: "vault:gitlab/token/partner#token", routes: [read] }
  three: { key: env:LEAK_THIRD, token: env:LEAK_PASSWORD, routes: [issues] }
proxies: { api: { listen: "127.0.0.1:18080", ipRanges: [127.0.0.1] } }
targets: { nginx: {}, caddy: {} }
tests: [{ request: GET /api/v4/user, apiKey: one, expect: allow }]
`;

/** Every command that reads a spec, well and badly used. What it answers is no matter here. */
const COMMANDS = [
  'validate',
  'lint',
  'generate',
  'show',
  'show --access',
  'fmt --check',
  'test --coverage',
  'explain GET /api/v4/user --key one',
  'explain GET /api/v4/user --key two --format json',
  'secrets check',
  'secrets check --format json',
  'secrets render',
  'secrets render --check',
  'secrets render --keys',
  'secrets render --out elsewhere',
  'diff',
  'diff --format json',
  'diff --format markdown',
  'generate --force',
  'diff --live nginx=live-nginx.conf',
  'diff --live nginx=live-nginx.conf --format json',
  'diff --live caddy=live-caddy.json',
  'keys rotate one --to env:LEAK_SPARE',
  'validate',
  'secrets render --format json',
  'verify --requests 200',
] as const;

/** A sweep over commands that fail at once would find nothing. */
const WORKS = new Set<string>([
  'validate',
  'generate',
  'show',
  'secrets check',
  'secrets render',
  'secrets render --check',
]);

/** Files that somebody other than their owner may read, which hold a secret; those that the test wrote are no finding. */
function openFiles(folder: string, own: ReadonlySet<string>): string[] {
  return (
    readdirSync(folder, { recursive: true })
      .map(String)
      // What the loader of TypeScript keeps is no work of ours.
      .filter((name) => !own.has(name) && !name.startsWith('tmp/tsx-') && lstatSync(join(folder, name)).isFile())
      .filter((name) => (lstatSync(join(folder, name)).mode & 0o077) !== 0)
      .filter((name) => leakIn(readFileSync(join(folder, name), 'utf8')) !== undefined)
  );
}

/** Secrets that are none, so that messages about them are printed too. */
const BROKEN: readonly Readonly<Record<string, string>>[] = [
  { LEAK_KEY: `${SECRETS.key}\n"x` },
  { LEAK_KEY: SECRETS.token },
  { LEAK_KEY: SECRETS.spare.toUpperCase() },
  { LEAK_PASSWORD: `${SECRETS.password}\n` },
  { LEAK_PASSWORD: SECRETS.password.replace(':', ' ') },
  { VAULT_TOKEN: `${SECRETS.token}\r\nX: y` },
  { VAULT_ADDR: `https://robot:${SECRETS.key}@vault.example.com` },
  { POSTERN_VAULT_AUTH: SECRETS.token },
];

async function sweep(workspace: Workspace): Promise<void> {
  const { run, write, path, read } = workspace;
  const issuer = await startIssuer();
  try {
    write('token', `${SECRETS.token}\n`);
    write('spare', SECRETS.spare);
    write('postern.yaml', SPEC);
    mkdirSync(join(path, 'tmp'));
    const own = new Set(['token', 'spare', 'live-nginx.conf', 'live-caddy.json', 'broken.yaml']);
    const env = {
      ...issuer.env,
      TMPDIR: join(path, 'tmp'),
      LEAK_KEY: SECRETS.key,
      LEAK_SPARE: `${SECRETS.spare}-in-the-environment`,
      LEAK_THIRD: 'n0t-looked-f0r-B3cause_it.is+only/filler',
      LEAK_PASSWORD: SECRETS.password,
    };
    const caught = async (command: string, more: Readonly<Record<string, string>> = {}) => {
      const { status, stdout, stderr } = await run(command, { env: { ...env, ...more } });
      assert.is(leakIn(`${stdout}\n${stderr}`), undefined, `${command} ${Object.keys(more)}: printed`);
      assert.equal(openFiles(path, own), [], `${command} ${Object.keys(more)}: written`);
      return status;
    };
    for (const command of COMMANDS) {
      const status = await caught(command);
      if (WORKS.has(command)) assert.is(status, 0, command);
      if (command !== 'secrets render') continue;
      // As "nginx -T" and Caddy's API show what runs: with the secrets in it.
      const names = ['nginx.conf', 'maps.conf', 'secrets/keys.conf', 'secrets/tokens.conf'];
      const parts = names.map((name) => `# configuration file /etc/nginx/${name}:\n${read(`generated/nginx/${name}`)}`);
      write('live-nginx.conf', parts.join('\n'));
      write(
        'live-caddy.json',
        JSON.stringify({ apps: { http: { servers: { api: read('generated/caddy/secrets/keys') } } } }),
      );
      for (const name of ['live-nginx.conf', 'live-caddy.json']) chmodSync(join(path, name), 0o644);
    }
    for (const more of BROKEN) for (const command of ['secrets render', 'secrets check']) await caught(command, more);
    for (const secret of [SECRETS.literal, SECRETS.made])
      for (const place of ['env:LEAK_KEY', 'file:token', 'GET /api/v4/user', 'gitlab.example.com', 'one:']) {
        write('broken.yaml', SPEC.replace(place, place === 'one:' ? `${secret}:` : secret));
        await caught('validate broken.yaml');
      }
    for (const mood of ['odd-token', 'broken', 'cut', 'not-json', 'sealed'] as const) {
      issuer.mood = mood;
      rmSync(join(path, 'generated/.postern-leases.json'), { force: true });
      await caught('secrets render');
    }
  } finally {
    await issuer.stop();
  }
}

net('no command prints a secret, or writes one where others may read it', () => inWorkspace(sweep));

net.run();
