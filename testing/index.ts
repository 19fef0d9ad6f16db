export { createTestRuntime } from './create-test-runtime.ts'
export type { TestRuntime, TestRuntimeOptions } from './create-test-runtime.ts'
export { createScriptedModel } from '../server/models/scripted.ts'
export type { ScriptedModel, ScriptedTurn } from '../server/models/scripted.ts'
