import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { weakness } from '../../src/secrets/weakness.ts';

const weak = suite('weak keys');

const REFUSED = [
  'abcdefghijklmnopqrstuvwxyz0123456789',
  'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
  'ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrq',
  'aAbBcCdDeEfFgGhHiIjJkKlLmM',
  'a1b2c3d4e5f6g7h8i9j0k1l2m3n4',
  'qwertyuiopasdfghjklzxcvbnm1234567890',
  'acegikmoqsuwy-acegikmoqsuwy',
  'correct-horse.correct-horse.',
  'the-key-of-our-partner!the-key-of-our-partner'.replace('!', '.'),
  'MySecretKey2024MySecretKey2025',
  'abcd1234ABCDabcd1234ABCDabcd1234ABCD',
];

for (const key of REFUSED)
  weak(`is no random key: ${key}`, () => {
    assert.ok(weakness(key));
  });

weak('what is random is taken, in each alphabet and at its shortest', () => {
  // As many as there is time for; the same in each run.
  for (let number = 0; number < 2000; number += 1) {
    const bytes = createHash('sha512').update(String(number)).digest();
    for (const key of [
      bytes.toString('base64url').slice(0, 43),
      bytes.toString('base64url').slice(0, 22),
      bytes.toString('hex').slice(0, 33),
      [...bytes]
        .map((byte) => (byte % 36).toString(36))
        .join('')
        .slice(0, 26),
    ])
      if (weakness(key) !== 'it has less than 128 bits') assert.is(weakness(key), undefined, key);
  }
});

weak.run();
