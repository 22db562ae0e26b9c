import type { TemporaryFolder } from '../../src/verify/folder.ts';
import { mustRun } from './run.ts';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate for these names that signs itself, so that it also serves as the CA file of who is to trust it. */
export async function certificateFor(
  names: readonly string[],
  openssl: string,
  folder: TemporaryFolder,
): Promise<Certificate> {
  const [first = 'localhost'] = names;
  const certFile = `${folder.path}/${first}.pem`;
  const keyFile = `${folder.path}/${first}.key`;
  // A whole configuration of its own, because the program may come without its system-wide one.
  const config = await folder.write(
    `${first}.cnf`,
    `[req]\ndistinguished_name = name\nx509_extensions = ca\nprompt = no\n[name]\nCN = ${first}\n[ca]\nbasicConstraints = critical, CA:true\nsubjectAltName = ${names.map((name) => `DNS:${name}`).join(', ')}\n`,
  );
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  await mustRun(openssl, ['req', '-x509', '-config', config, ...key, '-days', '30', '-out', certFile]);
  return { certFile, keyFile };
}
