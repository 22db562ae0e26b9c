import { isIP } from 'node:net';
import * as z from 'zod';
import type { Told, Touch } from '../accessDiff/declared.ts';
import { defineCodes, error, warning } from '../diagnostics/codes.ts';
import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { nameProblem } from '../policy/domains.ts';
import { type Mirror, rewrittenMirrors } from '../policy/mirrors.ts';
import type { Policy } from '../policy/types.ts';
import { type Token, token, unquotable } from '../render/token.ts';

export type { Mirror };

function isHost(text: string): boolean {
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const named = nameProblem(host) === undefined && host === host.toLowerCase() && !host.endsWith('.');
  return (named || isIP(host) === 4) && (port === undefined || (Number(port) > 0 && Number(port) < 65536));
}

function isEndpoint(text: string): boolean {
  const [, scheme, host, path = ''] = /^(https?):\/\/([^/?#@]+)((?:\/[A-Za-z0-9._~-]+)*)$/.exec(text) ?? [];
  const isSafe = host !== undefined && isHost(host) && (scheme === 'https' || isOnNode(host));
  return isSafe && !/\/\.{1,2}(?:\/|$)/.test(path);
}

/**
 * Returns whether a host is the node itself, as for peer-to-peer mirrors. Plain HTTP is allowed there, because nothing
 * leaves the node.
 */
function isOnNode(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || (isIP(name) === 4 && name.startsWith('127.'));
}

const registry = z.string().refine((text) => text === '*' || isHost(text), {
  error: 'must be a registry as images name it, such as docker.io or gitlab.example.com:443, or "*" for all others',
});
const endpoint = z.string().refine(isEndpoint, {
  error:
    'must be https:// with a host, or http:// with localhost or 127.0.0.1, and a path only where the registry does not stand at /v2',
});

/** Mirrors beside those of the rewrites: for another port, several endpoints, or every other registry. */
export const mirrorsOption = z
  .record(registry, z.array(endpoint).min(1))
  .optional()
  .describe(
    'Further mirrors by registry, such as "gitlab.example.com:443" for GitLab\'s Dependency Proxy, or "*" for a peer-to-peer mirror on each node at http://127.0.0.1:30020',
  );

/** Another server may hold other images. */
export const mirrorsTouch: Touch<Readonly<Record<string, readonly string[]>>> = {
  each: {
    kind: 'rewrite',
    words: (path) => `nodes pull images of ${path.at(-1)} from`,
    absent: 'where its rewrite or they themselves say',
  },
};

/** Without fallback the node loses a source of images, and gets no other. */
export const fallbackTouch: Told = {
  kind: 'rewrite',
  words: 'falling back to the registry itself is',
  absent: 'true',
  byDefault: true,
  effect: (_, after) => (after === false ? 'narrowing' : 'unclear'),
};

export const nodeCaTouch: Told = {
  kind: 'trust',
  words: 'certificates are verified with',
  absent: 'those of the system',
};

/** Returns all mirrors of a node, sorted by registry. One of the options replaces that of a rewrite. */
export function mirrorsOf(
  policy: Policy,
  options: Readonly<Record<string, readonly string[]>>,
  at: SpecPath,
): Mirror[] {
  const own = Object.entries(options).map(([name, endpoints]) => ({
    registry: name,
    endpoints,
    origin: [...at, name],
  }));
  const rewritten = rewrittenMirrors(policy).filter((mirror) => !Object.hasOwn(options, mirror.registry));
  return [...rewritten, ...own].toSorted((a, b) => (a.registry < b.registry ? -1 : 1));
}

export interface EndpointParts {
  /** Whether it is plain HTTP, which is only allowed on the node itself. */
  readonly plain: boolean;
  readonly host: string;
  readonly path: string;
}

/** Returns the parts of an endpoint, for products that do not accept URLs. */
export function endpointParts(endpoint: string): EndpointParts {
  const [, scheme, host = '', path = ''] = /^(https?):\/\/([^/]+)(.*)$/.exec(endpoint) ?? [];
  return { plain: scheme === 'http', host, path };
}

/** A file on the node, not beside the spec. */
export const nodeFile = z.string().regex(/^(?:\/[A-Za-z0-9._-]+)+$/, {
  error: 'must be an absolute path on the node, of letters, digits, ".", "_", "-" and "/"',
});

/** Diagnostics of all targets for nodes. */
export const mirrorCodes = defineCodes('mirror', {
  none: warning('no registry is mirrored, so this target makes nothing that changes anything').hint(
    'write containerRegistry: true at the rewrites of names that images are pulled by',
  ),
  unsupported: error('{product} cannot {what}').hint('{hint}'),
});

/**
 * Returns a JSON string, which TOML and YAML read alike. Only ASCII is allowed: with a value that cannot be read,
 * containerd pulls as if there were no mirrors, and Bottlerocket refuses all user data.
 */
export function jsonString<T extends string>(target: T, text: string): Token<T> {
  if (/[^\x20-\x7e]/.test(text)) throw unquotable('not a single line of ASCII', text);
  return token(target, JSON.stringify(text));
}
