import { init } from 'z3-solver';
import { ADDRESSES, type Line, METHODS, type Promised, type RandomSpec, widened } from './judges.ts';

/** Whether there is a text that an assertion about `path` holds for; `undefined` where Z3 gives up. */
export type Solver = (assertion: string) => Promise<boolean | undefined>;

/** Milliseconds for one question. Nearly all take a few; now and then one would take hours. */
const PATIENCE = 5_000;

/*
 * What segments are, written down once more: as what they consist of, without what they must not be. The sources of
 * `src/policy/segment.ts` have no complement, so that nothing of them is repeated here.
 */
const text = (literal: string) => `(str.to_re "${literal}")`;
const any = (...parts: string[]) => (parts.length === 1 ? `${parts[0]}` : `(re.union ${parts.join(' ')})`);
const joined = (...parts: string[]) => (parts.length === 1 ? `${parts[0]}` : `(re.++ ${parts.join(' ')})`);
const but = (all: string, not: string) => `(re.inter ${all} (re.comp ${not}))`;
const DIGIT = '(re.range "0" "9")';
const HEX = any(DIGIT, '(re.range "A" "F")', '(re.range "a" "f")');
const ALPHANUMERIC = [DIGIT, '(re.range "A" "Z")', '(re.range "a" "z")'];
const escaped = (code: string) =>
  joined(text('%'), ...[...code].map((digit) => any(...new Set([text(digit), text(digit.toLowerCase())]))));
const PCHAR = any(...ALPHANUMERIC, ...[..."-._~!$&'()*+,;=:@"].map(text));
const CONTROLS = [joined(text('%'), any(text('0'), text('1')), HEX), escaped('7F')];
const unitsBut = (...codes: string[]) =>
  `(re.+ ${any(PCHAR, but(joined(text('%'), HEX, HEX), any(...CONTROLS, ...codes.map(escaped))))})`;
const DOT = any(text('.'), escaped('2E'));
/** "." and "..", alone or before what ends a segment for some server. */
const steps = (...ends: string[]) => joined(DOT, `(re.opt ${DOT})`, `(re.opt ${joined(any(...ends), 're.all')})`);
const PLAIN = but(unitsBut('2F', '5C', '25', '3F', '23'), steps(text(';'), escaped('3B')));
const TEXT = but(unitsBut('2F', '5C'), steps(text(';'), escaped('3B'), escaped('3F'), escaped('23')));
const inParts = (part: string) => joined(part, `(re.* ${joined(escaped('2F'), part)})`);
const times = (count: number) => `((_ re.^ ${count}) ${HEX})`;

const TYPES: Readonly<Record<string, string>> = {
  int: `(re.+ ${DIGIT})`,
  hex: `(re.+ ${HEX})`,
  uuid: joined(times(8), ...[4, 4, 4, 12].flatMap((count) => [text('-'), times(count)])),
  slug: but(`(re.+ ${any(...ALPHANUMERIC, text('.'), text('_'), text('-'))})`, any(text('.'), text('..'))),
  segment: PLAIN,
  encodedPath: inParts(PLAIN),
  encodedText: inParts(TEXT),
};

function pieceOf(piece: string): string {
  const [, type, rest = ''] = /^\{\w+:?(.*?)(\*?)\}$/.exec(piece) ?? [];
  if (type === undefined) return text(piece);
  const one = type.includes('|') ? any(...type.split('|').map(text)) : type || 'segment';
  return rest === '' ? one : joined(one, `(re.* ${joined(text('/'), one)})`);
}

const patternOf = (path: string) =>
  joined(
    ...path
      .slice(1)
      .split('/')
      .flatMap((piece) => [text('/'), ...(piece === '' ? [] : [pieceOf(piece)])]),
  );

