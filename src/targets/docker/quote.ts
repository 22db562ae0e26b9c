import { type Token, token } from '../../render/token.ts';

export type DockerToken = Token<'docker'>;

/** A string of JSON. */
export function quoted(text: string): DockerToken {
  return token('docker', JSON.stringify(text));
}
