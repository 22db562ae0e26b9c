// The library. What is not named here is internal and may change.

export { diffAccess } from './accessDiff/diff.ts';
export type { AccessChange } from './accessDiff/types.ts';
export { type Compilation, type CompileOptions, compile } from './compile.ts';
export type { Diagnostic, Severity } from './diagnostics/diagnostic.ts';
export { formatDiagnostics } from './diagnostics/format.ts';
export { type Disk, readDisk } from './output/disk.ts';
export type { OutputFile } from './output/files.ts';
export { unifiedPatch } from './output/patch.ts';
export { type Cause, type Change, type Plan, planChanges } from './output/plan.ts';
export { type Decision, type Evaluator, evaluatorOf } from './policy/decide.ts';
export { credentialOf, type ProxyRequest } from './policy/request.ts';
export type { Policy, Proxy } from './policy/types.ts';
export { parseDocument } from './source/document.ts';
export { targets } from './targets/index.ts';
export type { ReadFile, RenderedFile, Target } from './targets/target.ts';
