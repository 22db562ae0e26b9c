import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { formatDiagnostics } from '../diagnostics/format.ts';
import { jsonDiagnostics } from '../diagnostics/json.ts';
import { printable } from '../diagnostics/printable.ts';
import { pullHops, registryOf, siteHops } from '../plan/pulls.ts';
import { nameProblem, writtenName } from '../policy/domains.ts';
import { resolveName } from '../policy/names.ts';
import type { DomainRewrite, Policy } from '../policy/types.ts';
import { clientsOf, makesSites, type Nodes, nameServer, nodeNames, nodesOf, nodeTargets } from '../targets/clients.ts';
import { explainJob } from './explainJob.ts';
import { explainRequest } from './explainRequest.ts';
import { explainRequests } from './explainRequests.ts';
import { type Hop, hopLines, jsonHops, worded } from './hops.ts';
import type { Io, Status } from './io.ts';
import { locator } from './location.ts';
import { type Format, print } from './print.ts';
import { type ExplainArguments, questionProblem } from './question.ts';
import { type Problem, problemText } from './request.ts';
import { compileArgument, type Understood } from './spec.ts';

/** Explains a decision: what is decided, the line of the spec behind it, and what follows. */
export function explain(args: ExplainArguments, io: Io): Status {
  const question = args.requests === undefined ? 2 : 0;
  const [first = '', second = ''] = args.words;
  if (args.words.length < question || args.words.length > question + 1) return misused(io);
  const problem = questionProblem(args);
  if (problem) {
    io.err(`postern: ${problemText(problem)}\n`);
    return 2;
  }
  const compiled = compileArgument(args.words[question] ?? args.spec, io);
  const { source, policy, spec, document, shadowDocument, diagnostics } = compiled;
  if (!source || !policy || !spec || !document || hasError(diagnostics)) {
    return print({ command: 'explain', status: 2, diagnostics, document, asked: 'changes' }, args.format ?? 'text', io);
  }
  const understood = { policy, spec, document, shadowDocument, read: source.read };
  if (args.requests !== undefined) return explainRequests(args.requests, understood, io);
  const { type, node, format = 'text' } = args;
  if (first === 'dns') return explainName({ name: second, type, format }, understood, io);
  if (first === 'job') return explainJob({ image: second, node, format }, understood, io);
  if (first === 'pull') return explainPull({ image: second, node, format }, understood, io);
  return explainRequest({ ...args, format, method: first, target: second }, understood, io);
}

function misused(io: Io): Status {
  io.err('postern: explain takes METHOD TARGET, dns NAME, pull IMAGE, job IMAGE or --requests FILE, and then a spec\n');
  return 2;
}

interface NameQuestion {
  readonly name: string;
  readonly type?: string | undefined;
  readonly format: Format;
}

/**
 * Explains the lookup of a pod: the name that is looked up, what answers there, and under which name the answer comes
 * back.
 */
function explainName(question: NameQuestion, understood: Understood, io: Io): Status {
  const asked = question.name;
  const type = question.type?.toUpperCase();
  const problem = problemOf(asked, type);
  if (problem) {
    io.err(`postern: ${problemText(problem)}\n`);
    return 2;
  }
  const { policy, document } = understood;
  const { name, rewrite } = resolveName(policy, asked);
  const hops = rewrite ? hopsOf(rewrite, name, understood) : [];
  const server = nameServer();
  const kept = rewrite && type !== undefined && server.namesIn(type) === 'kept';
  const warnings = kept ? [server.kept(rewrite, { type, name: asked, to: name })] : [];
  if (question.format === 'json') {
    const at = rewrite && { at: locator(document)(rewrite.origin) };
    const told = { hops: jsonHops(hops, document), diagnostics: jsonDiagnostics(warnings, document) };
    io.out(`${JSON.stringify({ asked, name, rewritten: rewrite !== undefined, ...at, ...told })}\n`);
    return 0;
  }
  io.out(rewrite ? rewrittenText({ asked, name, type, hops, warnings }, understood, io) : leftAlone(asked, understood));
  return 0;
}

function problemOf(asked: string, type: string | undefined): Problem | undefined {
  const { types } = nameServer();
  if (type !== undefined && !types.includes(type))
    return { problem: `"${type}" is no type of record that is known here`, hint: `it is one of ${types.join(', ')}` };
  if (asked.startsWith('*.'))
    return { problem: `"${asked}" is no name`, hint: `ask for one of them, such as a${asked.slice(1)}` };
  // Names of services begin with underscores (`_http._tcp.example.com`), which hosts never do.
  const found = nameProblem(asked.replace(/(^|\.)_/g, '$1'));
  return found && { problem: `"${asked}" ${found.problem}`, hint: found.hint };
}

const LOOKUP_WORDS: Readonly<Record<string, string>> = {
  site: 'the proxy site there is',
  upstream: 'its upstream gets Host',
};

function hopsOf(rewrite: DomainRewrite, name: string, { policy }: Understood): Hop[] {
  const lookup = { kind: 'lookup', words: 'CoreDNS looks up', host: name, at: rewrite.origin };
  return [lookup, ...siteHops(policy, rewrite, name).map((hop) => ({ ...hop, words: LOOKUP_WORDS[hop.kind] ?? '' }))];
}

/** Notes that no target generates the site. Caddy always does, nginx if its options say so. */
function unmadeSites(hops: readonly Hop[], { spec }: Understood): string {
  const missing = hops.some(({ kind }) => kind === 'site') && !makesSites(spec);
  return missing ? '  no target of the spec makes that site\n' : '';
}

