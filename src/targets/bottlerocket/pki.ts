import { X509Certificate } from 'node:crypto';
import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import type { ReadFile } from '../target.ts';
import { bottlerocketCodes } from './codes.ts';
import type { BottlerocketOptions } from './options.ts';

export interface Authority {
  readonly name: string;
  /** Base64 of the PEM text, as Bottlerocket wants it. */
  readonly data: string;
}

interface Source {
  readonly pki: BottlerocketOptions['pki'];
  readonly at: SpecPath;
  readonly read: ReadFile;
}

/** Returns certificate authorities, sorted by name. Problems of their files are added to `problems`. */
export function authoritiesOf({ pki = {}, at, read }: Source, problems: Diagnostic[]): Authority[] {
  return Object.entries(pki)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { file }]) => {
      const text = read(file);
      const problem =
        text === undefined ? { problem: 'cannot be read', hint: 'the path is relative to the spec' } : pemProblem(text);
      if (problem)
        problems.push(bottlerocketCodes.report('bad-pki', [...at, 'pki', name, 'file'], { file, ...problem }));
      return text === undefined || problem ? [] : [{ name, data: Buffer.from(text).toString('base64') }];
    });
}

function pemProblem(text: string): { problem: string; hint: string } | undefined {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return {
      problem: 'holds a private key',
      hint: 'user data can be read by everything on the node: give certificates only',
    };
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0)
    return { problem: 'holds no PEM certificate', hint: 'it starts with -----BEGIN CERTIFICATE-----' };
  const broken = certificates.findIndex((certificate) => !isCertificate(certificate));
  if (broken < 0) return undefined;
  return {
    problem: `holds a certificate (number ${broken + 1}) that cannot be read`,
    hint: 'check it with openssl x509 -in FILE -noout',
  };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
