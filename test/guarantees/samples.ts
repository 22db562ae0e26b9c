import { parseAddress } from '../../src/policy/cidr.ts';
import { evaluatorOf } from '../../src/policy/decide.ts';
import type { Policy } from '../../src/policy/types.ts';
import type { Random } from '../../src/verify/random.ts';
import { ADDRESSES, type Asked, type Line, METHODS } from './judges.ts';

const LETTERS = 'abcxyzABC';
const WORD = `${LETTERS}0123456789._-`;
const ESCAPES = [
  '%2F',
  '%2f',
  '%3F',
  '%23',
  '%25',
  '%2E',
  '%2e',
  '%5C',
  '%3B',
  '%00',
  '%7F',
  '%C3%A4',
  '%61',
  '%',
  '%4',
];
const OTHERS = [...".;~!$&'()*+,=:@", 'ä', ' ', '\\'];

const uuid = (random: Random) =>
  [8, 4, 4, 4, 12].map((length) => random.text('0123456789abcdefABCDEF', length)).join('-');
const mixed = (random: Random) =>
  Array.from({ length: 1 + random.below(4) }, () =>
    random.chance(0.5) ? random.text(WORD, 1) : random.pick(random.chance(0.6) ? ESCAPES : OTHERS),
  ).join('');

const SEGMENT_OF: Readonly<Record<string, (random: Random) => string>> = {
  int: (random) => random.text('0123456789', 1 + random.below(4)),
  hex: (random) => random.text('0123456789abcdefABCDEF', 1 + random.below(8)),
  uuid,
  slug: (random) => random.text(WORD, 1 + random.below(5)),
  '': (random) => random.text(`${WORD}~;:@`, 1 + random.below(4)),
  encodedPath: (random) => `${random.text(WORD, 1 + random.below(2))}%2F${random.text(WORD, 1 + random.below(2))}`,
  encodedText: mixed,
};
const TYPES = Object.values(SEGMENT_OF);

/** A segment for a piece of a pattern, mostly one that it is about. */
function segmentFor(piece: string, random: Random): string {
  if (random.chance(0.08)) return random.pick(TYPES)(random);
  if (!piece.startsWith('{')) return piece;
  const [, type = ''] = piece.replace(/\*?\}$/, '').split(':');
  return type.includes('|') ? random.pick(type.split('|')) : (SEGMENT_OF[type] ?? mixed)(random);
}

function pathNear(pattern: string, random: Random): string {
  const segments = pattern
    .slice(1)
    .split('/')
    .flatMap((piece) =>
      Array.from({ length: piece.endsWith('*}') ? 1 + random.below(3) : 1 }, () => segmentFor(piece, random)),
    );
  const path = `/${segments.join('/')}`;
  if (random.chance(0.05)) return `${path}/`;
  return random.chance(0.03) ? path.replace(/\/[^/]*$/, '') || '/' : path;
}

/** Random requests from everybody, most of them about some line of these. */
export function* requestsNear(
  lines: readonly Line[],
  keys: readonly string[],
  random: Random,
  count: number,
): Generator<Asked> {
  for (let each = 0; each < count; each += 1) {
    const line = random.pick(lines);
    yield {
      method: random.chance(0.8) ? random.pick(line.methods) : random.pick(METHODS),
      path: pathNear(line.path, random),
      key: random.pick([undefined, ...keys, ...keys]),
      address: random.pick(ADDRESSES),
    };
  }
}

/** Whether the first proxy of a policy lets a request through, as the evaluator decides it. */
export function evaluated(policy: Policy): (asked: Asked) => boolean {
  const [proxy] = policy.proxies;
  if (!proxy) throw new Error('no proxy');
  const { decide } = evaluatorOf(policy, proxy);
  const clients = new Map(ADDRESSES.map((address) => [address, parseAddress(address)]));
  return ({ method, path, key, address }) => {
    const client = clients.get(address) ?? parseAddress(address);
    if (!client) throw new Error(address);
    const credential = key === undefined ? ({ kind: 'missing' } as const) : ({ kind: 'known', id: key } as const);
    return decide({ method, target: path, headers: [], client, at: 0, credential }).kind === 'forward';
  };
}