export async function solver(): Promise<{ readonly solve: Solver; readonly close: () => void }> {
  const { Z3, em } = await init();
  const config = Z3.mk_config();
  Z3.set_param_value(config, 'timeout', String(PATIENCE));
  const context = Z3.mk_context_rc(config);
  const types = Object.entries(TYPES).map(([name, regex]) => `(define-fun ${name} () RegLan ${regex})`);
  const start = `${types.join('\n')}\n(declare-const path String)\n`;
  const solve: Solver = async (assertion) => {
    // Text goes in by a call that waits: `eval_smtlib2_string` reads it after its memory may have been given away.
    const asserted = Z3.parse_smtlib2_string(context, `${start}(assert ${assertion})`, [], [], [], []);
    Z3.ast_vector_inc_ref(context, asserted);
    const size = Z3.ast_vector_size(context, asserted);
    if (size !== 1) throw new Error(`Z3 read ${size} assertions: ${assertion}`);
    const one = Z3.mk_solver(context);
    Z3.solver_inc_ref(context, one);
    Z3.solver_assert(context, one, Z3.ast_vector_get(context, asserted, 0));
    const answer = await Z3.solver_check(context, one);
    Z3.solver_dec_ref(context, one);
    Z3.ast_vector_dec_ref(context, asserted);
    return answer === 0 ? undefined : answer === 1;
  };
  return { solve, close: () => em.PThread.terminateAllThreads() };
}

const matches = (lines: readonly string[]) =>
  lines.length === 0 ? 'false' : `(str.in_re path ${any(...new Set(lines.map(patternOf)))})`;
const some = (parts: readonly string[]) =>
  parts.length === 0 ? 'false' : `(or false ${[...new Set(parts)].join(' ')})`;
const pathsFor = (lines: readonly Line[], method: string) =>
  lines
    .filter(({ methods }) => methods.includes(method) || (method === 'HEAD' && methods.includes('GET')))
    .map(({ path }) => path);

/** That a line allows a request outside of the envelope. */
export function isOutside(line: Line, envelope: readonly Line[]): string {
  return some(
    METHODS.flatMap((method) => {
      const own = pathsFor([line], method);
      return own.length === 0 ? [] : [`(and ${matches(own)} (not ${matches(pathsFor(envelope, method))}))`];
    }),
  );
}

/** That a request breaks a guarantee. */
export function isBroken({ one, two, open, ranges }: RandomSpec, { kind, request, keys, from }: Promised): string {
  const granted = (key: string | undefined, address: string): Line[] => [
    ...open,
    ...(key === 'two' || (key === 'one' && (ranges ?? ADDRESSES).includes(address)) ? one : []),
    ...(key === 'two' ? two : []),
  ];
  const everybody = [undefined, 'one', 'two'];
  if (kind === 'always')
    return some(
      request.methods.flatMap((method) =>
        (keys ?? [undefined]).flatMap((key) => {
          const refused = (addresses: readonly string[]) =>
            `(not ${matches(
              pathsFor(
                addresses.flatMap((address) => granted(key, address)),
                method,
              ),
            )})`;
          const where = from ? from.map((address) => refused([address])) : [refused(ADDRESSES)];
          return where.map((one) => `(and ${matches([request.path])} ${one})`);
        }),
      ),
    );
  const asked = widened(request.path).map((path) => ({ ...request, path }));
  const callers = ADDRESSES.flatMap((address) => everybody.map((key) => ({ key, address })));
  const named = ({ key, address }: (typeof callers)[number]) =>
    (!keys || (key !== undefined && keys.includes(key))) && (!from || from.includes(address));
  const meant = ({ key, address }: (typeof callers)[number]) =>
    (keys === undefined || (key !== undefined && keys.includes(key))) && (from ?? ADDRESSES).includes(address);
  return some(
    callers
      .filter((caller) => (kind === 'never' ? meant(caller) : !named(caller)))
      .flatMap(({ key, address }) =>
        METHODS.flatMap((method) => {
          const [wanted, given] = [pathsFor(asked, method), pathsFor(granted(key, address), method)];
          return wanted.length === 0 || given.length === 0 ? [] : [`(and ${matches(wanted)} ${matches(given)})`];
        }),
      ),
  );
}
