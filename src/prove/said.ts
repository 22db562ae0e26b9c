import { exampleOf, type Part, pieceOf, type Run } from './explore.ts';
import type { Forwarded, Outcome } from './model.ts';

/** What the reader says that an engine does with one request. */
export type Said = SaidAnswer | SaidForward;

interface Told {
  /** Headers for pages of other origins, in lower case. */
  readonly pages: ReadonlyMap<string, string>;
}

export interface SaidAnswer extends Told {
  readonly kind: 'answer';
  readonly status: number;
  /** "" where it is not sent. */
  readonly allow: string;
  /** `undefined` where it is not compared. */
  readonly body: string | undefined;
}

export interface SaidForward extends Told, Pick<Forwarded, 'scheme' | 'servers' | 'isWhole' | 'tls' | 'hidden'> {
  readonly kind: 'forward';
  /** Headers that go upstream; tokens as `<token of one>`, and `undefined` for what is not known. */
  readonly headers: ReadonlyMap<string, string | undefined>;
}

/** Returns the outcome for the example of a run, see `SymbolicRequest.example`. `length` is that of the body. */
export function saidOf(outcome: Outcome, run: Run, length: number | undefined): Said {
  const pages = new Map([...outcome.pages].map(([name, value]) => [name, textIn(value, run) ?? '']));
  if (outcome.kind === 'answer') {
    const { status, body } = outcome;
    return { kind: 'answer', status, body, pages, allow: textIn(outcome.allow ?? [], run) ?? '' };
  }
  const { scheme, servers, isWhole, tls, hidden, maxBody, tooLarge } = outcome;
  if (maxBody > 0 && length !== undefined && length > maxBody)
    return { kind: 'answer', status: tooLarge, body: undefined, pages: new Map(), allow: '' };
  const headers = new Map([...outcome.headers].map(([name, value]) => [name, textIn(value, run)]));
  return { kind: 'forward', scheme, servers, isWhole, tls, hidden, pages, headers };
}

function textIn(parts: readonly Part[], run: Run): string | undefined {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else if ('secret' in part) text += `<${part.secret}>`;
    else if ('later' in part) return undefined;
    else {
      const own = run.pieces.has(part.piece) ? exampleOf(pieceOf(run, part.piece)) : undefined;
      if (own === undefined) return undefined;
      text += own;
    }
  }
  return text;
}
