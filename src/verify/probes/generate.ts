import type { Place } from '../../policy/access.ts';
import { isRoute } from '../../policy/access.ts';
import { type Draft, type Probe, raw } from '../draft.ts';
import type { Random } from '../random.ts';
import type { Ground } from '../world.ts';
import { mutateAddress } from './addresses.ts';
import { type Attempt, attempt, attemptAt, type Workshop } from './base.ts';
import { mutateBody } from './bodies.ts';
import { mutateKey } from './credentials.ts';
import { mutateHeaders } from './headers.ts';
import { METHODS, mutateMethod } from './methods.ts';
import { mutatePath } from './paths.ts';
import { fineQuery, mutateQuery } from './queries.ts';
import { fill, STRANGERS } from './segments.ts';
import { mutateWire } from './wire.ts';

type Mutation = (attempt: Attempt, workshop: Workshop) => Attempt;

const onDraft =
  (change: (draft: Draft, workshop: Workshop) => Draft): Mutation =>
  ({ draft, peer }, workshop) => ({ draft: change(draft, workshop), peer });

/** By how often each is tried. */
const MUTATIONS: readonly Mutation[] = [
  onDraft((draft, { random }) => mutatePath(draft, random)),
  onDraft((draft, { random }) => mutatePath(draft, random)),
  onDraft((draft, { random }) => mutatePath(draft, random)),
  onDraft((draft, { random }) => mutateQuery(draft, random)),
  onDraft((draft, { random }) => mutateQuery(draft, random)),
  onDraft((draft, { random }) => fineQuery(draft, random)),
  onDraft((draft, { random }) => mutateMethod(draft, random)),
  onDraft(mutateKey),
  onDraft(mutateKey),
  onDraft(mutateHeaders),
  onDraft(mutateHeaders),
  onDraft(mutateHeaders),
  onDraft(mutateBody),
  mutateAddress,
];

/**
 * Probes without end, the same for the same seed: what can be listed about every place (each in turn, so that a small
 * number touches all places), and in between whatever chance makes of a request that is allowed.
 */
export function* probesOf(grounds: readonly Ground[], random: Random, now: number): Generator<Probe> {
  const workshops = grounds.map((ground): Workshop => ({ ground, random, now }));
  const listed = listedProbes(workshops, random);
  const alive = workshops.filter(({ ground }) => ground.places.length > 0);
  if (alive.length === 0) return;
  for (;;) {
    const next = listed.next();
    if (!next.done) yield next.value;
    yield chanceProbe(random.pick(alive));
    if (next.done) yield chanceProbe(random.pick(alive));
  }
}

function chanceProbe(workshop: Workshop): Probe {
  const { random, ground } = workshop;
  let made = attemptAt(random.pick(ground.places), workshop);
  const times = random.pick([1, 1, 1, 1, 2, 3]);
  for (let i = 0; i < times; i += 1) made = random.pick(MUTATIONS)(made, workshop);
  if (!random.chance(0.12)) return probe(made, workshop);
  return { proxy: ground.proxy.id, peer: made.peer, raw: mutateWire(made.draft, random) };
}

function probe({ draft, peer }: Attempt, { ground }: Workshop): Probe {
  return { proxy: ground.proxy.id, peer, raw: raw(draft) };
}

/** Goes round all places, one probe of each at a time. */
function* listedProbes(workshops: readonly Workshop[], random: Random): Generator<Probe> {
  const lists = workshops.flatMap((workshop) => workshop.ground.places.map((place) => listFor(place, workshop)));
  for (let round = random.shuffled(lists); round.length > 0; ) {
    const left: Generator<Probe>[] = [];
    for (const list of round) {
      const next = list.next();
      if (next.done) continue;
      yield next.value;
      left.push(list);
    }
    round = left;
  }
}

/** What is tried at every place, whatever else is. */
function* listFor(place: Place, workshop: Workshop): Generator<Probe> {
  const { random } = workshop;
  yield probe(attemptAt(place, workshop), workshop);
  const send = (target: string, method = random.pick([...place.cells.keys()])) =>
    probe(attempt({ place, method, target }, workshop), workshop);
  const { example } = place.state;
  for (const method of place.allow) yield send(example, method);
  for (const rule of place.state.accepts) {
    const path = fill(rule.pattern, random);
    yield send(path, isRoute(rule) ? rule.methods[0] : undefined);
    yield send(path.replace(/\/[^/]*$/, '') || '/');
    yield send(`${path}/x`);
    yield send(`${path}/`);
    for (const [index] of path.slice(1).split('/').entries()) yield* near(path, index, send);
  }
  for (const method of METHODS) yield send(example, method);
}

/** A path with one segment changed: by one byte, left out, and into strangers. */
function* near(path: string, index: number, send: (target: string) => Probe): Generator<Probe> {
  const parts = path.slice(1).split('/');
  const part = parts[index] ?? '';
  const instead = (text: string) => send(`/${parts.with(index, text).join('/')}`);
  yield instead(`${part}x`);
  yield instead(part.slice(0, -1));
  yield instead(part.toUpperCase());
  yield instead(part.toLowerCase());
  yield instead(`${part.slice(0, -1)}${part.endsWith('a') ? 'b' : 'a'}`);
  yield instead(`%${(part.charCodeAt(0) || 0x41).toString(16).padStart(2, '0')}${part.slice(1)}`);
  yield send(`/${parts.toSpliced(index, 1).join('/')}`);
  yield send(`/${parts.toSpliced(index, 0, 'x').join('/')}`);
  for (const stranger of STRANGERS) if (!/[\x00-\x20\x7f]/.test(stranger)) yield instead(stranger);
}
