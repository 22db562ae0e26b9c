import { type Lease, readState, stateText } from '../../src/secrets/state.ts';
import { inWorkspace, type Workspace } from '../support/workspace.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { KEY, secretSpec } from './spec.ts';

export const spec = secretSpec({ token: 'vault:gitlab/token/partner#token' });

/** Runs a test beside a server that issues a token with a lease, in a folder with a spec that asks for one. */
export async function withIssuer(work: (workspace: Workspace, issuer: Issuer) => Promise<void>): Promise<void> {
  const issuer = await startIssuer();
  try {
    await inWorkspace(async (workspace) => {
      workspace.write('postern.yaml', spec);
      await work(workspace, issuer);
    });
  } finally {
    await issuer.stop();
  }
}

export const given = ({ env }: Issuer) => ({ settings: { ...env, PARTNER_KEY: KEY } });

export const LEASES = 'generated/.postern-leases.json';

/** Writes the leases of a workspace anew, each with other times. */
export function setTimes({ path, write }: Workspace, times: Pick<Lease, 'since' | 'until'>): void {
  const state = readState(`${path}/generated`);
  const leases = new Map([...state.leases].map(([issuer, lease]) => [issuer, { ...lease, ...times }]));
  write(LEASES, stateText({ ...state, leases }));
}
