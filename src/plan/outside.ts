import { DEFAULT_PORT } from '../policy/origin.ts';

/** Where clients find a proxy that has a public URL, as `X-Forwarded-Proto`, `-Host` and `-Port` tell its upstreams. */
export interface Outside {
  readonly scheme: 'http' | 'https';
  /** Host as in the URL, with the port where it is not the usual one of the scheme: `api.example.com:8443`. */
  readonly authority: string;
  readonly port: string;
}

/** `scheme://host[:port]`, as the policy holds it. */
export function outsideOf(publicUrl: string): Outside {
  const { protocol, host, port } = new URL(publicUrl);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  return { scheme, authority: host, port: port === '' ? String(DEFAULT_PORT[scheme]) : port };
}
