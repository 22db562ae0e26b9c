import { MOST_LINKS } from '../../plan/bounds.ts';
import type { Upstream } from '../../policy/types.ts';
import type { Limit } from '../../targets/target.ts';
import { connectTo, type Listener, unlessSilent } from '../exchange.ts';
import { fieldOf } from '../http1.ts';
import type { RawResponse } from '../raw.ts';
import { FOLLOWED_HEADERS, type Upstreams } from '../upstreams.ts';

/** An answer of an upstream that is unlike the others, and what is wrong with what the client got of it. */
interface OddAnswer {
  readonly bytes: (upstream: Upstream) => string;
  readonly problem: (response: RawResponse, outside: Outside) => string | undefined;
  /** The limit that a target must declare if its program cannot handle the answer. */
  readonly limit?: Limit;
}

/** An upstream as its clients see it from outside. */
interface Outside {
  readonly upstream: Upstream;
  /** Origin at which the client finds it. */
  readonly origin: string;
}

/** A request to a proxy or site whose upstream gives odd answers. */
export interface OddlyAnswered extends Outside {
  readonly listener: Listener;
  readonly peer: string;
  /** The bytes of a GET that is forwarded. */
  readonly raw: string;
  readonly upstreams: Upstreams;
}

export interface OddProblem {
  readonly words: string;
  readonly limit?: Limit | undefined;
}

const BODY = '{"odd":true}';
const LENGTH = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`;
/** A field that no client may get. Of interim answers and trailers a client may get no field at all. */
const HIDDEN = 'X-Accel-Redirect: /elsewhere\r\n';

const withHead = (head: string) => `HTTP/1.1 200 OK\r\n${LENGTH}${head}\r\n${BODY}`;
const withTrailers = (head: string) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${head}\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n${HIDDEN}\r\n`;
const nameOf = ({ host }: Upstream) => (host.includes(':') ? `[${host}]` : host);

function linkOf(count: number, upstream: Upstream): string {
  return Array.from({ length: count }, (_, n) => `<https://${nameOf(upstream)}/p${n}>; rel="p${n}"`).join(', ');
}

/** Ways to write an origin that browsers and HTTP libraries read as the same. */
const SPELLINGS: Readonly<Record<string, (upstream: Upstream) => string>> = {
  'without a scheme': (upstream) => `//${nameOf(upstream)}`,
  'with a dot after the name': (upstream) => `https://${nameOf(upstream)}.`,
  'in capitals': (upstream) => `HTTP://${nameOf(upstream).toUpperCase()}`,
  'with its usual port': (upstream) => `https://${nameOf(upstream)}:443`,
  'with its usual port and a dot': (upstream) => `http://${nameOf(upstream)}.:80`,
};

/** Ways to write it that clients read as they like, and that no upstream has a reason for. */
const ODD_SPELLINGS: Readonly<Record<string, (upstream: Upstream) => string>> = {
  'with user information': (upstream) => `https://user:word@${nameOf(upstream)}`,
  'with a colon and no port': (upstream) => `https://${nameOf(upstream)}:`,
  'with zeros before its port': (upstream) => `http://${nameOf(upstream)}:0080`,
  'after one slash': (upstream) => `http:/${nameOf(upstream)}`,
  'after three slashes': (upstream) => `///${nameOf(upstream)}`,
  'after backslashes': (upstream) => `\\\\${nameOf(upstream)}`,
  'after a slash and a tab': (upstream) => `/\t/${nameOf(upstream)}`,
  'with a tab in its scheme': (upstream) => `ht\ttps://${nameOf(upstream)}`,
  'with a letter in percent': (upstream) => `https://${nameOf(upstream).replace('.', '%2E')}`,
};

type Spelling = readonly [string, (upstream: Upstream) => string];
type UrlProblem = (url: string, outside: Outside) => string | undefined;

const spelled =
  (problemOf: UrlProblem) =>
  ([how, spell]: Spelling): [string, OddAnswer][] => [
    [
      `a Location that names it ${how}`,
      {
        bytes: (upstream) =>
          withHead(FOLLOWED_HEADERS.map((name) => `${name}: ${spell(upstream)}/there?a=b\r\n`).join('')),
        problem: ({ fields }, outside) =>
          FOLLOWED_HEADERS.map((name) => problemOf(fieldOf(fields, name) ?? '', outside)).find((words) => words),
      },
    ],
    [
      `a Link that names it ${how}`,
      {
        bytes: (upstream) => withHead(`Link: <${spell(upstream)}/there?a=b>; rel="next"\r\n`),
        problem: ({ fields }, outside) =>
          problemOf(/<([^>]*)>/.exec(fieldOf(fields, 'link') ?? '')?.[1] ?? '', outside),
      },
    ],
  ];

