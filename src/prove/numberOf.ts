const numbers = new WeakMap<object, number>();
let last = 0;

/** Returns a number that no other thing has, for names of what is worked out once. */
export function numberOf(thing: object): number {
  const known = numbers.get(thing) ?? ++last;
  numbers.set(thing, known);
  return known;
}
