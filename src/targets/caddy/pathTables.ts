import { decoding } from '../../prove/decoding.ts';
import { CannotTell, matches, type Part } from '../../prove/explore.ts';
import type { Language } from '../../prove/language.ts';
import { lazily } from '../../prove/lazily.ts';
import { ANYTHING, onlyText, wholly } from '../../prove/matching.ts';
import type { SymbolicRequest } from '../../prove/request.ts';
import { type MapTable, type Template, templateOf } from './handlers.ts';
import { capturesPath, languageOf, rowLanguage, sideOf } from './lookups.ts';
import type { Scope } from './scope.ts';
import type { Came } from './trace.ts';

/** What it takes to look something up. */
export interface Looking {
  readonly request: SymbolicRequest;
  readonly sight: { readonly targetOnly: boolean; readonly cuts: ReadonlyMap<string, string> };
  evaluate(template: Template, scope: Scope): readonly Part[];
  matches(parts: readonly Part[], language: Language): boolean;
  /** A piece that nobody may look into. */
  opaque(name: string, language: Language): readonly Part[];
  looksBeyondTarget(what: string): void;
  /** Says which row of a table a request comes to. */
  came(table: MapTable, row: Came, scope: Scope): void;
}

/** Among what is worked out of a target: "yes" where Caddy leaves the path as it is where it decodes it. */
export const PLAIN = 'plain path';
const PLAIN_PATH = lazily(() => wholly('(?:/[A-Za-z0-9_~-]+)+'));
const ANY = lazily(() => wholly(ANYTHING));
const BEGINS = lazily(() => wholly(`/${ANYTHING}`));
const MARKED = lazily(() => wholly(`${ANYTHING}[?]${ANYTHING}`));
const DECODED = 'a decoded path';

/** Whether a path has nothing to decode. What Caddy makes of some targets is not known. */
export function isPlain(request: SymbolicRequest): boolean {
  if (!matches(request.run, request.wholePath(), BEGINS()))
    throw new CannotTell('a table looks at the path of a target that has a scheme, or is none');
  // What an expression captures of a path ends at a question mark, of which a decoded one may have any.
  if (matches(request.run, request.wholePath(), decoding(MARKED())))
    throw new CannotTell('a table looks at a decoded path with a question mark');
  return matches(request.run, request.wholePath(), PLAIN_PATH());
}

/** Evaluates a table of targets, whose rows look at the path or at the query. */
export function ofTarget(table: MapTable, scope: Scope, looking: Looking): readonly Part[] {
  const { request, sight } = looking;
  for (const row of table.rows) {
    const { input, source, output } = row;
    // Go refuses a target that is one word.
    if (source === undefined && !/[/:*]/.test(input)) continue;
    const language = source === undefined ? onlyText(input) : languageOf(source, table.place);
    const side = sideOf(language);
    if (side === 'both') throw new CannotTell(`${table.place}: a row that looks at path and query`);
    if (side === 'query') looking.looksBeyondTarget('the query');
    else if (!sight.targetOnly) throw new CannotTell(`${table.place}: the path is looked at too late`);
    const parts = side === 'path' ? request.wholePath() : request.markedQuery();
    if (!matches(request.run, parts, language)) continue;
    looking.came(table, row, scope);
    if (source === undefined) return looking.evaluate(templateOf(output, table.place), scope);
    if (!output.includes('$')) return [output];
    if (side === 'path' && output === '$1' && capturesPath(source)) return parts;
    throw new CannotTell(`${table.place}: captures in a way that is not known`);
  }
  looking.came(table, 'default', scope);
  return looking.evaluate(templateOf(table.fallback, table.place), scope);
}

/** Evaluates a table of decoded paths. */
export function ofDecodedPath(table: MapTable, scope: Scope, looking: Looking): readonly Part[] {
  const { sight } = looking;
  const isLeft = !sight.targetOnly && sight.cuts.get(PLAIN) === 'yes';
  const parts = looking.opaque(DECODED, isLeft ? PLAIN_PATH() : ANY());
  const row = table.rows.find((each) => looking.matches(parts, rowLanguage(each, table)));
  const output = row?.output ?? table.fallback;
  looking.came(table, row ?? 'default', scope);
  if (row?.source === undefined) return looking.evaluate(templateOf(output, table.place), scope);
  if (!output.includes('$')) return [output];
  if (output === '$1' && capturesPath(row.source)) return parts;
  throw new CannotTell(`${table.place}: captures in a way that is not known`);
}

/** Whether a decoded path is in a language; `undefined` where that is not what the parts are. */
export function isDecodedIn(
  piece: string | undefined,
  language: Language,
  { request, sight }: Looking,
): boolean | undefined {
  if (piece !== DECODED || !sight.targetOnly) return undefined;
  return matches(request.run, request.wholePath(), decoding(language));
}
