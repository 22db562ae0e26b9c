import { runTargetCases } from '../../support/targetCases.ts';

runTargetCases('vault');
