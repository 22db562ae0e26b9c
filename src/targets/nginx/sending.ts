import { matches, orUnknown, type Part } from '../../prove/explore.ts';
import { NOTHING } from '../../prove/matching.ts';
import { CLIENT, peerIn } from '../../prove/request.ts';
import type { Meaning } from './meaning.ts';
import { type Configuration, type Directives, type Template, templateOf } from './tables.ts';

/** What the server of a location says of it. */
interface Spoken {
  readonly directives: Directives;
  readonly scheme: string;
}

/** The name that the certificate of an upstream is checked for; where the file says none, that of its URL. */
export function nameInTls(name: string, meaning: Meaning): readonly Part[] {
  return orUnknown('a name that is not known', () =>
    name === '$host' ? meaning.request.hostName() : meaning.evaluate(templateOf(name)),
  );
}

/**
 * Returns the value of a header that goes upstream. A client's header is sent as it came, so that its value stays open.
 */
export function sentValue(
  value: string,
  { directives, scheme }: Spoken,
  { configuration, meaning }: { readonly configuration: Configuration; readonly meaning: Meaning },
): readonly Part[] {
  const [, header] = /^\$http_([a-z0-9_]+)$/.exec(value) ?? [];
  // A table may make a variable of such a name, too.
  if (header !== undefined && !configuration.tables.has(value.slice(1)))
    return [{ piece: `header ${header.replaceAll('_', '-')}` }];
  if (value === '$scheme') return [scheme];
  const template = templateOf(value);
  // The client has been found before all else is decided.
  if (isSame(template, directives.variables.get('client')) || value === '$client')
    return meaning.request.world.isDirect ? CLIENT : meaning.value('client');
  if (value === '$proxy_add_x_forwarded_for') return addedTo('x-forwarded-for', meaning);
  return value === '$remote_addr' ? peerIn(meaning.request.world) : meaning.evaluate(template);
}

/** The address of the connection, behind what a header of the client says already. */
function addedTo(header: string, { request }: Meaning): readonly Part[] {
  const sent = request.header(header);
  const peer = peerIn(request.world);
  return matches(request.run, sent, NOTHING()) ? peer : [...sent, ', ', ...peer];
}

function isSame(one: Template, other: Template | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
