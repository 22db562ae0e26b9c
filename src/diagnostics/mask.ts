const URL_PASSWORD = /(?<=:\/\/[^\s/@:]*:)[^\s/@]+(?=@)/g;

/** Patterns of secrets. To mask too much costs a reader little; to mask too little may cost a key. */
const SHAPES: readonly RegExp[] = [
  // GitLab, its older runner tokens, GitHub, Slack, AWS, Vault, JWT.
  /\bgl(?:pat|rtr?|dt|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[\w.=-]{6,}/g,
  // Tokens that GitLab may come to have. Words such as "global-gitlab" begin alike, without a digit.
  /\bgl(?!obal-)[a-z]{2,8}-(?=[\w.=-]*[0-9A-Z])[\w.=-]{6,}/g,
  /\bGR1348941[\w-]{6,}/g,
  /\b(?:gh[opsur]_|github_pat_|xox[a-z]-|sk-|AKIA|ASIA)[\w-]{10,}/g,
  /\b(?:hv[sbr]|[sbr])\.[\w-]{20,}/g,
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g,
  /-----BEGIN .*/g,
  URL_PASSWORD,
];

/** Runs that could be a random text: no dot, slash or colon, which names and paths are made of. */
const RUN = /[A-Za-z0-9_+=-]{20,}/g;

/** Ids that AWS gives: a finding about a security group is of no use without them. */
const AWS_ID = /^(?:eni|i|pl|sg|sgr|subnet|vpc|vpce)-[0-9a-f]{17}$/;

/** Masks the password of a URL that was given as a file. Names of files are shown as they are, so that they are found. */
export function maskFile(name: string): string {
  return name.replace(URL_PASSWORD, stars);
}

/** Replaces what looks like a secret by as many stars, so that what follows keeps its column. */
export function maskSecrets(text: string): string {
  const masked = SHAPES.reduce((rest, shape) => rest.replace(shape, stars), text);
  return masked.replace(RUN, (run) => (looksRandom(run) && !AWS_ID.test(run) ? stars(run) : run));
}

const NAME =
  '(?:key|token|password|passwd|passphrase|secret|cookie|authorization|api[_-]key|(?:api|access|private|job|deploy)[_-]?token)';
const ASSIGNMENT = new RegExp(String.raw`(?<![\w-])["']?${NAME}["']?\s*[:=]\s*`, 'gi');
// As `spec/scalars.ts` has them: an incomplete reference may be a secret with a prefix.
const REFERENCE = String.raw`["']?(?:env:[A-Za-z_]\w*|file:/[\w./-]+|(?:vault|k8s|sops):[\w./-]+#[\w./-]+)["']?`;
const REFERENCES = new RegExp(
  String.raw`^(?:${REFERENCE}|\[\s*${REFERENCE}(?:\s*,\s*${REFERENCE})*\s*\])\s*(?=[,}#]|$)`,
);

/** A line of a file as it may be shown: also what stands behind a key such as `token:` is taken out. */
export function maskLine(line: string): string {
  const masked = maskSecrets(line);
  for (const match of masked.matchAll(ASSIGNMENT)) {
    const from = match.index + match[0].length;
    const value = masked.slice(from);
    const harmless = value === '' || /^[{#|>&*]/.test(value) || REFERENCES.test(value);
    if (!harmless) return masked.slice(0, from) + stars(value);
  }
  return masked;
}

/** Names beside which a credential stands, in the words of whatever is configured. */
const CREDENTIAL =
  /token|secret|passw|passphrase|authori[sz]ation|\bauth\b|cookie|credential|api[_-]?key|access[_-]?key|private[_-]?key/i;

/** Whether what a line says may be a credential; of files that others have written, in whatever language. */
export function namesCredential(line: string): boolean {
  return CREDENTIAL.test(line);
}

/** Whether a text holds a credential: something that looks like one, or a value beside the name of one. */
export function holdsCredential(text: string): boolean {
  return text.split('\n').some((line) => {
    const said = line.replace(/(?:^|\s)(?:#|\/\/).*$/, '').trim();
    return maskSecrets(said) !== said || (namesCredential(said) && /[=:\s]\s*[^\s=:[\]{}]+$/.test(said));
  });
}

function stars(text: string): string {
  return '*'.repeat(text.length);
}

/** Whether 16 letters and digits stand without a break, or upper case, lower case and digits are spread evenly. */
function looksRandom(run: string): boolean {
  const mixed = run.split(/[_+=-]/).some((part) => part.length >= 16 && /[0-9]/.test(part) && /[A-Za-z]/.test(part));
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/].filter((kind) => kind.test(run)).length;
  return mixed || (kinds === 3 && entropy(run) >= 3.8);
}

/** Bits a character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
