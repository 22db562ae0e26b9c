import type { Proxy } from '../../policy/types.ts';
import type { Here, ReadFileText } from '../target.ts';

/**
 * Returns a copy of the files that listens, forwards and writes where nothing else does. The line of PROXY protocol names
 * the client, so that a request can come from any address.
 */
export function moved(files: readonly ReadFileText[], { listen: { address, port } }: Proxy, here: Here) {
  const own = new Set(
    [`${port}`, `0.0.0.0:${port}`, `[::]:${port}`].concat(
      address === undefined ? [] : `${address.includes(':') ? `[${address}]` : address}:${port}`,
    ),
  );
  const listener = (where: string, flags: string) => {
    if (!own.has(where)) return `127.0.0.1:${here.elsewhere(where)}${flags}`;
    return `127.0.0.1:${here.port}${flags.includes('proxy_protocol') ? flags : ` proxy_protocol${flags}`}`;
  };
  const { certFile, keyFile } = here.certificate;
  return files.map(({ path, text }) => ({
    path,
    text: text
      .replace(/^( *listen )([^ ;]+)([^;\n]*);/gm, (_, start: string, where: string, flags: string) => {
        return `${start}${listener(where, flags)};`;
      })
      .replace(/^( *server )"?([^ ;{"]+)"?([^;{\n]*);/gm, (_, start: string, server: string, flags: string) => {
        return `${start}127.0.0.1:${here.upstream(server)}${flags.replace(' resolve', '')};`;
      })
      .replace(/^( *ssl_certificate )[^;\n]+;/gm, `$1${certFile};`)
      .replace(/^( *ssl_certificate_key )[^;\n]+;/gm, `$1${keyFile};`)
      .replace(/^( *proxy_ssl_trusted_certificate )[^;\n]+;/gm, `$1${here.authorities};`)
      .replace(/^( *(?:pid|\w+_temp_path) )"?\/(?:[^;"\n]*\/)?([^/;"\n]+)"?;/gm, '$1$2;')
      .replace(/^( *access_log )(?!off;)(?:"[^"\n]*"|[^ ;\n]+)/gm, '$1access.log')
      // What a server trusts itself replaces what it would inherit.
      .replace(/^( *set_real_ip_from )(?!unix:)[^;\n]+;/gm, '$1127.0.0.0/8;')
      .replace(/^http \{$/m, 'http { set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;'),
  }));
}
