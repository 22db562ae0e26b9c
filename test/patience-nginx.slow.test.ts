import { testPatience } from './verify/patience.ts';

await testPatience('nginx');
