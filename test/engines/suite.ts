import { type Callback, suite, type Test } from 'uvu';
import { type Engine, engine, type Missing } from './engine.ts';
import type { EngineName } from './table.ts';

export interface EngineSuite<Name extends EngineName> {
  readonly test: Test;
  /** Only to be read inside tests: where an engine is missing, none of them runs. */
  readonly engines: Readonly<Record<Name, Engine>>;
}

/**
 * A suite whose tests run only where every named engine can be had. Elsewhere each test counts as skipped and the reason
 * is printed once; with CI=true the missing engine is a failure, or a broken installer would look like a green run.
 */
export async function engineSuite<Name extends EngineName>(
  title: string,
  names: readonly Name[],
  find: (name: Name) => Promise<Engine | Missing> = engine,
): Promise<EngineSuite<Name>> {
  const found: Partial<Record<Name, Engine>> = {};
  const missing: string[] = [];
  for (const name of names) {
    const result = await find(name);
    if ('missing' in result) missing.push(`${name} not found (${result.missing})`);
    else found[name] = result;
  }
  const inner = loud(suite(title));
  if (missing.length === 0) return { test: inner, engines: found as Record<Name, Engine> };
  for (const reason of missing) console.log(`skipped: ${reason}`);
  if (process.env['CI'] === 'true')
    inner(`needs ${names.join(', ')}`, () => Promise.reject(new Error(missing.join('; '))));
  return { test: skipping(inner), engines: found as Record<Name, Engine> };
}

/** Prints what the hooks around a suite throw: uvu drops it, and starting an engine is where most goes wrong. */
function loud(inner: Test): Test {
  for (const name of ['before', 'after'] as const) {
    const { each } = inner[name];
    const register = inner[name];
    const loudly = (hook: Callback) =>
      register(async (context) => {
        try {
          await hook(context);
        } catch (error) {
          console.error(`${name} hook:`, error);
          throw error;
        }
      });
    inner[name] = Object.assign(loudly, { each });
  }
  return inner;
}

/** The same suite with every test turned into a skipped one, and without the hooks that would start the engines. */
function skipping(inner: Test): Test {
  const hook = Object.assign(() => {}, { each: () => {} });
  const skip = (name: string) => inner.skip(name);
  return Object.assign(skip, { skip, only: skip, run: () => inner.run(), before: hook, after: hook });
}
