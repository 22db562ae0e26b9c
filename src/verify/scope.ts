/** Undoes what was set up, in reverse order, each once, whatever happens. */
export interface Scope {
  defer(undo: () => Promise<unknown>): void;
  /** Safe to call twice, and while something is still being set up. */
  close(): Promise<void>;
}

export function openScope(): Scope {
  const undoes: (() => Promise<unknown>)[] = [];
  let closed = false;
  return {
    defer(undo) {
      // Registered after `close`: undone at once.
      if (closed) void undo().catch(() => {});
      else undoes.push(undo);
    },
    async close() {
      closed = true;
      let failure: unknown;
      for (let undo = undoes.pop(); undo; undo = undoes.pop()) {
        await undo().catch((error: unknown) => {
          failure ??= error;
        });
      }
      if (failure !== undefined) throw failure;
    },
  };
}
