import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, asker, bound, type NameAnswer, startResolver } from '../../src/verify/dns.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { freePort } from '../../src/verify/ports.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { liveCase } from './live.ts';
import { mutatedText } from './mutated.ts';
import { type Subject, started } from './mutationTrial.ts';

const REWRITES = `domainRewrites:
  - { from: git.example.com, to: git.link.example.com }
  - { from: a.git.example.com, to: a.link.example.com }
  - { from: registry.example.com, to: registry.link.example.com, containerRegistry: true }
  - { from: "*.pages.example.com", to: "*.pages.link.example.com" }
  - { from: own.pages.example.com, to: own.link.example.com }
  - { from: "*.dev.example.org", to: ingress.example.org }`;

/** The names that the spec is about, as they are asked. */
const NAMES = [
  ...['git.example.com', 'a.git.example.com', 'registry.example.com', 'own.pages.example.com'],
  ...['x.pages.example.com', 'a.b.pages.example.com', 'pages.pages.example.com', 'git.example.com.pages.example.com'],
  ...['x.dev.example.org', 'a.b.dev.example.org', 'xn--a.dev.example.org', 'x-y.pages.example.com'],
  ...['evil.example.com.dev.example.org', '1.pages.example.com', 'default.pages.example.com', 'GIT.example.COM'],
];

interface Ports {
  readonly own: number;
  readonly resolver: number;
}

/** A Corefile of somebody else, with a zone of its own and rules of its own. */
const others = ({ own, resolver }: Ports) => `# The resolver of the company.
corp.example.net:${own} {
    bind 127.0.0.1
    errors
    hosts {
        10.0.0.7 build.corp.example.net
        fallthrough
    }
    forward . 127.0.0.1:${resolver}
}

.:${own} {
    bind 127.0.0.1
    errors
    rewrite name old.example.net new.example.net
    hosts {
        10.0.0.8 there.example.net
        fallthrough
    }
    cache 30
    loadbalance
    forward . 127.0.0.1:${resolver} {
        max_concurrent 1000
    }
}
`;

/** CoreDNS on a Corefile of ours, or on one that our rules are merged into. */
export async function liveNames(program: string, isMerged: boolean, scope: Scope): Promise<Subject> {
  const socket = await startResolver();
  scope.defer(async () => void socket.close());
  const ports = { own: await freePort(), resolver: socket.address().port };
  const alone = `{ form: corefile, port: ${ports.own}, bind: [127.0.0.1], forward: ["127.0.0.1:${ports.resolver}"] }`;
  const here = liveCase(
    `version: 1\nname: mutated\n${REWRITES}\ntargets: { coredns: ${isMerged ? '{ merge: Corefile }' : alone} }\n`,
    { Corefile: others(ports) },
  );
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  return {
    name: isMerged ? "CoreDNS, somebody else's Corefile" : 'CoreDNS',
    target: 'coredns',
    here,
    capture: here.file('coredns'),
    asked: 60,
    mutate: mutatedText,
    decisions: (text) => answers(text, { program, folder: folder.path, port: ports.own }),
  };
}

interface Place {
  readonly program: string;
  readonly folder: string;
  readonly port: number;
}

/** What CoreDNS answers to each name; `undefined` where it does not start. */
async function answers(text: string, { program, folder, port }: Place): Promise<string[] | undefined> {
  writeFileSync(join(folder, 'Corefile'), text);
  const client = await bound();
  const ask = asker(client, port);
  const ready = async () => (await ask('ready.invalid', 200)) !== undefined;
  const args = ['-conf', 'Corefile'];
  const server = await started({ command: program, args, cwd: folder, ready, patience: 60_000 });
  if (typeof server === 'string') client.close();
  if (server === 'refused') return undefined;
  if (server === 'silent') return ['nothing answers'];
  try {
    const found = await Promise.all(NAMES.map((name) => ask(name, 15_000)));
    return found.map((answer, index) => `${NAMES[index]}: ${answer ? meant(answer) : 'no answer'}`);
  } finally {
    await server.stop();
    client.close();
  }
}

/** The address is that of the name which the resolver was asked for. */
const ASKED_FOR = new Map(
  [...NAMES, 'git.link.example.com', 'a.link.example.com', 'registry.link.example.com', 'ingress.example.org'].map(
    (name) => [addressOf(name), name],
  ),
);

function meant({ code, owner, address }: NameAnswer): string {
  return `${code} ${owner.toLowerCase()} is ${ASKED_FOR.get(address) ?? address}`;
}
