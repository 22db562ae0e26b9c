import { printable } from '../diagnostics/printable.ts';
import { resolveName } from '../policy/names.ts';
import { type PullHop, pullHosts } from '../policy/pulls.ts';
import type { DomainRewrite } from '../policy/types.ts';
import type { Understood } from './explain.ts';
import type { Io, Status } from './io.ts';
import { excerptOf, locator } from './location.ts';
import type { Format } from './report.ts';

interface Output {
  readonly io: Io;
  readonly format: Format;
}

/** Which name a pod really looks up. */
export function explainName(asked: string, understood: Understood, { io, format }: Output): Status {
  const { name, rewrite } = resolveName(understood.policy, asked);
  const at = rewrite && locator(understood.document)(rewrite.origin);
  if (format === 'json')
    io.out(`${JSON.stringify({ asked, name, rewritten: rewrite !== undefined, ...(at && { at }) })}\n`);
  else
    io.out(
      `${printable(asked)} ${rewrite ? `is looked up as ${name}` : 'is left alone: no rewrite applies'}\n${specText(rewrite, understood)}`,
    );
  return 0;
}

const HOPS: Readonly<Record<PullHop['kind'], string>> = {
  node: 'the node contacts',
  site: 'the proxy site there is',
  upstream: 'the registry gets Host',
  realm: 'it may name as token realm',
  token: 'the node asks for its token at',
};

/** Each station of an image pull. */
export function explainPull(image: string, understood: Understood, { io, format }: Output): Status {
  const hops = pullHosts(understood.policy, image);
  const rewrite = hops[0]?.rewrite;
  if (format === 'json') {
    const locate = locator(understood.document);
    const place = (hop: PullHop) => hop.rewrite && { at: locate(hop.rewrite.origin) };
    io.out(
      `${JSON.stringify({ image, hops: hops.map((hop) => ({ kind: hop.kind, host: hop.host, ...place(hop) })) })}\n`,
    );
    return 0;
  }
  const lines = hops.map(({ kind, host }) => `  ${HOPS[kind]} ${host}\n`);
  io.out(
    `${printable(image)} ${rewrite ? 'is pulled through a mirror' : 'is left alone: no rewrite with containerRegistry applies'}\n${lines.join('')}${specText(rewrite, understood)}`,
  );
  return 0;
}

function specText(rewrite: DomainRewrite | undefined, { document }: Understood): string {
  return rewrite ? excerptOf(rewrite.origin, document) : '';
}
