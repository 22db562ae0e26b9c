import type { Composition } from '../compose/compose.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { toCidrs } from '../policy/cidr.ts';
import type { Policy } from '../policy/types.ts';
import { canonical } from '../source/value.ts';
import type { Spec } from '../spec/schema.ts';
import { ruleCodes } from './codes.ts';

/**
 * Reports misleading names, definitions that are written twice, tests that refuse nothing, and includes without a
 * bound.
 */
export function wording(policy: Policy, spec: Spec, members: Composition['members'] | undefined): Diagnostic[] {
  return [...misnamed(policy), ...twins(policy, spec), ...onlyAllowed(spec), ...unbounded(members ?? [])];
}

const READS = /^(?:read|readonly|view|viewer|browse|list)$/;
const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE'];

function misnamed({ routes }: Policy): Diagnostic[] {
  const told = new Set<string>();
  return routes.flatMap(({ group, methods, origin }) => {
    const word = group
      .toLowerCase()
      .split('-')
      .find((part) => READS.test(part));
    const method = methods.find((one) => WRITES.includes(one));
    if (word === undefined || method === undefined || told.has(group)) return [];
    told.add(group);
    return [ruleCodes.report('misnamed-group', origin, { group, method })];
  });
}

function twins({ addressSets }: Policy, { ipRanges = {}, upstreams = {}, routes = {} }: Spec): Diagnostic[] {
  const isAlias = (written: unknown) =>
    Array.isArray(written) && written.length === 1 && String(written).startsWith('@');
  const sets = addressSets
    .filter(({ id, set }) => set.ranges.length > 0 && !isAlias(ipRanges[id]))
    .map(({ id, set }) => [id, toCidrs(set).join()] as const);
  const contents = (section: Readonly<Record<string, unknown>>) =>
    Object.entries(section).map(([name, value]) => [name, canonical(value)] as const);
  return [
    ...twinsIn('ipRanges', 'address set', sets),
    ...twinsIn('upstreams', 'upstream', contents(upstreams)),
    ...twinsIn('routes', 'route group', contents(routes)),
  ];
}

function twinsIn(section: string, kind: string, named: readonly (readonly [string, string])[]): Diagnostic[] {
  const first = new Map<string, string>();
  return named.flatMap(([name, content]) => {
    const other = first.get(content);
    if (other === undefined) {
      first.set(content, name);
      return [];
    }
    const related = [{ at: [section, other], part: 'key' as const, message: 'the other one' }];
    return [ruleCodes.report('twin', [section, name], { kind, name, other }, { part: 'key', related })];
  });
}

/** Reports tests that only expect requests to pass. A spec that lets everything through would pass them. */
function onlyAllowed({ tests = [] }: Spec): Diagnostic[] {
  const requests = tests.flatMap((one) => ('request' in one ? [one.expect] : []));
  const refused = requests.some((expect) => typeof expect === 'number' && expect >= 400);
  return requests.length === 0 || refused ? [] : [ruleCodes.report('only-allowed', ['tests'], {}, { part: 'key' })];
}

function unbounded(members: Composition['members'][number][] | Composition['members']): Diagnostic[] {
  return members.flatMap(({ value, document }) =>
    (value.include ?? []).flatMap((include, index) => {
      if (typeof include !== 'object' || !('file' in include) || include.within || include.owner === undefined)
        return [];
      const at = ['include', index];
      return [ruleCodes.report('unbounded-include', at, { owner: include.owner }, { place: document.locate(at) })];
    }),
  );
}
