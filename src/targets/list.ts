// Every target there is: the one line outside its own folders that a target needs.
export { bottlerocket } from './bottlerocket/index.ts';
export { caddy } from './caddy/index.ts';
export { containerd } from './containerd/index.ts';
export { coredns } from './coredns/index.ts';
export { crio } from './crio/index.ts';
export { docker } from './docker/index.ts';
export { gitlabRunner } from './gitlabRunner/index.ts';
export { ipRanges } from './ipRanges/index.ts';
export { k3sRegistries } from './k3sRegistries/index.ts';
export { kubernetes } from './kubernetes/index.ts';
export { nginx } from './nginx/index.ts';
export { talos } from './talos/index.ts';
export { vault } from './vault/index.ts';
