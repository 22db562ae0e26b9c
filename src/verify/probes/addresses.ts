import { formatAddress } from '../../policy/cidr.ts';
import { type Draft, withField, withoutField } from '../draft.ts';
import { DIRECT_CLIENT, DIRECT_STRANGER } from '../loopback.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import { type Attempt, LOOPBACK_PEER, type ProbeContext } from './base.ts';

const GARBAGE = [
  '',
  'unknown',
  '*',
  'localhost',
  '999.1.1.1',
  '010.0.0.1',
  '10.1',
  '0x7f000001',
  '1.2.3',
  '::ffff:999.1.1.1',
  '_hidden',
  ':',
  '[',
  '::1%lo',
  '{http.request.remote.host}',
  '-',
  'null',
  '127.0.0.1',
  '0.0.0.0',
];

/** An address at the edge of a range, or an admitted one. */
export function someAddress(fixture: ProxyFixture, { random }: ProbeContext): string {
  const fine = fixture.admitted();
  if (fixture.edges.length === 0 || (fine.length > 0 && random.chance(0.3)))
    return fine.length > 0 ? random.pick(fine) : '192.0.2.1';
  return formatAddress(random.pick(fixture.edges));
}

/** The same request from another address, or with headers that claim another one. */
export function mutateAddress({ draft, peer }: Attempt, context: ProbeContext): Attempt {
  const { fixture, random } = context;
  const { clientIp } = fixture.proxy;
  const address = someAddress(fixture, context);
  if (clientIp.kind === 'proxyProtocol')
    return { draft: withForwarded(draft, context), peer: random.chance(0.8) ? address : peer };
  if (clientIp.kind === 'direct') {
    const client = random.pick([DIRECT_CLIENT, DIRECT_CLIENT, DIRECT_STRANGER]);
    return { draft: withForwarded(draft, context), peer: client };
  }
  const bare = withoutField(draft, clientIp.header);
  const tell = (...values: string[]): Attempt => ({
    draft: values.reduce((told, value) => withField(told, clientIp.header, value), bare),
    peer: LOOPBACK_PEER,
  });
  const other = someAddress(fixture, context);
  const garbage = random.pick([
    ...GARBAGE,
    `${address}:80`,
    `[${address}]`,
    `[${address}]:80`,
    `"${address}"`,
    `${address}%eth0`,
    `${address}/8`,
    `${address}.`,
    `0${address}`,
  ]);
  return random.pick<() => Attempt>([
    () => tell(address),
    () => tell(address),
    () => tell(address),
    () => tell(),
    () => tell(other, address),
    () => tell(`${other}, ${address}`),
    () => tell(`${other},${address}, 127.0.0.9`),
    () => tell(`${address} ,\t127.0.0.1`),
    () => tell(`${garbage}, ${address}`),
    () => tell(`${address}, ${garbage}`),
    () => tell(garbage),
    () => tell(address, garbage),
    () => tell(address.includes(':') ? address : `::ffff:${address}`),
    () => tell(address.toUpperCase()),
    () => ({ draft: withForwarded(tell(address).draft, context), peer: LOOPBACK_PEER }),
  ])();
}

/** Headers by which a client claims an address. */
function withForwarded(draft: Draft, context: ProbeContext): Draft {
  const address = someAddress(context.fixture, context);
  const told = context.fixture.proxy.clientIp;
  const names = [
    'X-Forwarded-For',
    'X-Real-IP',
    'X-Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'X_Forwarded_For',
    'X-Original-Forwarded-For',
    'X-Cluster-Client-IP',
  ];
  const name = context.random.pick(
    names.filter((each) => told.kind !== 'header' || each.toLowerCase() !== told.header.toLowerCase()),
  );
  return context.random.chance(0.2) ? withField(draft, 'Forwarded', `for=${address}`) : withField(draft, name, address);
}
