import * as assert from 'uvu/assert';
import type { Policy } from '../../src/policy/types.ts';
import type { Made } from './proofs.ts';

/** A certificate and files, and what a checker has to say of them; nothing where they hold. */
export interface Refusal {
  readonly title: string;
  readonly certificate: unknown;
  readonly files: Made['files'];
  readonly told?: string | undefined;
}

type Files = Made['files'];

/** The files of a spec and their certificate, and how one is made for others. */
interface World<C> {
  readonly files: Files;
  readonly certificate: C;
  readonly certify: (files: Files) => C;
}

/** Makes one case. */
export type Step<C> = (world: World<C>) => Refusal;

export function refusals<C>(
  { policy, files }: Made,
  certify: (policy: Policy, files: Files) => C,
  steps: readonly Step<C>[],
): readonly Refusal[] {
  const world = { files, certificate: certify(policy, files), certify: (own: Files) => certify(policy, own) };
  return steps.map((step) => step(world));
}

export const holds =
  <C>(title: string): Step<C> =>
  ({ certificate, files }) => ({ title, certificate, files });

/** Another file, for which the certificate is not made. */
export const edited = <C>(from: string | RegExp, to: string, told?: string): Step<C> =>
  both(from, to, (own) => own, told);

/** Another file, which the certificate quotes. */
export const remade =
  <C extends { readonly around: unknown }>(from: string | RegExp, to: string, told?: string): Step<C> =>
  (world) => {
    const { around } = world.certify(after(world.files, from, to));
    return both<C>(from, to, (own) => ({ ...own, around }), told)(world);
  };

/** Other files, some of which may be new; the certificate quotes them. */
export const rewritten =
  <C extends { readonly around: unknown }>(title: string, change: (files: Files) => Files, told?: string): Step<C> =>
  ({ files, certificate, certify }) => {
    const own = change(files);
    return { title, certificate: { ...certificate, around: certify(own).around }, files: own, told };
  };

/** Another certificate. */
export const claimed =
  <C>(title: string, change: (own: C) => unknown, told?: string): Step<C> =>
  ({ certificate, files }) => ({ title, certificate: change(certificate), files, told });

/** Changes of each proxy of a certificate, and of its rows. */
export function changesOf<
  C extends { readonly proxies: readonly P[] },
  P extends { readonly rows: readonly unknown[] },
>() {
  const withProxy = (change: (own: P) => object) => (own: C) => ({
    ...own,
    proxies: own.proxies.map((each) => ({ ...each, ...change(each) })),
  });
  const withRows = (change: (rows: P['rows']) => P['rows']) => withProxy(({ rows }) => ({ rows: change(rows) }));
  return { withProxy, withRows };
}

/** Another file and another certificate. */
export const both =
  <C>(from: string | RegExp, to: string, change: (own: C) => unknown, told?: string): Step<C> =>
  ({ certificate, files }) => ({
    title: `${from} → ${to}`,
    certificate: change(certificate),
    files: after(files, from, to),
    told,
  });

export function after(files: Files, from: string | RegExp, to: string): Files {
  const file = files.find(({ text }) => text.replace(from, '') !== text);
  assert.ok(file, `${from}`);
  return files.map((each) => (each === file ? { ...each, text: each.text.replace(from, () => to) } : each));
}

/** Texts that nobody has written as a certificate. */
export const oddTexts = <C extends { readonly certificate: string }>(): readonly Step<C>[] => [
  claimed('nothing', () => '', 'cut off'),
  claimed('no record', () => 'null', 'this is not "postern'),
  claimed('a list', () => '[]', 'this is not "postern'),
  claimed('one that is cut off', (own) => JSON.stringify(own).slice(0, -10), 'cut off'),
  claimed('a name twice', (own) => JSON.stringify(own).replace('"from":', '"from":"any","from":'), 'in another way'),
  claimed('a huge number', (own) => JSON.stringify(own).replace('{', '{"more":1e999,'), 'in another way'),
  claimed(
    'another way to write a sign',
    (own) => JSON.stringify(own).replace('"keys"', '"k\\u0065ys"'),
    'in another way',
  ),
  claimed(
    'parts of no objects',
    (own) => JSON.stringify(own).replace(/"groups":\[[^\]]*\]/, '"groups":null'),
    'another form',
  ),
  claimed('nothing more', (own) => ({ certificate: own.certificate }), 'as it is quoted'),
];
