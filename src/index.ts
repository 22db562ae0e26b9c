// The library. What is not named here, and what is in a `Policy`, is internal and may change in any version;
// test/library.api.md is the record of the rest.

export { diffAccess } from './accessDiff/diff.ts';
export { type AccessChange, mayWiden } from './accessDiff/types.ts';
export type { CompileOptions } from './compile.ts';
export type { Opened, Project } from './compose/project.ts';
export type { Diagnostic, Result, Severity } from './diagnostics/diagnostic.ts';
export { formatDiagnostics } from './diagnostics/format.ts';
export { type Compiled, compile, evaluate, type Proof, prove, type Question, type Undecided } from './library.ts';
export { type Disk, readDisk } from './output/disk.ts';
export type { OutputFile } from './output/files.ts';
export { unifiedPatch } from './output/patch.ts';
export { type Cause, type Change, type Plan, planChanges } from './output/plan.ts';
export type { Decision, Denial } from './policy/decide.ts';
export type { ApiKey, Policy } from './policy/types.ts';
export type { NameProof, ProxyProof } from './prove/files.ts';
export type { ReadFile } from './targets/target.ts';
export { toolVersion as version } from './version.ts';
