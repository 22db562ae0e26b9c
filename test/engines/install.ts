import { engine } from './engine.ts';
import { type EngineName, recipes } from './table.ts';

// One after the other: a Go build already takes every core.
const names = Object.keys(recipes) as EngineName[];
for (const name of names) {
  const found = await engine(name);
  console.log(`${name}:`, 'missing' in found ? `missing: ${found.missing}` : `${found.version} (${found.path})`);
  if ('missing' in found) process.exitCode = 1;
}
