/** How the server behaves; `whole` is well, and with `broken` it is GitLab that makes no token. */
export type Mood = 'whole' | 'sealed' | 'failing' | 'slow' | 'cut' | 'broken' | 'not-json' | 'odd-token';

/** What the caller shows. */
export const CALLER = 'token-of-the-caller';
/** No proxy could send it. */
export const ODD_TOKEN = 'glpat-"with$quotes\nand lines';

export type Said = readonly [status: number, body: unknown];

/** What is behind the front, which may be ill. */
export interface Behind {
  answer(asked: Asked): Promise<Said> | Said;
  lasts(token: string): boolean;
  /** Seconds that an answer may take. */
  readonly patience: number;
  stop(): Promise<void>;
}

export interface Asked {
  readonly path: string;
  readonly method: string;
  readonly token: string;
  readonly body: string;
  readonly mood: Mood;
  readonly lease: number;
}
