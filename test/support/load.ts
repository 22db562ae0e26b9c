import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Scope } from '../../src/verify/scope.ts';

/** A load balancer that passes connections on and reads nothing of them, as Services of Kubernetes do. */
export interface Balancer {
  readonly port: number;
  /** Ports of the pods that new connections go to. */
  readonly ready: Set<number>;
}

export async function startBalancer(scope: Scope): Promise<Balancer> {
  const ready = new Set<number>();
  let turn = 0;
  const server = createServer((client) => {
    const pods = [...ready];
    turn += 1;
    const port = pods[turn % pods.length];
    if (port === undefined) return void client.destroy();
    const pod = connect(port, '127.0.0.1');
    client.pipe(pod).pipe(client);
    for (const [from, to] of [
      [client, pod],
      [pod, client],
    ] as const)
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(async () => server.close());
  return { port: (server.address() as AddressInfo).port, ready };
}

/** What became of the requests of many clients. */
export interface Outcomes {
  answered: number;
  /**
   * Sent on a connection that had been used before and was ended before the request reached the upstream. RFC 9112,
   * 9.3.1: clients send these again, because a server may end an idle connection at any time.
   */
  again: number;
  readonly failed: string[];
}

interface Load {
  readonly port: number;
  /** The path that each client asks for again and again, with another `?page=` each time. */
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Targets of the requests that the upstream has had. */
  readonly had: ReadonlySet<string>;
}

/** Clients that ask for one path after another, on connections that they keep. */
export function startLoad({ port, paths, headers, had }: Load) {
  const outcomes: Outcomes = { answered: 0, again: 0, failed: [] };
  const agent = new Agent({ keepAlive: true });
  let over = false;
  let page = 0;
  const ask = async (where: string): Promise<void> => {
    page += 1;
    const path = `${where}?page=${page}`;
    const { reused, outcome } = await sent({ agent, port, path, headers });
    if (outcome === 'answered') outcomes.answered += 1;
    else if (!reused || outcome !== 'no answer' || had.has(path)) outcomes.failed.push(`${path}: ${outcome}`);
    else {
      outcomes.again += 1;
      await ask(where);
    }
  };
  const clients = paths.map(async (path) => {
    while (!over) {
      await ask(path);
      await delay(2);
    }
  });
  return {
    outcomes,
    /** Waits for so many more answers. */
    answers: async (count: number) => {
      for (const end = outcomes.answered + count; outcomes.answered < end; ) await delay(5);
    },
    stop: async () => {
      over = true;
      await Promise.all(clients);
      agent.destroy();
    },
  };
}

interface Sent {
  readonly agent: Agent;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `no answer`: the connection ended before the first byte of one. */
async function sent(options: Sent): Promise<{ reused: boolean; outcome: string }> {
  const one = request({ host: '127.0.0.1', ...options });
  const response = once(one, 'response') as Promise<[IncomingMessage]>;
  let before = 0;
  one.once('socket', ({ bytesRead }) => {
    before = bytesRead;
  });
  one.end();
  try {
    const [answer] = await response;
    let body = '';
    for await (const part of answer.setEncoding('utf8')) body += part;
    const whole = answer.statusCode === 200 && body === `body of ${options.path}`;
    return { reused: one.reusedSocket, outcome: whole ? 'answered' : `${answer.statusCode} ${body}` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isEnd = (code === 'ECONNRESET' || code === 'EPIPE') && one.socket?.bytesRead === before;
    return { reused: one.reusedSocket, outcome: isEnd ? 'no answer' : message };
  }
}
