import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { placed, readDisk, systemProblem } from '../output/disk.ts';
import { LEASES } from '../output/gitFiles.ts';
import { MANIFEST } from '../output/manifest.ts';
import { fingerprint } from '../policy/shortened.ts';
import { isRecord, memberOf, parseJson } from '../source/value.ts';
import { secretCodes } from './codes.ts';
import { writeSecrets } from './write.ts';

/** What one render leaves in its folder for the next one. */
export interface SecretsState {
  /** Name of the spec whose secrets are in the folder; absent if nobody has written any. */
  readonly spec?: string;
  /** What was issued, by who issued it. */
  readonly leases: Leases;
  /** What the last reload that succeeded was for; absent if there was none. */
  readonly reloaded?: Reloaded;
}

/** A program and its arguments, and the digests of the files that it has had something read, by path. */
export interface Reloaded {
  readonly command: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** What a path of Vault issued, which is kept so that nothing asks for another one while it is good. */
export interface Lease {
  /** All that was issued, so that a reference to another field asks for nothing new. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Seconds since 1970. */
  readonly since: number;
  /** Seconds since 1970; absent if it was issued without an end, and is of no use. */
  readonly until?: number;
}

export type Leases = ReadonlyMap<string, Lease>;

/** What was issued before, and where to keep what is issued, by who issued it. */
export interface Issued {
  get(issuer: string): Lease | undefined;
  keep(issuer: string, lease: Lease): void;
}

/** Seconds until a secret without an end is asked for again: each time leaves another one behind. */
const ENDLESS = 3600;

/**
 * Returns when a new secret is requested: when a third of the lease is left, so that a short outage of Vault does no
 * harm.
 */
export function dueAt({ since, until }: Lease): number {
  return until === undefined ? since + ENDLESS : since + Math.floor(((until - since) * 2) / 3);
}

/** Whether a lease is not due. One from the future was written before the clock was set back: nobody knows when it ends. */
export function isKept(lease: Lease | undefined, now: number): lease is Lease {
  return lease !== undefined && lease.since <= now && now < dueAt(lease);
}

const NOTHING: SecretsState = { leases: new Map() };

/** Returns what an earlier run left; nothing if that is missing, damaged, or accessible to other users. */
export function readState(folder: string): SecretsState {
  try {
    const file = join(folder, LEASES);
    const stat = lstatSync(file);
    if (!stat.isFile() || (stat.mode & 0o077) !== 0) return NOTHING;
    return parseState(readFileSync(file, 'utf8')) ?? NOTHING;
  } catch (error) {
    systemProblem(error);
    return NOTHING;
  }
}

/** Changes what is left for the next run. */
export function changeState(folder: string, change: (state: SecretsState) => SecretsState): Diagnostic[] {
  return writeSecrets([{ path: LEASES, text: () => stateText(change(readState(folder))) }], folder);
}

/** The leases of a folder. What is issued is on disk before anything looks at it, so that a run that fails loses nothing. */
export interface KeptLeases extends Issued {
  /** Returns why what was issued could not be kept. */
  save(): Diagnostic[];
  /** Drops those that nobody has asked for. */
  dropOthers(): Diagnostic[];
}

export function keptLeases(folder: string): KeptLeases {
  const leases = new Map(readState(folder).leases);
  const used = new Map<string, Lease>();
  const unsaved = new Map<string, Lease>();
  const save = () => {
    if (unsaved.size === 0) return [];
    const problems = changeState(folder, (state) => ({ ...state, leases: new Map([...state.leases, ...unsaved]) }));
    if (problems.length === 0) unsaved.clear();
    return problems;
  };
  return {
    get: (issuer) => {
      const lease = leases.get(issuer);
      if (lease) used.set(issuer, lease);
      return lease;
    },
    keep: (issuer, lease) => {
      for (const map of [leases, used, unsaved]) map.set(issuer, lease);
      // The file is written as a whole: of thousands, not each is worth it.
      if (unsaved.size * 16 >= leases.size) save();
    },
    save,
    dropOthers: () => (used.size === leases.size ? [] : changeState(folder, (state) => ({ ...state, leases: used }))),
  };
}

/** Reports a folder with the files of another spec, whose secrets this one would overwrite. */
export function foreignFolder(folder: string, spec: string): Diagnostic[] {
  const state = readState(folder).spec;
  const manifest = readDisk(folder, []).value?.manifest;
  const other = [state, typeof manifest === 'object' ? manifest.spec : undefined].find(
    (name) => name !== undefined && name !== spec,
  );
  if (other === undefined) return [];
  const file = state === other ? LEASES : MANIFEST;
  return [secretCodes.report('other-spec', [], { other, file }, placed(folder))];
}

/** Notes whose secrets the folder holds, before any is written. */
export function claimFolder(folder: string, spec: string): Diagnostic[] {
  return readState(folder).spec === spec ? [] : changeState(folder, (state) => ({ ...state, spec }));
}

/** Returns the text of a state. A digest shows damage: half a secret may look like a whole one. */
export function stateText({ spec, leases, reloaded }: SecretsState): string {
  const sorted = [...leases].sort(([a], [b]) => (a < b ? -1 : 1));
  const state = { ...(spec && { spec }), leases: Object.fromEntries(sorted), ...(reloaded && { reloaded }) };
  return `${JSON.stringify({ sha256: digestOf(state), state }, null, 2)}\n`;
}

function digestOf(state: unknown): string {
  return fingerprint(JSON.stringify(state), 64);
}

function parseState(text: string): SecretsState | undefined {
  const found = parseJson(text);
  const state = memberOf(found, 'state');
  if (memberOf(found, 'sha256') !== digestOf(state ?? null)) return undefined;
  if (!isRecord(state)) return undefined;
  const { spec, leases, reloaded } = state;
  if (!isRecord(leases)) return undefined;
  return {
    ...(typeof spec === 'string' && { spec }),
    leases: new Map(Object.entries(leases).filter((entry): entry is [string, Lease] => isLease(entry[1]))),
    ...(isReloaded(reloaded) && { reloaded }),
  };
}

function isReloaded(value: unknown): value is Reloaded {
  return isRecord(value) && Array.isArray(value['command']) && isRecord(value['files']);
}

function isLease(value: unknown): value is Lease {
  if (!isRecord(value)) return false;
  const { data, since, until } = value;
  return (
    isRecord(data) && typeof since === 'number' && (until === undefined || (typeof until === 'number' && since < until))
  );
}
