import { engine } from './engine.ts';
import { type EngineName, recipes } from './table.ts';

// One after the other: a Go build already takes every core, and this way each line says what is being waited for.
const names = Object.keys(recipes) as EngineName[];
for (const name of names) {
  process.stdout.write(`${name} … `);
  const found = await engine(name);
  console.log('missing' in found ? `missing: ${found.missing}` : `${found.version} (${found.path})`);
  if ('missing' in found) process.exitCode = 1;
}
