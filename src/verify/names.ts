import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasError } from '../diagnostics/diagnostic.ts';
import { resolveName } from '../policy/names.ts';
import type { DomainRewrite, Policy } from '../policy/types.ts';
import type { NameRunner } from '../targets/target.ts';
import { verifyCodes } from './codes.ts';
import { type Ask, addressOf, asker, bound, startResolver } from './dns.ts';
import type { Verified, VerifyOptions } from './engineRun.ts';
import { startEngine } from './engines.ts';
import { temporaryFolder } from './folder.ts';
import { freePort } from './ports.ts';
import { type Random, randomOf } from './random.ts';
import type { Scope } from './scope.ts';

/**
 * Looks up names through a real DNS server. The resolver behind it answers each name with an address of its own, so the
 * answer shows which name the server asked for.
 */
export async function verifyNames(options: VerifyOptions<NameRunner>, scope: Scope): Promise<Verified> {
  const { policy, target, program } = options;
  const resolver = await startResolver();
  scope.defer(async () => void resolver.close());
  const port = await freePort();
  const { value: files = [], diagnostics } = target.emit({
    policy,
    options: target.run.alone(options.options, { port, resolver: `127.0.0.1:${resolver.address().port}` }),
    at: ['targets', target.name],
    read: options.read,
  });
  if (hasError(diagnostics)) return { sent: 0, disagreements: 0, diagnostics };
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  for (const file of files.map(options.tamper ?? ((each) => each))) {
    await mkdir(dirname(join(folder.path, file.path)), { recursive: true });
    await writeFile(join(folder.path, file.path), file.text);
  }
  const client = await bound();
  scope.defer(async () => void client.close());
  const ask = asker(client, port);
  const ready = async () => Boolean((await ask('ready.invalid', 200))?.address);
  const server = await startEngine(target, { program, folder: folder.path, ready });
  scope.defer(() => server.stop());
  return compareNames(options, ask);
}

async function compareNames(
  { target, policy, requests, seed, progress }: VerifyOptions<NameRunner>,
  ask: Ask,
): Promise<Verified> {
  const names = [...new Set(namesFor(policy, randomOf(seed), requests))];
  const found: Verified['diagnostics'][number][] = [];
  for (const [index, name] of names.entries()) {
    const { name: expected, rewrite } = resolveName(policy, name);
    const answer = await ask(name);
    progress(index + 1);
    const isRight = answer?.address === addressOf(expected) && answer.owner.toLowerCase() === name.toLowerCase();
    if (isRight) continue;
    const actual = !answer?.address
      ? 'no address'
      : answer.address === addressOf(expected)
        ? `an answer about ${answer.owner}`
        : 'another name';
    found.push(
      verifyCodes.report('name-disagreement', rewrite?.origin ?? ['domainRewrites'], {
        engine: target.name,
        name,
        actual,
        expected,
      }),
    );
  }
  return { sent: names.length, disagreements: found.length, diagnostics: found.slice(0, 12) };
}

/** Every name of the spec, names below, above and beside it, and names that only look like it. */
function namesFor({ rewrites }: Policy, random: Random, count: number): string[] {
  const around = rewrites.flatMap(({ from, to }) => [
    from,
    to,
    `x.${from}`,
    `a.b.${from}`,
    `x${from}`,
    `x-${from}`,
    from.replace(/^[^.]*\./, ''),
    `${from}.example`,
    `${from}.cluster.local`,
    from.replace('.', 'x'),
    mixedCase(from, random),
    mixedCase(`x.${from}`, random),
    `x.${to}`,
    `_tcp.${from}`,
    `${'a'.repeat(60)}.${from}`,
  ]);
  const all = around.filter((name) => name.length <= 253 && name.includes('.'));
  // Where there are too many names, a random half covers every part of the spec.
  const fixed = all.length <= count ? all : Array.from({ length: count >> 1 }, () => random.pick(all));
  const made =
    rewrites.length === 0
      ? []
      : Array.from({ length: Math.max(0, Math.min(count, 5_000) - fixed.length) }, () =>
          madeName(random.pick(rewrites), random),
        );
  return [...fixed, ...made].filter((name) => name.length <= 253);
}

function madeName({ from }: DomainRewrite, random: Random): string {
  const label = () => random.text('abcdefghijklmnopqrstuvwxyz0123456789', 1 + random.below(8));
  const labels = from.split('.');
  const index = random.below(labels.length);
  return random.pick([
    `${label()}.${from}`,
    `${label()}.${label()}.${from}`,
    `${label()}${from}`,
    labels.with(index, label()).join('.'),
    labels.toSpliced(index, 0, label()).join('.'),
    `${from}.${label()}`,
  ]);
}

function mixedCase(name: string, random: Random): string {
  return [...name].map((letter) => (random.chance(0.5) ? letter.toUpperCase() : letter)).join('');
}
