import { openScope, type Scope } from '../../src/verify/scope.ts';

/** Runs a test that starts servers, and ends them in reverse order whatever becomes of it. */
export function scoped(work: (scope: Scope) => Promise<void>): () => Promise<void> {
  return async () => {
    const scope = openScope();
    try {
      await work(scope);
    } finally {
      await scope.close();
    }
  };
}