interface Rewritten {
  readonly asked: string;
  readonly name: string;
  readonly type: string | undefined;
  readonly hops: readonly Hop[];
  readonly warnings: readonly Diagnostic[];
}

const ANSWERS = {
  mapped: 'the answer comes back under the old name, in the owner and in the data',
  kept: 'only the owner of the answer comes back under the old name',
  none: 'the answer comes back under the old name',
};

function rewrittenText({ asked, name, type = 'A', hops, warnings }: Rewritten, understood: Understood, io: Io): string {
  const { document, spec, read } = understood;
  const server = nameServer();
  const told = clientsOf(spec, read).pods
    ? ''
    : `  no target of the spec tells pods so, which ${server.target} would\n`;
  return [
    `${printable(asked)} is looked up as ${name}\n`,
    hopLines(hops, document),
    `  ${ANSWERS[server.namesIn(type)]}\n`,
    '  nodes ask their own resolver and get the public address; see explain pull\n',
    told,
    unmadeSites(hops, understood),
    formatDiagnostics(warnings, document, { colour: io.colour.out }),
  ].join('');
}

/**
 * Says that no rewrite applies, and shows a rewrite of the name above or below, which is easily mistaken for one of
 * this name.
 */
function leftAlone(asked: string, { policy, document }: Understood): string {
  const name = asked.toLowerCase().replace(/\.$/, '');
  const near = policy.rewrites.find(({ from, wildcard }) => (wildcard ? name === from : name.endsWith(`.${from}`)));
  const words = near?.wildcard ? 'only names below are rewritten by' : 'names below are not rewritten by';
  const host = near ? writtenName(near, 'from') : '';
  const hops = near ? hopLines([{ kind: 'near', words, host, at: near.origin }], document) : '';
  return `${printable(asked)} is left alone: no rewrite applies\n${hops}`;
}

interface PullQuestion {
  readonly image: string;
  /** Target of one kind of node; all in the spec if absent. */
  readonly node?: string | undefined;
  readonly format: Format;
}

/** Kinds of nodes that pull an image the same way. */
interface Way {
  readonly nodes: readonly string[];
  readonly hops: readonly Hop[];
}

/** Explains an image pull: each hop, for each kind of node. */
function explainPull(question: PullQuestion, understood: Understood, io: Io): Status {
  const { image, format } = question;
  const ways = waysOf(question, understood);
  if ('problem' in ways) {
    io.err(`postern: ${problemText(ways)}\n`);
    return 2;
  }
  const { document } = understood;
  if (format === 'json') {
    const value = ways.map(({ nodes, hops }) => ({ nodes, hops: jsonHops(hops, document) }));
    io.out(`${JSON.stringify({ image, ways: value })}\n`);
  } else io.out(ways.map((way) => textOf(image, way, understood)).join(''));
  return 0;
}

function waysOf({ image, node }: PullQuestion, { policy, spec, read }: Understood): Way[] | Problem {
  if (image === '' || /\s|^[a-z]+:\/\//.test(image))
    return {
      problem: `"${image}" is no image`,
      hint: 'write one as nodes do, such as registry.example.com/group/app:v1',
    };
  const known = nodesOf(policy, spec, read);
  const asked = node === undefined ? known : known.filter(({ target }) => target === node);
  if (node !== undefined && asked.length === 0) {
    const names = [...new Set(known.map(({ target }) => target))].join(', ');
    return {
      problem: `the spec has no target for nodes named "${node}"`,
      hint: names === '' ? 'add one under targets, such as containerd: {}' : `it has ${names}`,
    };
  }
  if (asked.length === 0) return [{ nodes: [], hops: pullHops(policy, image).map(worded) }];
  const ways = new Map<string, { readonly nodes: readonly Nodes[]; readonly hops: readonly Hop[] }>();
  for (const settings of asked) {
    const hops = pullHops(policy, image, settings).map(worded);
    const key = JSON.stringify(hops);
    ways.set(key, { nodes: [...(ways.get(key)?.nodes ?? []), settings], hops });
  }
  return [...ways.values()].map(({ nodes, hops }) => ({ nodes: nodeNames(nodes, asked), hops }));
}

function textOf(image: string, { nodes, hops }: Way, understood: Understood): string {
  const { policy, document } = understood;
  const on = nodes.length > 0 ? ` on ${nodes.join(', ')}` : '';
  const isMirrored = hops[0]?.at !== undefined;
  const what = isMirrored ? 'is pulled through a mirror' : 'is left alone: no mirror is for its registry';
  const untold =
    nodes.length === 0 && isMirrored
      ? `  no target of the spec tells nodes so, which ${nodeTargets().join(', ')} would\n`
      : '';
  return `${printable(image)} ${what}${on}\n${hopLines(hops, document)}${untold}${unmadeSites(hops, understood)}${isMirrored ? '' : nearMiss(image, policy)}`;
}

/** Names an entry that differs from the registry only in case or port: nodes compare names exactly. */
function nearMiss(image: string, { rewrites, registries }: Policy): string {
  const registry = registryOf(image);
  const bare = registry.toLowerCase().replace(/:\d+$/, '');
  const near =
    rewrites.find(({ from, wildcard }) => !wildcard && from === bare) ??
    registries.find(({ from }) => from.replace(/:\d+$/, '') === bare);
  if (!near) return '';
  if (near.from !== registry)
    return `  nodes compare names letter by letter, so "${printable(registry)}" needs an entry of its own beside "${near.from}"\n`;
  return `  "${near.from}" is rewritten for pods only; containerRegistry: true would make it a mirror too\n`;
}
