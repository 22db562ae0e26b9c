import { runTargetCases } from '../../support/targetCases.ts';

runTargetCases('caddy');
