import { brokenGenerators } from './verify/brokenGenerators.ts';

await brokenGenerators('caddy');
