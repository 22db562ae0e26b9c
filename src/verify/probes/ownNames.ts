import type { RenderedFile } from '../../targets/target.ts';
import { type Probe, raw } from '../draft.ts';
import { type Attempt, hostFor, type ProbeContext, sentFrom, withKey } from './base.ts';

/** The most spellings that are tried of each list, so that large files leave room for other probes. */
const MOST_TARGETS = 400;

/**
 * Request targets that spell names in the generated files: no client may reach a location named `/./forward-gitlab` by
 * asking for `/%2E/forward-gitlab`. Every word of the files that could be the name of a location counts, the unusual
 * ones first.
 */
export function ownTargets(files: readonly RenderedFile[]): readonly string[] {
  const words = files.flatMap(({ text }) => text.match(/(?<=^|[\s"'=~^(])[/@%][^\s"'`;(){}|\\^$*+?[\]]+/gm) ?? []);
  const names = [...new Set(words.map((word) => word.replace(/^[^/]/, '/$&')))].filter((name) => name.length <= 100);
  const unusual = (name: string) => !/^(?:\/[A-Za-z0-9._-]+)+\/?$/.test(name);
  const sorted = [...names.filter(unusual), ...names.filter((name) => !unusual(name))];
  const locations = [...new Set(['/%25/x', '/%/x', '/@x', ...sorted.flatMap(spellings)])].slice(0, MOST_TARGETS);
  const places = placesIn(files).slice(0, MOST_TARGETS);
  // Both take turns, so that a few probes reach the most suspicious of either.
  const most = Math.max(locations.length, places.length);
  return Array.from({ length: most }, (_, index) =>
    [places[index], locations[index]].flatMap((each) => each ?? []),
  ).flat();
}

/**
 * Returns the names that tables have for paths, as a request could spell them: a row "/{int}/{^I}ssues" as
 * `/{int}/{^i}ssues` and `/1/{^i}ssues`. A table that took the text of a request for such a name would let one of them
 * through.
 */
function placesIn(files: readonly RenderedFile[]): string[] {
  const places = files.flatMap(
    ({ text }) => text.match(/(?<=["'`](?:[A-Z_-]+ )?)\/[^\s"'`$]*\{[^\s"'`$]*(?=["'`])/g) ?? [],
  );
  const asked = [...new Set(places)].flatMap((place) => [place, place.replace(/\{(?!\^)[^{}]*\}/g, '1')]);
  const marked = asked.filter((place) => place.includes('{^'));
  const others = asked.filter((place) => place.includes('{') && !place.includes('{^'));
  return [...new Set([...marked, ...others].flatMap((place) => [place.toLowerCase(), place]))];
}

/** Ways to write a name such that some step of decoding or cleaning up leads to it. */
function spellings(name: string): string[] {
  const encoded = name.replaceAll('%', '%25');
  const folder = encoded.replace(/[^/]+$/, '');
  const each = [...name].map((char) => (char === '/' ? char : `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`));
  return [
    encoded,
    name,
    `${folder}x`,
    `/x/..${encoded}`,
    each.join(''),
    `/${encoded}`,
    encoded.replaceAll('%25', '%2525'),
    `${encoded}/x`,
    `${encoded}?x=1`,
  ];
}

/** Probes of each target: from an address that is not admitted, without a key, and with one. */
export function* ownNameProbes(contexts: readonly ProbeContext[], targets: readonly string[]): Generator<Probe> {
  for (const target of targets) {
    for (const context of contexts) {
      const { fixture, random } = context;
      const plain = { method: 'GET', target, version: 'HTTP/1.1', fields: [['Host', hostFor(fixture)]] } as const;
      const send = ({ draft, peer }: Attempt): Probe => ({ proxy: fixture.proxy.id, peer, raw: raw(draft) });
      const caller = fixture.callers.length === 0 ? undefined : random.pick(fixture.callers);
      const key = caller && random.pick(fixture.secrets.keysOf(caller.id));
      const keyed = key === undefined ? plain : withKey(plain, fixture, key);
      yield send(sentFrom(plain, fixture.refused(), context));
      yield send(sentFrom(plain, fixture.admitted(), context));
      yield send(sentFrom(keyed, fixture.admitted(caller), context));
    }
  }
}
