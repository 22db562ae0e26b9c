import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemProblem } from '../output/disk.ts';
import { LEASES } from '../output/gitFiles.ts';
import type { SecretReference } from '../policy/types.ts';
import { isRecord, memberOf, parseJson } from '../source/value.ts';
import type { RenderedFile } from '../targets/target.ts';
import { byPath, type Found } from './found.ts';

/** An issued secret, which is kept so that the next run does not request another one. */
export interface Lease {
  readonly value: string;
  /** Seconds since the epoch. */
  readonly since: number;
  readonly until: number;
}

export type Leases = ReadonlyMap<string, Lease>;

/** Returns the leases of an earlier run; none if the file is missing, damaged, or accessible to other users. */
export function readLeases(folder: string): Leases {
  try {
    const file = join(folder, LEASES);
    const stat = lstatSync(file);
    if (!stat.isFile() || (stat.mode & 0o077) !== 0) return new Map();
    return parseLeases(readFileSync(file, 'utf8'));
  } catch (error) {
    systemProblem(error);
    return new Map();
  }
}

function parseLeases(text: string): Leases {
  const leases = memberOf(parseJson(text), 'leases');
  if (!isRecord(leases)) return new Map();
  return new Map(Object.entries(leases).filter((entry): entry is [string, Lease] => isLease(entry[1])));
}

function isLease(value: unknown): value is Lease {
  if (!isRecord(value)) return false;
  const { value: secret, since, until } = value;
  return typeof secret === 'string' && typeof since === 'number' && typeof until === 'number' && since < until;
}

export function leasesFile(leases: Leases): RenderedFile {
  const sorted = [...leases].sort(([a], [b]) => (a < b ? -1 : 1));
  return { path: LEASES, text: `${JSON.stringify({ leases: Object.fromEntries(sorted) }, null, 2)}\n` };
}

/**
 * Returns when a new secret is requested: when a third of the lease is left, so that a short outage of Vault does no
 * harm.
 */
export function dueAt({ since, until }: Lease): number {
  return since + Math.floor(((until - since) * 2) / 3);
}

/**
 * Returns the leases that are not due at `at`. One from the future was written before the clock was set back, so nobody
 * knows when it ends. Fields of one document belong together, such as a name and a password
 * that were issued together: if one is missing, none is kept.
 */
export function keptLeases(leases: Leases, references: readonly SecretReference[], at: number): Map<string, Found> {
  const kept = new Map<string, Found>();
  const issued = references.filter(({ scheme }) => scheme === 'vault');
  for (const group of byPath(issued).values()) {
    const all = group.map(({ text }) => [text, leases.get(text)] as const);
    if (all.some(([, lease]) => lease === undefined || lease.since > at || dueAt(lease) <= at)) continue;
    for (const [text, lease] of all) if (lease) kept.set(text, { value: lease.value, until: lease.until });
  }
  return kept;
}
