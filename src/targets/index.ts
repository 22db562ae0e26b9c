import { bottlerocket } from './bottlerocket/index.ts';
import { caddy } from './caddy/index.ts';
import { containerd } from './containerd/index.ts';
import { coredns } from './coredns/index.ts';
import { crio } from './crio/index.ts';
import { docker } from './docker/index.ts';
import { k3sRegistries } from './k3sRegistries/index.ts';
import { nginx } from './nginx/index.ts';
import { talos } from './talos/index.ts';
import type { Target } from './target.ts';

/** Every target there is, sorted by name: the one line outside its own folders that a target needs. */
export const targets: readonly Target[] = [
  bottlerocket,
  caddy,
  containerd,
  coredns,
  crio,
  docker,
  k3sRegistries,
  nginx,
  talos,
];
