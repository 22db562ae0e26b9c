import type { Mirror } from '../mirrors.ts';
import type { Authority } from './pki.ts';
import { type BottlerocketToken, bareKey, quoted } from './quote.ts';

/** What is set on a node, in Bottlerocket's own words. */
export interface SettingsModel {
  readonly mirrors: readonly {
    readonly registry: BottlerocketToken;
    readonly endpoints: readonly BottlerocketToken[];
  }[];
  /** `name` as TOML writes a key, `key` as JSON and YAML do. */
  readonly authorities: readonly Readonly<Record<'name' | 'key' | 'data', BottlerocketToken>>[];
}

export function settingsModel(mirrors: readonly Mirror[], authorities: readonly Authority[]): SettingsModel {
  return {
    mirrors: mirrors.map(({ registry, endpoints }) => ({
      registry: quoted(registry),
      endpoints: endpoints.map(quoted),
    })),
    authorities: authorities.map(({ name, data }) => ({ name: bareKey(name), key: quoted(name), data: quoted(data) })),
  };
}
