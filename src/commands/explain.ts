import { hasError } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import type { LocatedDocument } from '../source/span.ts';
import type { Spec } from '../spec/schema.ts';
import { explainName } from './explainName.ts';
import { explainPull } from './explainPull.ts';
import { explainRequest } from './explainRequest.ts';
import { explainRequests } from './explainRequests.ts';
import type { Io, Status } from './io.ts';
import { questionProblem } from './question.ts';
import { type Format, print } from './report.ts';
import { problemText } from './request.ts';
import { compileArgument } from './spec.ts';

export interface ExplainArguments {
  /** `METHOD TARGET`, `dns NAME` or `pull IMAGE`, and a spec; a spec alone beside `requests`. */
  readonly words: readonly string[];
  readonly spec?: string | undefined;
  readonly key?: string | undefined;
  readonly from?: string | undefined;
  readonly at?: string | undefined;
  readonly proxy?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly requests?: string | undefined;
  /** Of records, for `dns`. */
  readonly type?: string | undefined;
  /** Target whose nodes are meant, for `pull`. */
  readonly node?: string | undefined;
  readonly format: Format;
}

/** What every kind of explanation starts from. */
export interface Understood {
  readonly policy: Policy;
  readonly spec: Spec;
  readonly document: LocatedDocument;
}

/** The decision, the line of the spec that made it, and what follows from it. */
export function explain(args: ExplainArguments, io: Io): Status {
  const question = args.requests === undefined ? 2 : 0;
  const [first = '', second = ''] = args.words;
  if (args.words.length < question || args.words.length > question + 1) return misused(io);
  const problem = questionProblem(args);
  if (problem) {
    io.err(`postern: ${problemText(problem)}\n`);
    return 2;
  }
  if (args.requests === '-' && (args.words[0] ?? args.spec) === '-') return misused(io);
  const compiled = compileArgument(args.words[question] ?? args.spec, io, { targets: [] });
  const { policy, spec, document, diagnostics } = compiled;
  if (!policy || !spec || !document || hasError(diagnostics)) {
    return print({ command: 'explain', status: 2, diagnostics, document, asked: 'changes' }, args.format, io);
  }
  const understood = { policy, spec, document };
  if (args.requests !== undefined) return explainRequests(args.requests, understood, io);
  const { type, node, format } = args;
  if (first === 'dns') return explainName({ name: second, type, format }, understood, io);
  if (first === 'pull') return explainPull({ image: second, node, format }, understood, io);
  return explainRequest({ ...args, method: first, target: second }, understood, io);
}

function misused(io: Io): Status {
  io.err('postern: explain takes METHOD TARGET, dns NAME, pull IMAGE or --requests FILE, and then a spec\n');
  return 2;
}
