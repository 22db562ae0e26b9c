import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { certify as certifyCaddy } from '../src/targets/caddy/certificate.ts';
import { certify as certifyNginx } from '../src/targets/nginx/certificate.ts';
import { randomOf } from '../src/verify/random.ts';
import { checkerHere, checkerText } from './support/certificateChecker.ts';
import { mutated } from './support/fileMutations.ts';
import { exampleFiles, type Made, PROVED_SPEC, proof, specFiles } from './support/proofs.ts';

// POSTERN_SEED=$RANDOM looks where nobody has looked before; POSTERN_EDITS and POSTERN_FIELDS are how many changes.
const seed = process.env['POSTERN_SEED'] ?? 'certificates';
const edits = Number(process.env['POSTERN_EDITS'] ?? 5);
const fields = Number(process.env['POSTERN_FIELDS'] ?? 20);
const certificates = suite('changed certificates and files');

const ENGINES = ['nginx', 'caddy'] as const;
const EXAMPLES = [
  'gitlab-flow',
  'runner',
  'dependency-proxy',
  // Its checks and proofs take seconds.
  ...(process.env['POSTERN_EDITS'] === undefined ? [] : ['gitlab-proxy']),
];

const SOURCES: readonly (readonly [name: string, make: () => Made])[] = ENGINES.flatMap((engine) => [
  [`${engine}: a small spec`, () => specFiles(PROVED_SPEC, engine)] as const,
  ...EXAMPLES.map((name) => [`${engine}: ${name}`, () => exampleFiles(name, engine)] as const),
]);

const certify = ({ engine, policy, files }: Made): object =>
  engine === 'nginx' ? certifyNginx(policy, files) : certifyCaddy(policy, files);

const checkers = {
  nginx: checkerHere('nginx', checkerText('nginx')),
  caddy: checkerHere('caddy', checkerText('caddy')),
};
const check = (certificate: unknown, { engine, files }: Pick<Made, 'engine' | 'files'>) =>
  checkers[engine](certificate, files);

for (const [name, source] of SOURCES) {
  certificates(`${name}: an edit of its files is refused, or decides nothing`, () => {
    const own = source();
    const certificate = certify(own);
    assert.is(check(certificate, own).status, 0, check(certificate, own).told);
    const counts = { differs: 0, 'cannot tell': 0, 'decides nothing': 0, 'prover cannot tell': 0 };
    for (let number = 0; number < edits; number++) {
      const change = mutated(own.files, randomOf(`${seed} ${name} ${number}`));
      const { status } = check(certificate, { ...own, files: change.files });
      if (status !== 0) counts[status === 1 ? 'differs' : 'cannot tell'] += 1;
      else {
        const result = proof({ ...own, files: change.files });
        const title = `${number} ${change.kind} ${change.file}:${change.line}: ${change.before} → ${change.after}`;
        if (result.kind === 'unknown') console.log(`${title}: ${result.problem}`);
        assert.is.not(result.kind, 'differs', `POSTERN_SEED=${seed}: ${title}`);
        counts[result.kind === 'proved' ? 'decides nothing' : 'prover cannot tell'] += 1;
      }
    }
    console.log(`${name}: ${JSON.stringify(counts)}`);
  });

  certificates(`${name}: an edit of its certificate is refused`, () => {
    const own = source();
    const certificate = certify(own);
    const random = randomOf(`${seed} ${name} fields`);
    const all = changesOf(certificate);
    const picked = fields >= all.length ? all : Array.from({ length: fields }, () => random.pick(all));
    // `walk`, `cuts` and `is` say how the files are looked through, and nothing of what they decide.
    const accepted = picked
      .filter(
        ({ at, changed }) =>
          !/^proxies\.0\.(?:walk|cuts)\.|\.(?:is\.|without is$)/.test(at) && check(changed, own).status === 0,
      )
      .map(({ at }) => at);
    console.log(`${name}: ${picked.length} of ${all.length} changes tried`);
    assert.equal(accepted, []);
  });
}

interface FieldChange {
  readonly at: string;
  readonly changed: unknown;
}

/** Every way to change one text, number or flag of a value, or to leave out one part of it. */
function changesOf(value: unknown): readonly FieldChange[] {
  if (typeof value === 'string')
    return [`${value}x`, ...(value === '' ? [] : [value.slice(1)])].map((changed) => ({
      at: JSON.stringify(value),
      changed,
    }));
  if (typeof value === 'number') return [{ at: `${value}`, changed: value + 1 }];
  if (typeof value === 'boolean') return [{ at: `${value}`, changed: !value }];
  if (value === null || typeof value !== 'object') return [{ at: `${value}`, changed: 'x' }];
  const inner = Object.entries(value).flatMap(([key, own]) =>
    changesOf(own).map(({ at, changed }) => ({ at: `${key}.${at}`, changed: withPart(value, key, changed) })),
  );
  const left = Object.keys(value).map((key) => ({ at: `without ${key}`, changed: without(value, key) }));
  return [...inner, ...left];
}

const withPart = (value: object, key: string, part: unknown) =>
  Array.isArray(value) ? value.with(Number(key), part) : { ...value, [key]: part };

const without = (value: object, key: string) =>
  Array.isArray(value)
    ? value.toSpliced(Number(key), 1)
    : Object.fromEntries(Object.entries(value).filter(([own]) => own !== key));

certificates.run();
