import { resolve } from 'node:path';
import { systemProblem } from '../output/disk.ts';
import type { SecretReference } from '../policy/types.ts';
import { readBytes } from '../source/read.ts';
import { isRecord, memberOf } from '../source/value.ts';
import { secretCodes } from './codes.ts';
import { type Answer, byPath, fieldOf, type Issuing, partsOf, type Source, type SourceContext } from './found.ts';
import { dueAt, isKept, type Lease } from './state.ts';
import {
  ask,
  setting,
  type Trouble,
  tokenFile,
  type VaultAnswer,
  type VaultServer,
  vaultServer,
} from './vaultServer.ts';

/** A token of Vault, and its expiry: secrets that it issues expire with it. */
interface Session {
  readonly server: VaultServer;
  readonly token: string;
  /** Seconds since 1970; absent if it never expires. */
  readonly until?: number;
  /** What is known to be mounted, by path, such as `secret/`. No mount is inside of another. */
  readonly mounts: Map<string, Mount>;
}

interface Mount {
  /** Whether it is a key-value store, where a read changes nothing. */
  readonly isStore: boolean;
  readonly isVersioned: boolean;
}

/** Most paths that are requested at the same time. */
const AT_ONCE = 8;

/** A path, the references to its fields, and who issues what is there. */
interface Document {
  readonly path: string;
  readonly wanted: readonly SecretReference[];
  readonly issuer: string;
}

/**
 * Follows `vault:PATH#FIELD`, in Vault and OpenBao: key-value stores of both versions, and engines that issue a secret
 * on a read. It logs in once, as some logins work once.
 */
