import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { type Server, startServer } from '../../../src/verify/process.ts';

export interface DnsServer {
  readonly port: number;
  readonly pid: number;
  output(): string;
  stop(): Promise<void>;
}

/** A real CoreDNS on a Corefile, which must listen on 127.0.0.1 only and leave the port to the command line. */
export async function startCoredns(
  program: string,
  corefile: string,
  files: Readonly<Record<string, string>> = {},
): Promise<DnsServer> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries({ ...files, Corefile: corefile }))
    await writeFile(join(folder.path, name), text);
  const port = await freePort();
  const server: Server = await startServer({
    command: program,
    args: ['-conf', 'Corefile', `-dns.port=${port}`],
    cwd: folder.path,
    // Said once it listens over UDP as well as TCP.
    ready: { line: /^CoreDNS-\d/m },
  });
  return {
    port,
    pid: server.pid,
    output: server.output,
    async stop() {
      await server.stop();
      await folder.remove();
    },
  };
}

const zone = (records: string) =>
  `$TTL 1\n@ IN SOA ns.invalid. root.invalid. 1 1 1 1 1\n@ IN NS ns.invalid.\n${records}`;

/**
 * What there is to resolve: public names with 192.0.2.x, private ones with 10.0.0.x. Names that only a rule that matches
 * too much would lead to have 10.9.9.9, because a wrong rewrite to a name that does not exist could go unnoticed.
 */
export const publicZones = {
  'example.com.zone': zone(`
gitlab               IN A     192.0.2.1
notgitlab            IN A     192.0.2.2
foo.gitlab           IN A     192.0.2.3
notpages             IN A     192.0.2.4
pages                IN A     192.0.2.5
gitlab.privatelink   IN A     10.0.0.1
gitlab.privatelink   IN AAAA  fd00::1
gitlab.privatelink   IN MX    10 mail.gitlab.privatelink
gitlab.privatelink   IN HTTPS 1 . alpn=h2
mail.gitlab.privatelink      IN A   10.0.0.2
_ssh._tcp.gitlab.privatelink IN SRV 0 0 22 gitlab.privatelink
*.pages.privatelink  IN A     10.0.0.5
alias.pages.privatelink IN CNAME site.pages.privatelink
site.pages.privatelink IN A   10.0.0.6
site.pages.privatelink IN HTTPS 1 edge.pages.privatelink alpn=h2
_ssh._tcp.pages.privatelink IN SRV 0 0 22 site.pages.privatelink
ptr.pages.privatelink IN PTR  site.pages.privatelink
ingress.own          IN A     10.0.0.7
text.pages.privatelink IN TXT "x"
gitlab-registry.privatelink IN CNAME vpce-1.vpce.example.net.
notgitlab.privatelink IN A    10.9.9.9
foo.gitlab.privatelink IN A   10.9.9.9
gitlab.privatelink.example.com IN A 10.9.9.9
`),
  'example.net.zone': zone('vpce-1.vpce IN A 10.0.0.3\n'),
  'cluster.local.zone': zone('gitlab.privatelink.example.com.default.svc IN A 10.9.9.9\n'),
};

export const publicCorefile = ['example.com', 'example.net', 'cluster.local']
  .map((name) => `${name} {\n    bind 127.0.0.1\n    file ${name}.zone\n}\n`)
  .join('\n');
