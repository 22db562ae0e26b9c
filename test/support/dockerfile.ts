import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, statSync } from 'node:fs';
import { basename, join, posix, relative } from 'node:path';

/** An instruction of a Dockerfile, such as `COPY --from=build /src /dst`. */
export interface Instruction {
  readonly name: string;
  readonly flags: Readonly<Record<string, string>>;
  /** What follows the flags, with lines joined. */
  readonly rest: string;
}

/** Those that our Dockerfiles may have; with what each has to look like. */
const KNOWN: Readonly<Record<string, RegExp>> = {
  ARG: /^\w+(?:=\S*)?$/,
  FROM: /^\S+(?: AS \w+)?$/,
  WORKDIR: /^\/\S*$/,
  COPY: /^\S+(?: \S+)+$/,
  RUN: /^\S/,
  ENV: /^\w+=\S+(?: \w+=\S+)*$/,
  USER: /^\w+(?::\w+)?$/,
  EXPOSE: /^\d+$/,
  STOPSIGNAL: /^SIG[A-Z]+$/,
  HEALTHCHECK: /^CMD \[.*\]$/,
  ENTRYPOINT: /^\[.*\]$/,
  CMD: /^\[.*\]$/,
};

/** Reads a Dockerfile as strictly as a linter would; throws at what it does not know. */
export function parseDockerfile(text: string): Instruction[] {
  const lines = text.replace(/^[ \t]*#.*\n/gm, '').replace(/\\\n/g, '');
  return lines.split('\n').flatMap((line): Instruction[] => {
    if (line.trim() === '') return [];
    const [, name = '', words = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    const [options = ''] = /^(?:--\S+ )*/.exec(words) ?? [];
    const flags = [...options.matchAll(/--([\w-]+)=(\S+)/g)].map(([, flag = '', value = '']) => [flag, value]);
    const rest = words.slice(options.length);
    if (!KNOWN[name]?.test(rest)) throw new Error(`not an instruction that is known here: ${name}`);
    const list = /\[.*\]$/.exec(rest);
    if (list && ['ENTRYPOINT', 'CMD', 'HEALTHCHECK'].includes(name)) JSON.parse(list[0]);
    return [{ name, flags: Object.fromEntries(flags), rest }];
  });
}

/** Returns which paths of a build context a .dockerignore keeps out: the last pattern that matches decides. */
function ignoring(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const pattern = line.replace(/^!/, '');
      const regex = pattern
        .replace(/[.+]/g, '\\$&')
        .replace(/\*\*\/|\*/g, (wild) => (wild === '*' ? '[^/]*' : '(?:.*/)?'));
      return { pattern, matches: new RegExp(`^${regex}(?:/|$)`), keeps: line.startsWith('!') };
    });
  return (path) => {
    const ignored = rules.reduce((before, { matches, keeps }) => (matches.test(path) ? !keeps : before), false);
    // Something below may be kept.
    return ignored && !rules.some(({ pattern, keeps }) => keeps && pattern.startsWith(`${path}/`));
  };
}

interface Build {
  readonly context: string;
  readonly dockerfile: string;
  readonly ignore: string;
  /** Folder that gets a folder for each stage. */
  readonly into: string;
  /** Which RUN lines are run here, in the folder that stands for WORKDIR; the others are for the image's own tools. */
  readonly runs?: (line: string) => boolean;
}

/** Lays out what the last stage of an image holds beside its base, without root, and returns its folder. */
export function layOut({ context, dockerfile, ignore, into, runs = () => false }: Build): string {
  const isIgnored = ignoring(readFileSync(ignore, 'utf8'));
  const sent = join(into, 'context');
  const filter = (file: string) => file === context || !isIgnored(relative(context, file));
  cpSync(context, sent, { recursive: true, verbatimSymlinks: true, filter });
  let [stage, workdir] = ['', '/'];
  const stages = new Map<string, string>();
  const copy = (from: string, source: string, target: string) => {
    const path = join(from, source);
    const isFile = statSync(path).isFile();
    const to = posix.resolve(workdir, isFile && target.endsWith('/') ? `${target}${basename(source)}` : target);
    cpSync(path, join(stage, to), { recursive: true, verbatimSymlinks: true });
  };
  for (const { name, flags, rest } of parseDockerfile(readFileSync(dockerfile, 'utf8'))) {
    const words = rest.split(' ');
    if (name === 'FROM') {
      [stage, workdir] = [join(into, `stage-${stages.size}`), '/'];
      stages.set(words[2] ?? '', stage);
    } else if (name === 'WORKDIR') workdir = rest;
    else if (name === 'COPY') {
      const from = flags['from'] === undefined ? sent : (stages.get(flags['from']) ?? '');
      for (const source of words.slice(0, -1)) copy(from, source, words.at(-1) ?? '');
    } else if (name === 'RUN' && runs(rest)) {
      const { status, stderr } = spawnSync('sh', ['-ec', rest], { cwd: join(stage, workdir), encoding: 'utf8' });
      if (status !== 0) throw new Error(`RUN ended ${status}: ${stderr}`);
    }
  }
  return stage;
}
