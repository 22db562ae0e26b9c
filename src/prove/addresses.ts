import { either, type Language } from './language.ts';
import { wholly } from './matching.ts';

let allAddresses: Language | undefined;

/** IPv4 and IPv6 addresses as texts (RFC 4291 §2.2), written out on its own. */
export function addresses(): Language {
  if (allAddresses) return allAddresses;
  const octet = '(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])';
  const ipv4 = `${octet}\\.${octet}\\.${octet}\\.${octet}`;
  const group = '[0-9A-Fa-f]{1,4}';
  let found = either(wholly(ipv4), wholly(`(?:${group}:){7}${group}|(?:${group}:){6}${ipv4}`));
  for (let left = 0; left <= 7; left++) {
    const head = left === 0 ? '' : `${group}(?::${group}){${left - 1}}`;
    for (let right = 0; left + right <= 7; right++) {
      const tail = right === 0 ? '' : `(?:${group}:){${right - 1}}${group}`;
      found = either(found, wholly(`${head}::${tail}`));
      if (left + right <= 5) found = either(found, wholly(`${head}::(?:${group}:){${right}}${ipv4}`));
    }
  }
  allAddresses = found;
  return found;
}
