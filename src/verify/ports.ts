import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock } from '../output/lock.ts';

// Below the ports of outgoing connections on Linux (32768 and up), which could take a port just found free.
const first = 10_000;
const blocks = 350;
const blockSize = 64;

/** A port is given out again after so many others, when it was used or left alone long ago. */
const between = 8 * blockSize;

let unused: number[] = [];
/** In the order in which they were given out. */
const given: number[] = [];

/**
 * Ports of the loopback interface that nobody listens on, over TCP and UDP. They come from blocks that a process locks
 * until it ends, so processes running side by side never get the same one between finding it free and using it.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  let taken = 0;
  while (found.length < count) {
    const isAgain = given.length >= between && taken < given.length;
    const port = unused.pop() ?? (isAgain ? given.shift() : undefined);
    if (port === undefined) unused = await claimBlock();
    else {
      given.push(port);
      if (await isFree(port)) found.push(port);
      else taken++;
    }
  }
  return found;
}

/** One free port; see freePorts. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('freePorts gave no port');
  return port;
}

async function claimBlock(): Promise<number[]> {
  const folder = join(tmpdir(), `postern-ports-${process.getuid?.() ?? 0}`);
  await mkdir(folder, { recursive: true });
  const start = Math.floor(Math.random() * blocks);
  for (let i = 0; i < blocks; i += 1) {
    const block = (start + i) % blocks;
    if (tryLock(join(folder, String(block)))) {
      return Array.from({ length: blockSize }, (_, n) => first + block * blockSize + n);
    }
  }
  throw new Error(`every block of ports is locked in ${folder}`);
}

async function isFree(port: number): Promise<boolean> {
  const tcp = createServer().listen(port, '127.0.0.1');
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  try {
    const bound = await Promise.allSettled([once(tcp, 'listening'), once(udp, 'listening')]);
    return bound.every(({ status }) => status === 'fulfilled');
  } finally {
    await new Promise((done) => tcp.close(done));
    udp.close();
  }
}
