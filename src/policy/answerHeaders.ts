/** What a header of an answer says of the server that wrote it, and with it how an engine looks for that. */
interface Address {
  /**
   * `url`: one URL, which clients follow; `refresh`: one after `url=`; `links`: several in angle brackets; `challenge`:
   * several in quotes; `policy`: several between blanks; `origin`: one without a path; `domain`: the name in a cookie;
   * `server`: an address that is not ours to give.
   */
  readonly holds: 'url' | 'refresh' | 'links' | 'challenge' | 'policy' | 'origin' | 'domain' | 'server';
  readonly proxies: Fate;
  readonly sites: Fate;
}

export type Holds = Address['holds'];

/** `mapped` to the address that clients know, `hidden` from them, or `passed` as it is. */
type Fate = 'mapped' | 'hidden' | 'passed';

const FOLLOWED = { holds: 'url', proxies: 'mapped', sites: 'mapped' } as const;

/**
 * Every header of answers in which an upstream may name itself, or another server, to clients that would go there with
 * their key. This is the only list: engines, what a spec may set and what is hidden derive from it. What is passed is
 * compared by a browser and leads nobody anywhere. A header that is not here passes, on both engines.
 */
export const ADDRESS_HEADERS = {
  Location: FOLLOWED,
  // Clients of bulk exports ask there how far they are (FHIR).
  'Content-Location': FOLLOWED,
  // Azure's clients ask there, with their token, whether an operation has ended.
  'Operation-Location': FOLLOWED,
  'Azure-AsyncOperation': FOLLOWED,
  Link: { holds: 'links', proxies: 'mapped', sites: 'mapped' },
  'Www-Authenticate': { holds: 'challenge', proxies: 'mapped', sites: 'mapped' },
  Refresh: { holds: 'refresh', proxies: 'hidden', sites: 'mapped' },
  'Alt-Svc': { holds: 'server', proxies: 'hidden', sites: 'hidden' },
  'Proxy-Authenticate': { holds: 'server', proxies: 'hidden', sites: 'hidden' },
  'Set-Cookie': { holds: 'domain', proxies: 'hidden', sites: 'mapped' },
  'Access-Control-Allow-Origin': { holds: 'origin', proxies: 'passed', sites: 'mapped' },
  'Content-Security-Policy': { holds: 'policy', proxies: 'passed', sites: 'mapped' },
} as const satisfies Readonly<Record<string, Address>>;

type Table = typeof ADDRESS_HEADERS;

/** The headers with this fate in answers of proxies, or of sites. */
export type HeadersOf<Side extends 'proxies' | 'sites', F extends Fate> = {
  [H in keyof Table]: Table[H][Side] extends F ? H : never;
}[keyof Table];

export function headersOf<Side extends 'proxies' | 'sites', F extends Fate>(side: Side, fate: F): HeadersOf<Side, F>[] {
  const is = (name: string): name is HeadersOf<Side, F> => ADDRESS_HEADERS[name as keyof Table][side] === fate;
  return Object.keys(ADDRESS_HEADERS).filter(is);
}

/** Headers that proxies hide, in lower case. */
export const HIDDEN_ADDRESS_HEADERS: readonly string[] = headersOf('proxies', 'hidden').map((name) =>
  name.toLowerCase(),
);

type FollowedHeader = { [H in keyof Table]: Table[H]['holds'] extends 'url' ? H : never }[keyof Table];

/** Returns what a function says of each header whose value is one URL: proxies and sites map all of them alike. */
export function ofFollowed<T>(say: (header: string) => T): Readonly<Record<FollowedHeader, T>> {
  const followed = Object.entries(ADDRESS_HEADERS).filter(([, { holds }]) => holds === 'url');
  return Object.fromEntries(followed.map(([header]) => [header, say(header)])) as Record<FollowedHeader, T>;
}
