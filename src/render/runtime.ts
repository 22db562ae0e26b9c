import { isToken } from './token.ts';

/** The part of nunjucks' runtime that compiled templates call and that we replace. */
export interface Scope {
  lookup(name: string): unknown;
}

export interface Context {
  getVariables(): object;
}

/** Raises an error at a place in a template; lines and columns count from zero. */
export type Fail = (message: string, line: number, column: number) => never;

const macroText = Symbol('macro text');

// One for all templates, because a template may import another's macros.
const macros = new WeakSet<object>();

/**
 * What compiled templates call to look up, check and print. Stock nunjucks turns everything unknown into an empty string
 * or "no"; here it ends the rendering, because a line that is silently missing from an allowlist is a hole or an outage.
 */
export function strictRuntime(target: string, fail: Fail): object {
  return {
    contextOrFrameLookup(context: Context, scope: Scope, name: string, line: number, column: number): unknown {
      const local = scope.lookup(name);
      if (local !== undefined) return local;
      const value = own(context.getVariables(), name);
      return value === undefined ? fail(`the model has no "${name}"`, line, column) : value;
    },

    memberLookup(parent: unknown, key: string, line: number, column: number): unknown {
      const kind = kindOf(parent);
      if (kind !== 'object') return fail(`${kind} has no "${key}"`, line, column);
      const value = own(parent as object, key);
      return value === undefined ? fail(`there is no "${key}"`, line, column) : value;
    },

    truth(value: unknown, line: number, column: number): boolean {
      if (typeof value === 'boolean') return value;
      if (Array.isArray(value)) return value.length > 0;
      const kind = kindOf(value);
      if (kind === 'null') return false;
      return kind === 'object' || kind === 'a token' || fail(`${kind} is neither true nor false`, line, column);
    },

    list(value: unknown, line: number, column: number): readonly unknown[] {
      return Array.isArray(value) ? value : fail(`${kindOf(value)} is not a list`, line, column);
    },

    ensureDefined(value: unknown, line: number, column: number): string {
      if (isToken(value)) {
        if (value.target !== target) fail(`a token of ${value.target} in a template of ${target}`, line, column);
        // Blanks at line ends are taken off the rendered text, and must not be taken off a token.
        if (/[ \t](?:\n|$)/.test(value.text)) fail('a token with a blank before a line end', line, column);
        return value.text;
      }
      if (Number.isSafeInteger(value)) return String(value);
      if (typeof value === 'object' && value !== null && macroText in value) return String(value[macroText]);
      return fail(`${kindOf(value)} cannot be printed, only a token or an integer`, line, column);
    },

    // Nothing is left to do once `ensureDefined` has let a value pass.
    suppressValue: (text: string): string => text,

    callWrap(called: unknown, name: string, _context: unknown, args: unknown[], line: number, column: number): unknown {
      if (typeof called !== 'function' || !macros.has(called)) return fail(`"${name}" is not a macro`, line, column);
      if (called.length !== args.length) return fail(`"${name}" takes ${called.length} arguments`, line, column);
      return called(...args);
    },

    makeMacro(
      parameters: readonly string[],
      _named: readonly string[],
      body: (...args: unknown[]) => unknown,
    ): unknown {
      const macro = Object.defineProperty((...args: unknown[]) => body(...args, {}), 'length', {
        value: parameters.length,
      });
      macros.add(macro);
      return macro;
    },

    SafeString: macroResult,
  };
}

/** Compiled code calls this with `new`, which gives what the function returns. */
function macroResult(text: string): object {
  return { [macroText]: text };
}

/** An own property. Absent and `undefined` are the same mistake; what may be absent is `null` in the model. */
function own(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key as keyof typeof object] : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (isToken(value)) return 'a token';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return macroText in value ? 'the text of a macro' : 'object';
}
