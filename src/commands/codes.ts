import { defineCodes, error, note } from '../diagnostics/codes.ts';

/** Problems with the arguments of a command. */
export const commandCodes = defineCodes('command', {
  'unreadable-spec': error('cannot read the spec: {problem}').hint(
    'name the spec or its folder, or start one with "postern init"',
  ),
  'nothing-named': error('the pattern names no spec').hint(
    'quote it, so that no shell expands it: * stands for letters of a name, ** for any number of folders',
  ),
  'no-meaning': error('{option} has no meaning beside {mode}').hint('take one of them out'),
  'same-folder': error('two specs would be written to {folder}').hint(
    'give their files different names, or generate them one by one with --out',
  ),
  'unknown-preset': error(
    ({ name, near }: { name: string; near: string | undefined }) =>
      `there is no preset "${name}"${near === undefined ? '' : `, did you mean "${near}"?`}`,
  ).hint(({ known }: { known: readonly string[] }) => `there are: ${known.join(', ')}`),
  'unknown-finding': error(
    ({ option, meant }: { option: string; meant: string | undefined }) =>
      `${option}: lint has no such finding${meant === undefined ? '' : `, did you mean "${meant}"?`}`,
  ).hint(({ known }: { known: readonly string[] }) => `it has: ${known.join(', ')}`),
});

export const testCodes = defineCodes('test', {
  none: error('the spec has no tests and no guarantees, so nothing was tested').hint(
    'write what must pass and what must not under tests, such as { request: GET /path, expect: 401 }',
  ),
  'no-routes': error('the spec has no requests, so there is no coverage').hint('leave --fail-under out'),
  failed: error('{subject}: expected {expected}, got {actual} ({why})').hint(
    ({ expected, actual }: { expected: string; actual: string }) =>
      actual === 'allow' && /^[23]\d\d$/.test(expected)
        ? 'write "expect: allow": what the upstream answers then is not decided here'
        : undefined,
  ),
  impossible: error('{problem}').hint('{hint}'),
});

/** Problems with the other side of a comparison. */
export const diffCodes = defineCodes('diff', {
  'no-base': error('cannot compare with {base}: {problem}').hint('{hint}'),
  'invalid-base': error('cannot compare with {base}: it is no valid spec').hint(
    'compare with a revision that "postern validate" passes',
  ),
  'bad-live': error('--live {text}: {problem}').hint(
    ({ known }: { known: readonly string[] }) =>
      `write TARGET=FILE, or TARGET=- for standard input; targets: ${known.join(', ')}`,
  ),
  'shown-by': note(
    ({ target, about, what }: { target: string; about: string; what: string; show: string }) =>
      `${target}: ${about}: what the difference does: ${what}`,
  ).hint('{show}'),
  'same-decisions': note('{target}: {about}: what is asked is decided as the spec does; something else differs'),
  'not-shown': note('{target}: {about}: what the difference opens or closes cannot be told: {problem}'),
  'wrong-mode': error('{option} has no meaning beside {mode}').hint('run diff once for each comparison'),
});

/** Reasons why a key cannot be rotated or retired. */
export const keyCodes = defineCodes('key', {
  unknown: error('there is no key "{id}"').hint(
    ({ known }: { known: readonly string[] }) => `the spec has: ${known.join(', ') || 'none'}`,
  ),
  rotating: error('key "{id}" is being rotated already').hint(
    'finish that with "postern keys retire {id} --log FILE", or take one of its references out',
  ),
  'one-key': error('key "{id}" has one key, and without it nobody could call').hint(
    'begin with "postern keys rotate {id}"',
  ),
  'no-log': error('{file} does not tell which key is in use: {problem}').hint(
    'name an access log of the proxies with --log, or several as in "cat LOG… | postern keys retire … --log -"',
  ),
  'unread-log': error('{file} does not tell whether the old key is out of use: {problem}').hint(
    'give whole logs: a last line that is still being written is whole a moment later, and one that is cut off may be a use of the old key',
  ),
  'in-use': error('the old key of "{id}" is in use: {count} times in this log, last {last}').hint(
    'hand out the new key, and give a log that begins after the change',
  ),
  unseen: error('the log does not show that the new key of "{id}" works: nobody has used it').hint(
    'wait until the caller has changed over, and give the log of that time',
  ),
  'odd-writing': error('the references of key "{id}" are written in a way that cannot be edited here').hint(
    'write them as words on one line, without an anchor, an alias or a block, and run this again',
  ),
  twice: error(
    ({ id, files }: { id: string; files: readonly string[] }) => `key "${id}" is written in ${files.join(' and in ')}`,
  ).hint('keep one of the two: an edit of one alone would contradict the other'),
  'not-valid': error('with this edit the spec would not be valid: {problem}').hint(
    'nothing was written; name another reference with --to, or change the spec by hand',
  ),
  'bad-reference': error('--to is no reference to a secret').hint('write env:NAME, file:/path or vault:path#field'),
  taken: error('{reference} is a secret of "{other}" already').hint('name another one with --to'),
});

/** Reasons why a published list cannot be updated. */
export const rangesCodes = defineCodes('ranges', {
  'no-snapshot': error('"{set}" is no set with a file and its sha256').hint(
    ({ known }: { known: readonly string[] }) =>
      known.length === 0
        ? 'write { file: NAME, format: aws, sha256: DIGEST } under ipRanges'
        : `there are: ${known.join(', ')}`,
  ),
  'bad-download': error('{download} cannot take the place of {snapshot}, for the reason below').hint(
    'download it again, as its publisher serves it',
  ),
});

/** Findings of `shadow report`, and reasons why there is no report. */
export const shadowReportCodes = defineCodes('shadow-report', {
  refused: error('{request} would be answered {status} ({reason}): {times}, last {last}').hint('{remedy}'),
  'no-shadow': error('the spec has no shadow').hint('name the spec that is to be tried: shadow: FILE'),
  'no-log': error('no log is named').hint('name access logs of the proxies, or - for standard input'),
  unreadable: error('cannot read the log: {problem}').hint('name an access log, plain or gzip'),
  'bad-lines': error('{lines} of no proxy of this spec').hint('give whole access logs of the proxies of this spec'),
  nothing: error('the logs show no request that got through: {lines}').hint('give logs of a time with requests'),
});
