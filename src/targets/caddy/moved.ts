import type { Proxy } from '../../policy/types.ts';
import type { Here, ReadFileText } from '../target.ts';

/** Put in front of TLS, so that a request can come from any address. */
const WRAPPERS = '\tlistener_wrappers {\n\t\tproxy_protocol {\n\t\t\tallow 127.0.0.0/8\n\t\t}\n\t\ttls\n\t}';

/** Returns a copy of the files that listens, forwards and writes where nothing else does. The line of PROXY protocol names the client. */
export function moved(files: readonly ReadFileText[], { listen: { port } }: Proxy, here: Here) {
  const portOf = (number: string) => (Number(number) === port ? here.port : here.elsewhere(number));
  const { certFile, keyFile } = here.certificate;
  return files.map(({ path, text }) => ({
    path,
    text: text
      .replace(/^(\tadmin ).*$/m, '$1off')
      .replace(/^(\tstorage file_system ).*$/m, '$1data')
      .replace(/^(\t*output file )(?:"[^"\n]*"|[^ \n]+)/gm, '$1access.log')
      // What a server of a balancer has itself would ask for the line once more.
      .replace(/^\t\tlistener_wrappers \{\n[\s\S]*?^\t\t\}\n/gm, '')
      .replace(/^(https?:\/\/[^ :]*):(\d+) \{$/gm, (_, site: string, number: string) => `${site}:${portOf(number)} {`)
      .replace(/^\tservers [^ ]*:(\d+) \{$/gm, (_, number: string) => {
        const own = `\tservers tcp4/127.0.0.1:${portOf(number)} {`;
        return Number(number) === port ? `${own}\n${WRAPPERS}` : own;
      })
      .replace(/^(\s*bind ).*$/gm, '$1tcp4/127.0.0.1')
      .replace(/^(\s*tls )(?:"\/[^"\n]*"|\/[^ \n]*) (?:"[^"\n]*"|[^ {\n]+)/gm, `$1${certFile} ${keyFile}`)
      .replace(/^(\s*tls_trust_pool file ).*$/gm, `$1${here.authorities}`)
      .replace(/^(\s*reverse_proxy .*)$/gm, (line: string) =>
        line.replace(/ ((?:https?:\/\/)?)([^ /{}]+:\d+)(?= )/g, (_, scheme: string, server: string) => {
          return ` ${scheme}127.0.0.1:${here.upstream(server)}`;
        }),
      ),
  }));
}
