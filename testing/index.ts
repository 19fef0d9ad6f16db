export { createTestRuntime } from './create-test-runtime.ts'
export type { TestRuntime, TestRuntimeOptions } from './create-test-runtime.ts'
export { createScriptedModel } from '../server/models/scripted.ts'
export type { ScriptedAnswer, ScriptedModel, ScriptedStep, ScriptedTurn } from '../server/models/scripted.ts'
