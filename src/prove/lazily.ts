/** Puts off what takes time until it is asked for, because most commands never ask: they prove nothing. */
export function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
