import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { compileArgument } from '../../src/commands/spec.ts';
import { type Compilation, compile } from '../../src/compile.ts';
import { NO_PROJECT } from '../../src/compose/project.ts';
import type { Policy } from '../../src/policy/types.ts';
import type { Comparison } from '../../src/prove/compare.ts';
import { compareFiles } from '../../src/prove/files.ts';
import { shownRequest } from '../../src/prove/witness.ts';
import { targets } from '../../src/targets/index.ts';
import { recordingIo } from './captured.ts';

export type Engine = 'nginx' | 'caddy';

/** The files that a spec makes for one engine. */
export interface Made {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

const root = fileURLToPath(new URL('../../examples', import.meta.url));

/** Of an example, such as `vault` or `environments/envs/prod.yaml`. */
export function exampleFiles(name: string, engine: Engine): Made {
  const file = `${root}/${name.endsWith('.yaml') ? name : `${name}/postern.yaml`}`;
  return made(compileArgument(file, recordingIo('').io), engine, name);
}

/** Of a spec, and of the other one that it names. */
export function specFiles(spec: string, engine: Engine, other?: string): Made {
  const open = (path: string) => ({ path, file: { name: path, text: other ?? '' } });
  const project = other === undefined ? {} : { project: { ...NO_PROJECT, open } };
  return made(compile(spec, { file: 'postern.yaml', read: () => undefined, ...project }), engine, 'the spec');
}

function made({ policy, files, diagnostics }: Compilation, engine: Engine, name: string): Made {
  if (!policy || !files) throw new Error(`${name}: ${diagnostics.map(({ message }) => message).join('; ')}`);
  return { engine, policy, files: files.filter(({ path }) => path.startsWith(`${engine}/`)) };
}

export function proof({ policy, files, engine }: Made, index = 0): Comparison {
  const proxy = policy.proxies[index];
  const readBack = targets.find(({ name }) => name === engine)?.readBack;
  if (!proxy || readBack?.decides !== 'requests') throw new Error('nothing to prove');
  return compareFiles(policy, proxy, { files, read: readBack.read });
}

/** What is said of the files after an edit, which has to find what it changes. */
export function edited(own: Made, from: string, to: string): string {
  const file = own.files.find(({ text }) => text.includes(from));
  assert.ok(file, from);
  const files = own.files.map((each) => (each === file ? { ...each, text: each.text.replace(from, () => to) } : each));
  return told(proof({ ...own, files }), own);
}

export function told(result: Comparison, { policy }: Made): string {
  if (result.kind === 'unknown') return `cannot tell: ${result.problem}`;
  if (result.kind === 'proved') return 'proved';
  const { request, what } = result.difference;
  const [proxy] = policy.proxies;
  assert.ok(proxy && shownRequest(request, proxy).includes(request.target));
  return `${request.method} ${request.target}: ${what}`;
}

/** Some of everything that a decision depends on. */
export const PROVED_SPEC = `version: 1
name: proofs
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes:
  read: { upstream: gitlab, allow: ["GET /api/v4/user", "GET /api/v4/projects/{project:encodedPath}"] }
  hooks: { upstream: gitlab, allow: ["POST /api/v4/hooks/{id:int}"], maxBody: 64KB }
apiKeys:
  one: { key: "env:ONE", token: "env:TOKEN_ONE", routes: [read] }
  two: { key: "env:TWO", token: "env:TOKEN_TWO", routes: [read, hooks] }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.0/24] } }
targets: { nginx: {}, caddy: {} }
`;
