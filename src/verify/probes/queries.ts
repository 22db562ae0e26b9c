import { FORBIDDEN_PARAMETERS } from '../../policy/query.ts';
import type { Draft } from '../draft.ts';
import type { Random } from '../random.ts';

const FINE = [
  '',
  'page=2&per_page=20',
  'a',
  'a=',
  'a=b=c',
  'a[]=1',
  'a[b][c]=1',
  'a%5Bb%5d=1',
  'q=x%20y%C3%A9',
  'q=a?b/c:d@e',
  "q=!$'()*+,~",
  'sudoku=1',
  'my_token_name=1',
  'with_token',
  'a=1&a=2',
  '_x=1',
  'q=%25',
  'q=%0A',
  'search=sudo',
  'q=private_token',
  '$top=10&$filter=a%20eq%201',
  '%24skip=5',
  'filters[$or][0][a][$eq]=1',
  'f%5B%24gt%5D=1',
  'a=1&',
];
const STRANGE = [
  '&',
  '&&',
  'a=1&&',
  'a=1&&b=2',
  '$',
  '$=1',
  '%24',
  '$$top=1',
  '%24%24top=1',
  '%2524top=1',
  'a$=1',
  'a%24b=1',
  '$1=1',
  'a[b$]=1',
  'a[$=1',
  '&a=1',
  '=1',
  '1a=2',
  'a=1;b=2',
  ';',
  '%',
  'a=%',
  'a=%2',
  'a=%zz',
  'a=%00',
  'a%00=1',
  'a="',
  'a=<',
  'a=\\',
  'a={}',
  'a=|',
  'a=^',
  'a=`',
  'a=\xe9',
  '\xff',
  'a#b',
  'a=1#',
  'a=b#sudo',
  '%61=1',
  'a%20b=1',
  'a[=1',
  'a]=1',
  'a[%00]=1',
  'a[[b]]=1',
  'a=1?b=2',
  '?a=1',
  '??',
  '+',
  'a+b=1',
  '-a=1',
  'a[b',
  '{env.HOME}=1',
  'a={env.HOME}',
  'a=$1',
  'a=b,c;d',
];

/** Spellings of a parameter name that some parser behind the proxy reads as the name. */
function spell(name: string, random: Random): string {
  const index = random.below(name.length);
  const char = name[index] ?? '';
  const hex = char.charCodeAt(0).toString(16);
  return random.pick([
    name,
    name.toUpperCase(),
    name[0]?.toUpperCase() + name.slice(1),
    name.replaceAll('_', '-'),
    name.replaceAll('_', '.'),
    name.replaceAll('_', '%5f'),
    name.replaceAll('_', '%5F'),
    name.replaceAll('_', '+'),
    name.replaceAll('_', '%20'),
    `${name.slice(0, index)}%${hex}${name.slice(index + 1)}`,
    `${name.slice(0, index)}%25${hex}${name.slice(index + 1)}`,
    `${name}[]`,
    `${name}%5B%5D`,
    `${name}[a]`,
    `[${name}]`,
    `%5B${name}%5D`,
    ` ${name}`.replace(' ', '%20'),
    `${name}%20`,
    `${name}%00`,
    `${name}%00x`,
    `\xff${name}`,
    `x;${name}`,
    `x=1;${name}`,
    `x=%26${name}`,
    `?${name}`,
    `x[${name}]`,
    `$${name}`,
    `%24${name}`,
    `x[$${name}]`,
  ]);
}

export function mutateQuery(draft: Draft, random: Random): Draft {
  const path = draft.target.split('?', 1)[0] ?? '';
  const forbidden = () =>
    spell(random.pick(FORBIDDEN_PARAMETERS), random) + random.pick(['', '=', '=1', '=root', '=a%26b']);
  const part = () => random.pick([() => random.pick(FINE), () => random.pick(STRANGE), forbidden, forbidden])();
  const parts = random.chance(0.6) ? [part()] : [part(), part(), part()];
  // A regular expression may give up on a long query, and a filter that gives up must not let it through.
  const filler = random.chance(0.08) ? `${'a=1&'.repeat(random.pick([50, 500, 1_500]))}` : '';
  return { ...draft, target: `${path}?${filler}${parts.join('&')}` };
}

export function fineQuery(draft: Draft, random: Random): Draft {
  return { ...draft, target: `${draft.target.split('?', 1)[0] ?? ''}?${random.pick(FINE)}` };
}
