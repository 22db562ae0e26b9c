import { defineCodes, error } from '../diagnostics/codes.ts';

interface Missing {
  readonly target: string;
  readonly file: string;
  readonly isLive: boolean;
}

export const proveCodes = defineCodes('prove', {
  difference: error(
    ({ target, about, what, place }: { target: string; about: string; what: string; place: string }) =>
      `${target}: ${about}: ${what} (${place})`,
  ).hint('{show}'),
  'cannot-tell': error(
    ({ target, about, from, problem }: { target: string; about: string; from: string | undefined; problem: string }) =>
      `${target}: ${about}: ${from === undefined ? '' : `in ${from}: `}${problem}, so that nothing is proved`,
  ).hint('the files are understood as "generate" writes them; "verify" puts others to the test'),
  'not-there': error(({ target, file }: Missing) => `${target}: ${file} cannot be read`).hint(({ isLive }: Missing) =>
    isLive
      ? 'name one of the files that run, with the others beside it, or what "nginx -T" prints'
      : 'run "postern generate", or name the folder with --out',
  ),
  'no-target': error('the spec has no target whose files can be read back').hint(
    ({ known }: { known: readonly string[] }) => `those of ${known.join(', ')} can`,
  ),
  'no-proxy': error('the spec has no proxies, so that there is nothing to prove').hint(
    'the sites of domain rewrites are not looked at: "verify" puts them to the test',
  ),
  'no-certificate': error(({ problem }: { problem: string }) => `no certificate is written: ${problem}`).hint(
    'a certificate is for what "generate" writes for nginx or Caddy, and for all proxies of a spec; "prove" without it proves more',
  ),
  'unknown-engine': error(
    ({ engine }: { engine: string }) => `the files of ${JSON.stringify(engine)} cannot be read back`,
  ).hint(({ known }: { known: readonly string[] }) => `those of ${known.join(', ')} can`),
});
