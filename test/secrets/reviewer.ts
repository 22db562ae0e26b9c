import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { identityFor } from '../../src/verify/certificate.ts';
import type { Bao } from './bao.ts';

export const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function jwt(claims: object): string {
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: now, exp: now + 600, ...claims })}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
}

/** The token of a service account. */
export function jwtOf(namespace: string, name: string): string {
  return jwt({
    sub: `system:serviceaccount:${namespace}:${name}`,
    'kubernetes.io': { namespace, serviceaccount: { name, uid: 'uid' } },
  });
}

export interface Reviewer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Reviews tokens as the API server of Kubernetes does: each is that of a service account whose name it says. */
export async function startReviewer(): Promise<Reviewer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { spec } = JSON.parse(Buffer.concat(chunks).toString());
      const { sub } = JSON.parse(Buffer.from(spec.token.split('.')[1], 'base64url').toString());
      const status = { authenticated: true, user: { username: sub, uid: 'uid' }, audiences: spec.audiences };
      response.writeHead(201, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', spec, status }));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return { port, stop: () => new Promise<void>((closed) => server.close(() => closed())) };
}

/** Lets service accounts log in whose tokens the reviewer takes; `folder` is for a certificate. */
export async function allowAccounts(vault: Bao, reviewer: Reviewer, folder: string): Promise<void> {
  const authority = join(folder, 'ca.pem');
  writeFileSync(authority, identityFor('kubernetes').cert);
  await vault.bao('auth', 'enable', 'kubernetes');
  await vault.bao(
    'write',
    'auth/kubernetes/config',
    `kubernetes_host=http://127.0.0.1:${reviewer.port}`,
    'disable_local_ca_jwt=true',
    `kubernetes_ca_cert=@${authority}`,
    `token_reviewer_jwt=${jwt({ sub: 'reviewer' })}`,
  );
}
