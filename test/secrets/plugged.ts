import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { type Bao, startBao } from './bao.ts';
import { type GitlabApi, startGitlabApi } from './gitlabApi.ts';

/**
 * The program of the GitLab plugin, from POSTERN_GITLAB_PLUGIN. The tests that need what it does then ask the real one,
 * which gets its tokens from a stand-in of GitLab; without it a key-value store plays the plugin. It cannot be had from
 * a package registry, so nothing installs it.
 */
export const PLUGIN = process.env['POSTERN_GITLAB_PLUGIN'] || undefined;

const NAME = 'vault-plugin-secrets-gitlab';

type Fields = Readonly<Record<string, unknown>>;

/** A real OpenBao with the plugin, or what plays it, at `gitlab/`. */
export interface Plugged extends Bao {
  /** The GitLab that a config of the plugin names. */
  readonly gitlab: string;
  /** The token that a config is given by hand. */
  readonly ownToken: string;
  /** Writes a role or config, as it was generated; the plugin's own token goes to a config. */
  write(at: string, fields: Fields): Promise<void>;
  /** Sets the token that reads of a role give from now on, and the seconds of their leases. */
  issues(role: string, token: string, seconds: number): Promise<void>;
}

export async function startBaoWithPlugin(program: string): Promise<Plugged> {
  return PLUGIN === undefined ? withStore(program) : withPlugin(program, PLUGIN);
}

async function writeJson(bao: Bao, at: string, fields: Fields): Promise<void> {
  const folder = await temporaryFolder();
  try {
    await bao.bao('write', at, `@${await folder.write('fields.json', JSON.stringify(fields))}`);
  } finally {
    await folder.remove();
  }
}

/** A key-value store of version 1: a read of `token/ROLE` has the same shape. */
async function withStore(program: string): Promise<Plugged> {
  const started = await startBao(program);
  await started.bao('secrets', 'enable', '-path=gitlab', '-version=1', 'kv');
  return {
    ...started,
    gitlab: 'https://gitlab.example.com',
    ownToken: 'glpat-of-the-plugin',
    write: (at, fields) => writeJson(started, at, { ...fields, ...toldAbout(at, fields) }),
    issues: async (role, token, seconds) => {
      await started.bao('write', `gitlab/token/${role}`, `token=${token}`, `ttl=${seconds}s`);
    },
  };
}

/** What the plugin says beside what was written: names, and scopes in one text. */
function toldAbout(at: string, { scopes }: Fields): Fields {
  const name = at.split('/').at(-1);
  return Array.isArray(scopes) ? { role_name: name, scopes: scopes.join(', ') } : { name, token_id: 1 };
}

/** The real plugin, in front of a stand-in of GitLab. */
export interface RealPlugin extends Plugged {
  readonly api: GitlabApi;
}

export async function withPlugin(program: string, plugin: string): Promise<RealPlugin> {
  const folder = await temporaryFolder();
  copyFileSync(plugin, join(folder.path, NAME));
  const api = await startGitlabApi();
  const started = await startBao(program, folder.path);
  await started.bao('secrets', 'enable', '-path=gitlab', NAME);
  const tokens = new Map<string, string>();
  // Which role a token is for is known by its name alone.
  api.textOf = (name) => [...tokens].find(([role]) => name.includes(role))?.[1];
  return {
    ...started,
    api,
    gitlab: api.url,
    ownToken: api.token,
    write: (at, fields) => writeJson(started, at, at.includes('/config/') ? { ...fields, token: api.token } : fields),
    issues: async (role, token, seconds) => {
      tokens.set(role, token);
      // A role lives for an hour at least, and its leases no longer than those of the mount.
      await started.bao('secrets', 'tune', `-max-lease-ttl=${seconds}s`, `-default-lease-ttl=${seconds}s`, 'gitlab');
    },
    stop: async () => {
      await started.stop();
      await api.stop();
      await folder.remove();
    },
  };
}
