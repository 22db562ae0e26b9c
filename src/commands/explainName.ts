import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { formatDiagnostics } from '../diagnostics/format.ts';
import { jsonDiagnostics } from '../diagnostics/json.ts';
import { printable } from '../diagnostics/printable.ts';
import { nameProblem } from '../policy/domains.ts';
import { resolveName } from '../policy/names.ts';
import { siteHops } from '../policy/pulls.ts';
import type { DomainRewrite } from '../policy/types.ts';
import { clientsOf } from '../targets/clients.ts';
import { answerTypes, namesInAnswers } from '../targets/coredns/answers.ts';
import { corednsCodes } from '../targets/coredns/codes.ts';
import type { Understood } from './explain.ts';
import { type Hop, hopLines, jsonHops } from './hops.ts';
import type { Io, Status } from './io.ts';
import { locator } from './location.ts';
import type { Format } from './report.ts';
import { type Problem, problemText } from './request.ts';

export interface NameQuestion {
  readonly name: string;
  readonly type?: string | undefined;
  readonly format: Format;
}

/** Which name a pod really looks up, what answers there, and under which name the answer comes back. */
export function explainName(question: NameQuestion, understood: Understood, io: Io): Status {
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
  const kept = rewrite && type !== undefined && namesInAnswers(type) === 'kept';
  const warnings = kept ? [corednsCodes.report('inner-target', rewrite.origin, { type, name: asked, to: name })] : [];
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
  if (type !== undefined && !answerTypes.includes(type))
    return {
      problem: `"${type}" is no type of record that is known here`,
      hint: `it is one of ${answerTypes.join(', ')}`,
    };
  if (asked.startsWith('*.'))
    return { problem: `"${asked}" is no name`, hint: `ask for one of them, such as a${asked.slice(1)}` };
  // Services are asked for by names with underscores, which hosts never have.
  const found = nameProblem(asked.replace(/(^|\.)_/g, '$1'));
  return found && { problem: `"${asked}" ${found.problem}`, hint: found.hint };
}

const WORDS: Readonly<Record<string, string>> = { site: 'the proxy site there is', upstream: 'its upstream gets Host' };

function hopsOf(rewrite: DomainRewrite, name: string, { policy }: Understood): Hop[] {
  const lookup = { kind: 'lookup', words: 'CoreDNS looks up', host: name, at: rewrite.origin };
  return [lookup, ...siteHops(policy, rewrite, name).map((hop) => ({ ...hop, words: WORDS[hop.kind] ?? '' }))];
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
  const { document, spec } = understood;
  const told = clientsOf(spec).pods ? '' : '  no target of the spec tells pods so, which coredns would\n';
  return [
    `${printable(asked)} is looked up as ${name}\n`,
    hopLines(hops, document),
    `  ${ANSWERS[namesInAnswers(type)]}\n`,
    '  nodes ask their own resolver and get the public address; see explain pull\n',
    told,
    formatDiagnostics(warnings, document, { colour: io.colour.out }),
  ].join('');
}

/** Names right beside a rewrite are what people mistake for rewritten. */
function leftAlone(asked: string, { policy, document }: Understood): string {
  const name = asked.toLowerCase().replace(/\.$/, '');
  const near = policy.rewrites.find(({ from, wildcard }) => (wildcard ? name === from : name.endsWith(`.${from}`)));
  const words = near?.wildcard ? 'only names below are rewritten by' : 'names below are not rewritten by';
  const host = near ? `${near.wildcard ? '*.' : ''}${near.from}` : '';
  const hops = near ? hopLines([{ kind: 'near', words, host, at: near.origin }], document) : '';
  return `${printable(asked)} is left alone: no rewrite applies\n${hops}`;
}
