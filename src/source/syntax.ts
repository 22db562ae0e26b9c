import type { YAMLException } from 'js-yaml';
import type { Diagnostic, TextSpan } from '../diagnostics/diagnostic.ts';
import { yamlCodes } from './codes.ts';
import { MAX_DEPTH } from './limits.ts';
import type { SourceFile } from './span.ts';

interface Explanation {
  readonly problem: string;
  readonly hint: string;
}

const QUOTE_IT: Explanation = {
  problem: 'this character cannot stand unquoted here',
  hint: 'put quotes around the whole text',
};

/** Explanations of the parser's messages. The first entry whose text is part of the message counts. */
const EXPLANATIONS: readonly (readonly [string, Explanation])[] = [
  [
    'deficient indentation',
    {
      problem: 'a quote or bracket that was opened before this line is not closed',
      hint: 'close it, or indent this line deeper than the key that it belongs to',
    },
  ],
  [
    'unexpected end of the stream within a flow collection',
    { problem: 'a bracket is not closed', hint: 'close [ with ] and { with }' },
  ],
  ['quoted scalar', { problem: 'a quote is not closed', hint: 'close the text with the quote that opened it' }],
  [
    'missed comma',
    {
      problem: 'a comma is missing before this, or the text before it needs quotes',
      hint: 'inside [ ] and { } put quotes around a text that holds a bracket or a comma',
    },
  ],
  [
    'bad indentation of a mapping entry',
    { problem: 'this does not line up with the keys around it', hint: 'indent all keys of one mapping alike' },
  ],
  [
    'bad indentation of a sequence entry',
    { problem: 'this does not line up with the list around it', hint: 'indent all items of one list alike' },
  ],
  [
    'can not read a block mapping entry',
    { problem: 'this line is neither a key with a colon nor part of the value above', hint: 'write "key: value"' },
  ],
  ["expected ':'", { problem: 'a colon is missing after the key', hint: 'write "key: value"' }],
  [
    'end of the stream or a document separator is expected',
    {
      problem: 'this does not belong to the value before it',
      hint: 'write "key: value", with a space after the colon',
    },
  ],
  [
    'name of an alias node',
    {
      problem: 'a text that starts with "*" needs quotes',
      hint: 'a request names its methods instead, such as GET,POST /path',
    },
  ],
  [
    'unknown escape sequence',
    { problem: 'this escape is not known', hint: 'write \\\\ for a backslash, or use single quotes' },
  ],
  ['hexadecimal', { problem: 'this escape is not complete', hint: 'write \\\\ for a backslash, or use single quotes' }],
  [
    "expected the node content, but found ','",
    { problem: 'a value is missing before this comma', hint: 'take one comma out' },
  ],
];

/** Explains an error of the parser, at the place where it stopped. */
export function explainSyntax(file: SourceFile, error: YAMLException): Diagnostic {
  const stopped = Math.min(error.mark?.position ?? 0, file.text.length);
  const colonless = missingColon(file.text, stopped);
  const start = colonless?.start ?? stopped;
  const place: TextSpan = { file: file.name, text: file.text, start, end: Math.min(start + 1, file.text.length) };
  if (error.reason.startsWith('tab ') || file.text.charAt(start) === '\t')
    return yamlCodes.report('tab-indentation', [], {}, { place });
  if (error.reason.startsWith('nesting')) return yamlCodes.report('too-deep', [], { limit: MAX_DEPTH }, { place });
  return yamlCodes.report('syntax', [], colonless ?? explain(error.reason, file.text, start), { place });
}

/**
 * Returns the place of a missing colon. A line `key value` is read as a text that goes on, so that the parser stops at
 * the colon of the next line.
 */
function missingColon(text: string, at: number): (Explanation & { readonly start: number }) | undefined {
  if (text.charAt(at) !== ':') return undefined;
  const before = text.slice(0, at).split('\n');
  const [line = '', above = ''] = before.slice(-2).reverse();
  const [, indent, item = '', key, value] = /^( *)(- )?([A-Za-z][\w-]*) +([^\s#:].*)$/.exec(above) ?? [];
  const own = /^( *)[A-Za-z][\w-]*$/.exec(line)?.[1];
  if (before.length < 2 || indent === undefined || own?.length !== indent.length + item.length) return undefined;
  const start = at - line.length - 1 - above.length + indent.length + item.length + (key ?? '').length;
  return /: |:$/.test(above) || value === undefined
    ? undefined
    : { start, problem: 'a colon is missing after the key', hint: 'write "key: value"' };
}

function explain(reason: string, text: string, at: number): Explanation {
  const found = text.charAt(at);
  if (found === '@' || found === '`' || found === '%') {
    const word = /^[^\s,[\]{}]*/.exec(text.slice(at, at + 80))?.[0] ?? found;
    return { problem: `a text that starts with "${found}" needs quotes`, hint: `write it as "${word}"` };
  }
  if (found === '*' || found === '&')
    return { problem: `a text that starts with "${found}" needs quotes`, hint: QUOTE_IT.hint };
  const variable = text.charAt(at - 1) === '$' && /^\{([A-Za-z_]\w{0,63})\}/.exec(text.slice(at, at + 80))?.[1];
  if (variable)
    return { problem: 'variables are not replaced in a spec', hint: `where a secret is meant write env:${variable}` };
  if (found === ':' && reason.includes('indentation')) {
    return { problem: 'a second colon on one line', hint: 'put quotes around a text that holds a colon and a space' };
  }
  const known = EXPLANATIONS.find(([words]) => reason.includes(words))?.[1];
  return known ?? { problem: reason, hint: 'this place cannot be read as YAML' };
}
