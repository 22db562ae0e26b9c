import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Policy } from '../policy/types.ts';
import type { NameDifference } from '../prove/names.ts';
import type { NameReadBack, ReadFileText } from '../targets/target.ts';
import type { Confirmation } from './confirm.ts';
import { type Ask, addressOf, asker, bound, type NameAnswer, startResolver } from './dns.ts';
import { type RunnableTarget, startEngine } from './engines.ts';
import { temporaryFolder } from './folder.ts';
import { freePort } from './ports.ts';
import { openScope, type Scope } from './scope.ts';

export interface NameDoubt {
  readonly target: RunnableTarget;
  readonly readBack: NameReadBack;
  readonly program: string;
  readonly policy: Policy;
  readonly files: readonly ReadFileText[];
}

/** Starts the server on a copy of the files that stays on this machine, and asks it the name of a difference. */
export async function confirmName(difference: NameDifference, doubt: NameDoubt): Promise<Confirmation> {
  const { name, type, expected, found, listener } = difference;
  const { target } = doubt;
  const untried = (why: string): Confirmation => ({ result: 'untried', told: `not tried on ${target.name}: ${why}` });
  if (type !== 'A' || listener === undefined) return untried('only addresses are asked for here');
  const scope = openScope();
  try {
    const ask = await startNames({ ...doubt, listener }, scope);
    if (typeof ask === 'string') return untried(ask);
    const answer = await ask(name);
    if (!answer) return untried('no answer came');
    const isOther = found !== undefined && answer.address !== addressOf(found);
    const isWanted = answer.address === addressOf(expected) && answer.owner.toLowerCase() === name;
    return isOther || isWanted
      ? { result: 'other', told: `${target.name} does something else: ${saidBy(answer)}` }
      : { result: 'confirmed', told: `confirmed on ${target.name}: ${saidBy(answer)}` };
  } finally {
    await scope.close();
  }
}

function saidBy({ address, owner, code }: NameAnswer): string {
  return address === '' ? `no address, code ${code}` : `${owner} is ${address}`;
}

/** Starts a server on one of its sockets. Behind it each name has an address of its own. */
export async function startNames(
  { target, readBack, program, policy, files, listener }: NameDoubt & { readonly listener: number },
  scope: Scope,
): Promise<Ask | string> {
  const resolver = await startResolver();
  scope.defer(async () => void resolver.close());
  const port = await freePort();
  const here = { listener, port, resolver: `127.0.0.1:${resolver.address().port}` };
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  for (const { path, text } of readBack.moved(files, policy, here)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text);
  }
  const client = await bound();
  scope.defer(async () => void client.close());
  const ask = asker(client, port);
  const ready = async () => (await ask('ready.invalid', 200)) !== undefined;
  try {
    const server = await startEngine(target, { program, folder: folder.path, ready });
    scope.defer(() => server.stop());
    return ask;
  } catch (error) {
    if (error instanceof Error) return error.message.trim().split('\n').at(-1) ?? '';
    throw error;
  }
}
