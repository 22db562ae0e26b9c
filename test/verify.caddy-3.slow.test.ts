import { scale } from './verify/scale.ts';

await scale('caddy', 3, 3);
