import { scale } from './verify/scale.ts';

await scale('caddy', 1, 3);