const ODD_ANSWERS: ReadonlyMap<string, OddAnswer> = new Map<string, OddAnswer>([
  ...Object.entries(SPELLINGS).flatMap(spelled(wrongUrl)),
  ...Object.entries(ODD_SPELLINGS).flatMap(spelled(strayUrl)),
  [
    'a challenge that names it',
    {
      bytes: (upstream) => withHead(`WWW-Authenticate: Bearer realm="https://${nameOf(upstream)}/there?a=b"\r\n`),
      problem: ({ fields }, outside) =>
        wrongUrl(/realm="(.*?)"/.exec(fieldOf(fields, 'www-authenticate') ?? '')?.[1] ?? '', outside),
    },
  ],
  [
    'a Refresh that names it',
    {
      bytes: (upstream) => withHead(`Refresh: 0; URL=https://${nameOf(upstream)}/there?a=b\r\n`),
      problem: ({ fields }, outside) =>
        strayUrl(/url=(.*)/i.exec(fieldOf(fields, 'refresh') ?? '')?.[1] ?? '', outside),
    },
  ],
  [
    'a Refresh that names it without a word',
    {
      bytes: (upstream) => withHead(`Refresh: 0, https://${nameOf(upstream)}/there?a=b\r\n`),
      problem: ({ fields }, outside) => strayUrl(fieldOf(fields, 'refresh')?.replace(/^0, /, '') ?? '', outside),
    },
  ],
  ['trailers', { bytes: () => withTrailers('Trailer: X-Accel-Redirect\r\n'), problem: besidesProblem }],
  [
    'trailers that it did not announce',
    { bytes: () => withTrailers(''), problem: besidesProblem, limit: 'unannouncedTrailers' },
  ],
  [
    'an interim answer',
    {
      bytes: (upstream) =>
        `HTTP/1.1 103 Early Hints\r\nLink: <https://${nameOf(upstream)}/early>; rel=preload\r\n${HIDDEN}\r\n${withHead(HIDDEN)}`,
      problem: besidesProblem,
      limit: 'interimAnswers',
    },
  ],
  [
    'a head of 30 kB',
    {
      bytes: () => withHead(`X-Next-Page: 2\r\n${`X-Policy-Part: ${'x'.repeat(2_900)}\r\n`.repeat(10)}`),
      problem: ({ fields }) => (fieldOf(fields, 'x-next-page') === '2' ? undefined : 'its fields did not arrive'),
    },
  ],
  ...[MOST_LINKS, MOST_LINKS + 1].map((count): [string, OddAnswer] => [
    `a Link of ${count} entries`,
    {
      bytes: (upstream) => withHead(`Link: ${linkOf(count, upstream)}\r\n`),
      problem: ({ fields }, { origin }) => {
        const link = fieldOf(fields, 'link');
        if (count > MOST_LINKS) return link === undefined ? undefined : `it came back as "${link}"`;
        const mapped = (link ?? '').split(`<${origin}/p`).length - 1;
        return mapped === count ? undefined : `${mapped} of them came back`;
      },
    },
  ]),
]);

/** What is wrong with a URL in an answer: a client that follows it must come to the proxy. */
function wrongUrl(text: string, { origin }: Outside): string | undefined {
  const url = URL.canParse(text, origin) ? new URL(text, origin) : undefined;
  const due = new URL('/there?a=b', origin).href;
  return url?.href === due ? undefined : `it came back as ${text === '' ? 'nothing' : text}`;
}

/** What is wrong with a URL in an answer that need not lead anywhere: it leads a client past the proxy. */
function strayUrl(text: string, { origin }: Outside): string | undefined {
  if (text === '' || (URL.canParse(text, origin) && new URL(text, origin).origin === new URL(origin).origin))
    return undefined;
  return `it came back as ${text}`;
}

/** What is wrong with an answer beside its URLs: interim answers or trailers came with it, or a hidden field. */
function besidesProblem({ besides, fields }: RawResponse): string | undefined {
  const passed = besides[0] ?? fields.find(([name]) => /^x-accel-/i.test(name));
  return passed && `the client got ${passed[0]}: ${passed[1]}`;
}

/** What is wrong with what a client gets of each odd answer, and of the next answer on the same connection. */
export async function oddProblems(asked: OddlyAnswered): Promise<OddProblem[]> {
  const problems: OddProblem[] = [];
  for (const [what, odd] of ODD_ANSWERS) {
    const words = await oddProblem(odd, asked);
    if (words !== undefined) problems.push({ words: `answers with ${what}, and ${words}`, limit: odd.limit });
  }
  return problems;
}

async function oddProblem({ bytes, problem }: OddAnswer, asked: OddlyAnswered): Promise<string | undefined> {
  const { listener, peer, raw, upstreams, upstream } = asked;
  const connection = await connectTo(listener, peer);
  try {
    upstreams.answerWith(() => ({ raw: bytes(upstream) }));
    connection.write(raw);
    const response = await unlessSilent(connection, 'GET', listener);
    upstreams.answerWith(undefined);
    if (response === undefined) return 'the client got no answer';
    if (response.status !== 200) return `the client got ${response.status}`;
    const found = problem(response, asked);
    if (found !== undefined) return found;
    if (!connection.open || /\bclose\b/i.test(response.field('connection') ?? '')) return undefined;
    connection.write(raw);
    const next = await unlessSilent(connection, 'GET', listener);
    return next || !connection.open ? undefined : 'the next request on that connection got no answer';
  } finally {
    upstreams.answerWith(undefined);
    connection.close();
  }
}
