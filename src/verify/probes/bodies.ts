import { type Draft, replaceField, withField, withoutField } from '../draft.ts';
import type { Random } from '../random.ts';
import type { Workshop } from './base.ts';

const TYPES = [
  'application/json',
  'Application/JSON',
  'application/json; charset=utf-8',
  'application/json;',
  'application/json ; a=b',
  'application/json, text/plain',
  'application/json,application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded; application/json',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/json',
  'application/jsonx',
  'application/jso',
  'xapplication/json',
  'application /json',
  'application/json x',
  'json',
  '',
  ',',
  ';',
  '; application/json',
  ', application/json',
  '*/*',
  'application/*',
  'application/octet-stream',
  'application/json\xff',
  '"application/json"',
];
const BODIES = [
  '',
  '{}',
  '{"a":1}',
  '_method=DELETE',
  'private_token=evil&sudo=root',
  '\0',
  '\xff\xfe',
  'GET /admin HTTP/1.1\r\nHost: evil\r\n\r\n',
  '0\r\n\r\n',
  'x'.repeat(1_000),
  'y'.repeat(20_000),
];

/** Bodies up to this size are really sent to find out where a limit is. */
const LARGEST_SENT = 70_000;

function bodyFor({ ground, random }: Workshop): string {
  const limits = ground.proxy.routes.flatMap(({ forwarding: { maxBody } }) =>
    maxBody !== undefined && maxBody < LARGEST_SENT ? [maxBody] : [],
  );
  if (limits.length === 0 || random.chance(0.8)) return random.pick(BODIES);
  return 'z'.repeat(random.pick(limits) + random.pick([-1, 0, 1]));
}

export function mutateBody(draft: Draft, workshop: Workshop): Draft {
  const { random } = workshop;
  const { body, ...bare } = withoutField(draft, 'content-type');
  const type = random.pick(TYPES);
  const typed = random.chance(0.12)
    ? bare
    : withField(bare, random.pick(['Content-Type', 'content-type']), random.chance(0.5) ? (TYPES[0] ?? '') : type);
  const twice = random.chance(0.05) ? withField(typed, 'Content-Type', type) : typed;
  if (random.chance(0.06)) return { ...replaceField(twice, 'Content-Length', zeros(random)) };
  return { ...twice, body: bodyFor(workshop), chunked: random.chance(0.4) };
}

/** No body, in other words. */
function zeros(random: Random): string {
  return random.pick(['0', '00', '000000']);
}
