import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';

// Git over HTTP as GitLab serves it: git's own backend behind Basic authentication. Prints each request as a line.
// A program, because it has to run inside a namespace.

const option = { type: 'string', default: '' } as const;
const { values } = parseArgs({ options: { port: option, cert: option, key: option, root: option, git: option } });
const PUSHER = `Basic ${Buffer.from('deploy:let-me-in').toString('base64')}`;

function environment({ method, headers }: IncomingMessage, url: URL): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GIT_PROJECT_ROOT: values.root,
    GIT_HTTP_EXPORT_ALL: '1',
    REQUEST_METHOD: method,
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: headers['content-type'] ?? '',
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    HTTP_GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    REMOTE_USER: 'deploy',
    REMOTE_ADDR: '127.0.0.1',
  };
}

/** Runs the backend; its answer is passed on as it comes. */
function serve(request: IncomingMessage, response: ServerResponse, url: URL): void {
  const backend = spawn(values.git, ['http-backend'], {
    env: environment(request, url),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  backend.stdin.on('error', () => {});
  request.pipe(backend.stdin);
  let head = Buffer.alloc(0);
  const takeHead = (bytes: Buffer) => {
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    backend.stdout.off('data', takeHead).pause();
    const fields = head
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': ', 2));
    const status = fields.find(([name]) => name === 'Status')?.[1];
    for (const [name = '', value = ''] of fields) if (name !== 'Status') response.setHeader(name, value);
    // GitLab's Workhorse answers a push only once it has been read: many a proxy stops reading where an answer starts.
    const answer = () => {
      response.writeHead(status === undefined ? 200 : Number.parseInt(status, 10));
      response.write(head.subarray(end + 4));
      backend.stdout.pipe(response);
    };
    if (request.readableEnded) answer();
    else request.once('end', answer);
  };
  backend.stdout.on('data', takeHead);
}

createServer({ cert: readFileSync(values.cert), key: readFileSync(values.key) }, (request, response) => {
  const url = new URL(request.url ?? '', 'https://gitlab.example.com');
  const { method, headers } = request;
  response.on('finish', () =>
    console.log(
      `${method} ${request.url} ${response.statusCode} ${headers.host} ${headers['transfer-encoding'] ?? '-'}`,
    ),
  );
  if (headers.authorization === PUSHER) serve(request, response, url);
  else response.writeHead(401, { 'Www-Authenticate': 'Basic realm="GitLab"' }).end();
}).listen(Number(values.port), '127.0.0.1');
