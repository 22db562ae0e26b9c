import { scale } from './verify/scale.ts';

await scale('caddy', 2, 3);
