import { isRecord, listOf, memberOf, parseJson } from '../source/value.ts';

/** An address of a published list, and the words by which `select` can choose it; none if the list has no kinds. */
interface Published {
  readonly cidr: string;
  readonly words: readonly string[];
}

type Read = { readonly entries: readonly Published[] } | { readonly problem: string };

export type SnapshotFormat = 'aws' | 'github' | 'cloudflare' | 'azure';

/** The reader of each publisher's format. Unknown members are ignored, because publishers add some without notice. */
export const FORMATS: { readonly [F in SnapshotFormat]: (text: string) => Read } = {
  /** https://ip-ranges.amazonaws.com/ip-ranges.json */
  aws: (text) => {
    const value = parseJson(text);
    const lists = [
      [memberOf(value, 'prefixes'), 'ip_prefix'],
      [memberOf(value, 'ipv6_prefixes'), 'ipv6_prefix'],
    ] as const;
    if (!Array.isArray(lists[0][0])) return notOf('ip-ranges.json of AWS, which has "prefixes"');
    return collected(
      lists.flatMap(([list, name]) =>
        listOf(list).map((one) => {
          const [service, region] = [textIn(one, 'service'), textIn(one, 'region')];
          const words = service === undefined ? [] : [service, `${service}/${region ?? ''}`];
          return { cidr: textIn(one, name), words };
        }),
      ),
    );
  },
  /** https://api.github.com/meta: beside lists of addresses it holds host keys and domains. */
  github: (text) => {
    const value = parseJson(text);
    const lists = isRecord(value) ? Object.entries(value).filter(([, list]) => isAddresses(list)) : [];
    if (lists.length === 0) return notOf('what api.github.com/meta answers');
    return collected(lists.flatMap(([word, list]) => listOf(list).map((cidr) => ({ cidr, words: [word] }))));
  },
  /** https://api.cloudflare.com/client/v4/ips, or the text of https://www.cloudflare.com/ips-v4 and -v6. */
  cloudflare: (text) => {
    const value = parseJson(text);
    const result = memberOf(value, 'result');
    const lists = ['ipv4_cidrs', 'ipv6_cidrs'].map((name) => memberOf(result, name));
    if (lists.some((list) => Array.isArray(list)))
      return collected(lists.flatMap(listOf).map((cidr) => ({ cidr, words: [] })));
    const lines = text.split('\n').flatMap((line) => line.trim() || []);
    if (value !== undefined || lines.length === 0 || !lines.every((line) => /^[0-9a-f.:]+\/\d+$/i.test(line)))
      return notOf("Cloudflare's list of addresses");
    return collected(lines.map((cidr) => ({ cidr, words: [] })));
  },
  /** ServiceTags_Public_*.json, or what "az network list-service-tags" prints. */
  azure: (text) => {
    const values = memberOf(parseJson(text), 'values');
    if (!Array.isArray(values)) return notOf('service tags of Azure, which have "values"');
    return collected(
      values.flatMap((tag: unknown) => {
        const name = textIn(tag, 'name');
        const prefixes = memberOf(memberOf(tag, 'properties'), 'addressPrefixes');
        return listOf(prefixes).map((cidr) => ({ cidr, words: name === undefined ? [] : [name] }));
      }),
    );
  },
};

function notOf(what: string): Read {
  return { problem: `is not ${what}` };
}

function textIn(value: unknown, name: string): string | undefined {
  const text = memberOf(value, name);
  return typeof text === 'string' ? text : undefined;
}

function isAddresses(list: unknown): boolean {
  return (
    Array.isArray(list) &&
    list.length > 0 &&
    list.every((one) => typeof one === 'string' && /^[0-9a-f.:]+(?:\/\d+)?$/i.test(one) && /[.:]/.test(one))
  );
}

/**
 * Returns a published list, or a problem if any entry is not sound: with an entry lost, a proxy would refuse its
 * addresses, or admit them if it is a `not`.
 */
function collected(entries: readonly { readonly cidr: unknown; readonly words: readonly string[] }[]): Read {
  if (entries.length === 0) return { problem: 'holds no addresses' };
  const sound = entries.flatMap(({ cidr, words }) => (typeof cidr === 'string' ? [{ cidr, words }] : []));
  return sound.length === entries.length ? { entries: sound } : { problem: 'has entries without an address' };
}
