import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Scope } from '../../src/verify/scope.ts';

const HEADER = 12;

/** A DNS server that knows some names as 127.0.0.1 and none else; gives its port. */
export async function startNameServer(names: readonly string[], scope: Scope): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, end } = questionOf(query);
    const isAddress = query.readUInt16BE(end - 4) === 1;
    const known = names.includes(name);
    const head = Buffer.from(query.subarray(0, HEADER));
    head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    head.fill(0, 6);
    head.writeUInt16BE(known && isAddress ? 1 : 0, 6);
    const answer = Buffer.from([0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    const rest = known && isAddress ? [answer] : [];
    socket.send(Buffer.concat([head, query.subarray(HEADER, end), ...rest]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  scope.defer(async () => void socket.close());
  return socket.address().port;
}

/** The name that is asked for, and where the question ends. */
function questionOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 5 };
}
