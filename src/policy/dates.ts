/** Returns the seconds since 1970 of a UTC date or moment; `undefined` if the calendar has no such day. */
export function epochSeconds(text: string): number | undefined {
  const moment = text.includes('T') ? text : `${text}T00:00:00Z`;
  const milliseconds = Date.parse(moment);
  if (Number.isNaN(milliseconds)) return undefined;
  // Date.parse rolls some impossible days over into the next month.
  return new Date(milliseconds).toISOString().slice(0, 10) === text.slice(0, 10) ? milliseconds / 1000 : undefined;
}

/** Returns `2027-06-30`, or the whole moment if it is not the start of a day. */
export function dateOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z');
}
