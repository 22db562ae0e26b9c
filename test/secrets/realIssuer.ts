import { engine } from '../engines/engine.ts';
import { inWorkspace } from '../support/workspace.ts';
import { type Asked, type Behind, CALLER, ODD_TOKEN, type Said } from './behind.ts';
import { type RealPlugin, withPlugin } from './plugged.ts';

/** The roles of the tests. */
const ROLES = {
  partner: { token_type: 'group', path: 'partners', access_level: 'reporter', scopes: ['read_api'] },
  pull: { token_type: 'project-deploy', path: 'partners/app', scopes: ['read_registry'] },
} as const;

/** A real OpenBao with the real plugin, and a caller that may read its tokens and nothing else. */
export async function realIssuer(plugin: string): Promise<Behind> {
  const openbao = await engine('openbao');
  if ('missing' in openbao) throw new Error(openbao.missing);
  const real = await withPlugin(openbao.path, plugin);
  await real.write('gitlab/config/main', { base_url: real.gitlab, type: 'self-managed' });
  for (const [role, fields] of Object.entries(ROLES)) {
    const name = `${role}-{{ randHexString 8 }}`;
    await real.write(`gitlab/roles/${role}`, { ...fields, name, ttl: '1h', config_name: 'main' });
  }
  await inWorkspace(async ({ write }) => {
    write('caller.hcl', 'path "gitlab/token/*" { capabilities = ["read"] }\n');
    await real.bao('policy', 'write', 'caller', 'caller.hcl');
  });
  await real.bao('token', 'create', `-id=${CALLER}`, '-policy=caller');
  let lease: number | undefined;
  return {
    answer: async (asked) => {
      // A role lives for an hour at least, and its leases no longer than those of the mount.
      if (asked.lease !== lease) await real.bao('secrets', 'tune', `-max-lease-ttl=${asked.lease}s`, 'gitlab');
      lease = asked.lease;
      real.api.isBroken = asked.mood === 'broken';
      real.api.textOf = () => (asked.mood === 'odd-token' ? ODD_TOKEN : undefined);
      return forwarded(real, asked);
    },
    lasts: (token) => real.api.made.some(({ text, isRevoked }) => text === token && !isRevoked),
    patience: 5,
    stop: real.stop,
  };
}

async function forwarded({ url }: RealPlugin, { path, method, token, body }: Asked): Promise<Said> {
  const headers = { 'X-Vault-Token': token, 'X-Vault-Request': 'true' };
  const answer = await fetch(`${url}${path}`, { method, headers, ...(body !== '' && { body }) });
  return [answer.status, await answer.json()];
}
