import * as assert from 'uvu/assert';
import { statusBody } from '../../src/policy/statuses.ts';
import { requestIdIn } from '../../src/verify/compare.ts';
import type { RawResponse } from '../../src/verify/raw.ts';

/** Whether it is an error of our own, with the id that the log has. */
export function assertError(response: RawResponse, status: number): void {
  const id = requestIdIn(response);
  if (id === undefined) throw new Error(`no request id: ${response.text()}`);
  assert.is(response.text(), statusBody(status, id));
}
