import { connect } from 'node:net';

/** Seconds until the other side ends the connection on which `text` is all that is ever sent, and what it said. */
export async function endOf(port: number, text: string): Promise<{ seconds: number; answer: string }> {
  const started = performance.now();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return { seconds: (performance.now() - started) / 1000, answer };
}

/** Bodies that stop half way: one whose length is known, and one that is not. */
export const HALF_BODIES = ['Content-Length: 20\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n14\r\nhalf'];