export function vaultSource(): Source {
  let opened: Promise<Session | Trouble> | undefined;
  return async (references, context) => {
    const found = new Map<string, Answer>();
    const troubled = (trouble: Trouble, wanted: readonly SecretReference[]) => {
      for (const { text, origin } of wanted) found.set(text, secretCodes.report('vault-settings', origin, trouble));
      return found;
    };
    const server = vaultServer(context);
    if ('problem' in server) return troubled(server, references);
    const unread: Document[] = [];
    for (const [path, wanted] of byPath(references)) {
      const issuer = issuerOf(server, { path, wanted, context });
      const lease = context.issued.get(issuer);
      if (isKept(lease, context.now)) for (const one of wanted) found.set(one.text, leased(lease, one));
      else unread.push({ path, wanted, issuer });
    }
    if (unread.length === 0) return found;
    opened ??= login(server, context);
    const session = await opened;
    if ('problem' in session)
      return troubled(
        session,
        unread.flatMap(({ wanted }) => wanted),
      );
    const worker = async () => {
      for (let document = unread.pop(); document; document = unread.pop()) {
        const answer = await read(session, document.path, context.issuing);
        for (const [text, taken] of takenFrom(answer, document, { session, context })) found.set(text, taken);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return found;
  };
}

/** Returns all that decides who issues a secret and for whom. */
function issuerOf(
  { url, namespace = '', serverName = '' }: VaultServer,
  { path, wanted, context }: { path: string; wanted: readonly SecretReference[]; context: SourceContext },
): string {
  const receivers = new Set(wanted.flatMap(({ text }) => context.receivers(text)));
  return JSON.stringify([url.href, serverName, namespace, path, ...[...receivers].sort()]);
}

/** Reads a path once, because a second read would issue a second token. */
async function read(session: Session, path: string, issuing: Issuing): Promise<VaultAnswer | Trouble | 'unread'> {
  const { server, token } = session;
  const store = await storeOf(session, path);
  if ('problem' in store) return store;
  if (store.isStore || issuing === 'now') return ask(server, { method: 'GET', path: store.path, token });
  // If the server does not say what is mounted there, it is unknown whether a read would find anything.
  if (store.refusal) return issuing === 'later' ? 'unread' : store.refusal;
  const may = await ask(server, { method: 'POST', path: 'sys/capabilities-self', token, body: { paths: [path] } });
  if ('problem' in may) return may;
  const allowed = (may.body['capabilities'] ?? []) as readonly unknown[];
  if (may.status !== 200) return issuing === 'later' ? 'unread' : may;
  return allowed.includes('read') || allowed.includes('root') ? 'unread' : { status: 403, body: {} };
}

interface Store {
  /** Path below `/v1/`. */
  readonly path: string;
  /** Whether the path is in a store, where a read changes nothing. */
  readonly isStore: boolean;
  /** The answer because of which it is unknown whether it is a store. */
  readonly refusal?: VaultAnswer;
}

/**
 * Returns the path to read. A key-value store of version 2 has its secrets below `data/`, which a reference may leave
 * out, as Vault's own commands do.
 */
async function storeOf(session: Session, path: string): Promise<Store | Trouble> {
  const { server, token, mounts } = session;
  const known = mountOf(mounts, path);
  if (known) return within(known, path);
  const mount = await ask(server, { method: 'GET', path: `sys/internal/ui/mounts/${path}`, token });
  if ('problem' in mount) return mount;
  if (mount.status !== 200) return { path, isStore: false, refusal: mount };
  const at = fieldOf(mount.body, 'data/path') ?? '';
  const found = {
    isStore: /^(?:kv|generic|cubbyhole)$/.test(fieldOf(mount.body, 'data/type') ?? ''),
    isVersioned: fieldOf(mount.body, 'data/options/version') === '2',
  };
  if (!path.startsWith(at) || at === '') return { path, isStore: found.isStore };
  mounts.set(at, found);
  return within([at, found], path);
}

function mountOf(mounts: Session['mounts'], path: string): readonly [at: string, mount: Mount] | undefined {
  return [...mounts].find(([at]) => path.startsWith(at));
}

function within([at, { isStore, isVersioned }]: readonly [string, Mount], path: string): Store {
  const rest = path.slice(at.length);
  return { path: isVersioned && !rest.startsWith('data/') ? `${at}data/${rest}` : path, isStore };
}

interface Asked {
  readonly session: Session;
  readonly context: SourceContext;
}

/** Returns an answer for each reference. What was issued is kept before anything looks at it. */
function takenFrom(
  answer: VaultAnswer | Trouble | 'unread',
  { path, wanted, issuer }: Document,
  { session, context: { now, issued } }: Asked,
): (readonly [string, Answer])[] {
  if (answer === 'unread') return wanted.map(({ text }) => [text, answer]);
  const refusal = 'problem' in answer ? answer : refusalOf(answer);
  if (refusal)
    return wanted.map(({ text, origin }) => [
      text,
      secretCodes.report('vault', origin, { reference: text, ...refusal }),
    ]);
  const { data, lease_id: id, lease_duration: duration } = (answer as VaultAnswer).body;
  const fields = isRecord(data) ? data : {};
  const stored = isVersioned(fields, mountOf(session.mounts, path)?.[1]) ? fields['data'] : fields;
  const seconds = typeof duration === 'number' && duration > 0 ? duration : undefined;
  // Only a lease tells when an issued secret expires. Without a lease id, the duration is only a proposal when to read
  // again.
  if (typeof id !== 'string' || id === '')
    return wanted.map((one) => [one.text, valueIn(stored, one, seconds === undefined ? undefined : now + seconds)]);
  const until = seconds && Math.min(now + seconds, session.until ?? Number.POSITIVE_INFINITY);
  const lease = { data: fields, since: now, ...(until !== undefined && { until }) };
  issued.keep(issuer, lease);
  return wanted.map((one) => [one.text, leased(lease, one)]);
}

function leased(lease: Lease, reference: SecretReference): Answer {
  const { text, origin } = reference;
  // Each round would have another one issued.
  if (lease.until === undefined) return secretCodes.report('vault', origin, { reference: text, ...ENDLESS });
  return valueIn(lease.data, reference, dueAt(lease));
}

/** Whether what was read is in an envelope, as in a store of version 2. Of an unknown mount, its form tells. */
function isVersioned({ data, metadata }: Readonly<Record<string, unknown>>, mount: Mount | undefined): boolean {
  return mount?.isVersioned ?? (isRecord(data) && isRecord(metadata));
}

function valueIn(data: unknown, reference: SecretReference, again: number | undefined): Answer {
  const given = fieldOf(data, partsOf(reference).field);
  // The plugin returns the user of a deploy token in a separate field.
  const user = /-deploy$/.test(fieldOf(data, 'token_type') ?? '') ? fieldOf(data, 'username') : undefined;
  const value = user === undefined || given === undefined ? given : `${user}:${given}`;
  if (value === undefined) return secretCodes.report('no-field', reference.origin, { reference: reference.text });
  return { value, ...(again !== undefined && { again }) };
}

const ENDLESS: Trouble = { problem: 'it issues a secret without saying until when', hint: 'give the role a ttl' };

function saidIn({ body }: VaultAnswer): string {
  return Array.isArray(body['errors']) ? body['errors'].join(' ') : '';
}

/** What the GitLab plugin says with status 500, each in words of our own: its words may hold more than is to be shown. */
const PLUGIN_SAYS: readonly (readonly [words: RegExp, trouble: Trouble])[] = [
  [
    /\brole \S+: not found\b/,
    { problem: 'there is no such role', hint: 'write the role first: what is behind "token/" is its name' },
  ],
  [
    /\bconfiguration "[^"]*" not found\b/,
    { problem: 'the config of that role is missing', hint: 'write the config first, with the token of the plugin' },
  ],
  [
    /\b(?:GET|POST) https?:\S+: 4\d\d\b/,
    {
      problem: 'GitLab refuses to make the token',
      hint: 'look at the path of the role, and at what the token of the plugin may do there',
    },
  ],
];

function refusalOf(answer: VaultAnswer): Trouble | undefined {
  const { status } = answer;
  if (status === 200) return undefined;
  const said = saidIn(answer);
  if (status === 403)
    return { problem: 'permission denied', hint: 'the policy of this token has to allow "read" on that path' };
  if (status === 404)
    return {
      problem: 'there is nothing at that path',
      hint: 'look at the mount and the path; a deleted version counts as nothing',
    };
  if (status === 400)
    return { problem: 'it refuses the request', hint: 'look at the role or the parameters of that path' };
  const byPlugin = PLUGIN_SAYS.find(([words]) => words.test(said));
  if (byPlugin) return byPlugin[1];
  if (/\bsealed\b/.test(said)) return { problem: 'it is sealed', hint: 'unseal it' };
  return { problem: `it answers with status ${status}`, hint: 'look into its log' };
}

/** Methods of login by `POSTERN_VAULT_AUTH`, with what each sends. */
const METHODS = {
  approle: (context: SourceContext) => ({
    role_id: given('ROLE_ID', context),
    secret_id: given('SECRET_ID', context),
  }),
  kubernetes: (context: SourceContext) => ({
    role: given('ROLE', context),
    jwt: given('JWT', context, '/var/run/secrets/kubernetes.io/serviceaccount/token'),
  }),
  jwt: (context: SourceContext) => ({ role: given('ROLE', context), jwt: given('JWT', context) }),
} as const satisfies Record<string, (context: SourceContext) => Readonly<Record<string, string | Trouble>>>;

type Method = keyof typeof METHODS;

/** Returns `POSTERN_VAULT_X`, or the content of the file that `POSTERN_VAULT_X_FILE` names. */
function given(name: string, { env, folder }: SourceContext, usual?: string): string | Trouble {
  const value = env[`POSTERN_VAULT_${name}`];
  if (value) return value;
  const file = env[`POSTERN_VAULT_${name}_FILE`] || usual;
  const hint = `set POSTERN_VAULT_${name}, or POSTERN_VAULT_${name}_FILE to the file that holds it`;
  if (file === undefined) return { problem: `POSTERN_VAULT_${name} is not set`, hint };
  return contentOf(resolve(folder, file), { what: `the file of POSTERN_VAULT_${name}`, hint });
}

function contentOf(file: string, { what, hint }: { readonly what: string; readonly hint: string }): string | Trouble {
  try {
    const found = readBytes(file);
    if ('problem' in found) return { problem: `${what}: ${found.problem}`, hint };
    return Buffer.from(found.bytes).toString('utf8').trim() || { problem: `${what} is empty`, hint };
  } catch (error) {
    return { problem: `${what}: ${systemProblem(error)}`, hint };
  }
}

async function login(server: VaultServer, context: SourceContext): Promise<Session | Trouble> {
  const method = context.env['POSTERN_VAULT_AUTH'] || 'token';
  if (method === 'token') return withToken(server, context);
  if (!Object.hasOwn(METHODS, method))
    return { problem: 'POSTERN_VAULT_AUTH is none of them', hint: `write token, ${Object.keys(METHODS).join(', ')}` };
  const body: Record<string, string> = {};
  for (const [name, value] of Object.entries(METHODS[method as Method](context))) {
    if (typeof value === 'object') return value;
    body[name] = value;
  }
  const mount = context.env['POSTERN_VAULT_AUTH_MOUNT'] || method;
  const answer = await ask(server, { method: 'POST', path: `auth/${mount}/login`, body });
  if ('problem' in answer) return answer;
  const token = fieldOf(answer.body, 'auth/client_token');
  if (answer.status !== 200 || token === undefined)
    return {
      problem: `the login by ${method} is refused (status ${answer.status})`,
      hint: 'look at the role, and whether what proves it has ended',
    };
  const lease = memberOf(answer.body['auth'], 'lease_duration');
  return session(server, token, typeof lease === 'number' && lease > 0 ? context.now + lease : undefined);
}

async function withToken(server: VaultServer, context: SourceContext): Promise<Session | Trouble> {
  const hint = 'set VAULT_TOKEN, log in with "vault login", or choose another way with POSTERN_VAULT_AUTH';
  const fromEnv = setting('TOKEN', context);
  if (typeof fromEnv === 'object') return fromEnv;
  const token = fromEnv ?? contentOf(tokenFile(context), { what: 'the token of "vault login"', hint });
  if (typeof token === 'object') return token;
  const self = await ask(server, { method: 'GET', path: 'auth/token/lookup-self', token });
  if ('problem' in self) return self;
  if (self.status === 403) {
    // A token without the default policy may not look itself up, but may read. The server then answers "1 error
    // occurred: * permission denied". To an unknown token it answers other words.
    if (/^1 error occurred:\s+\* permission denied\s*$/.test(saidIn(self))) return session(server, token, undefined);
    return { problem: 'it does not know this token, or the token has ended', hint };
  }
  const refusal = refusalOf(self);
  if (refusal) return refusal;
  const left = memberOf(self.body['data'], 'ttl');
  return session(server, token, typeof left === 'number' && left > 0 ? context.now + left : undefined);
}

function session(server: VaultServer, token: string, until: number | undefined): Session {
  return { server, token, mounts: new Map(), ...(until !== undefined && { until }) };
}
