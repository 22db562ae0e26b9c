import { scale } from './verify/scale.ts';

await scale('nginx-newest');
