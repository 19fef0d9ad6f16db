export { createTestRuntime } from './create-test-runtime.ts'
export type { TestRuntime, TestRuntimeOptions } from './create-test-runtime.ts'
export { createScriptedModel } from '../server/models/scripted.ts'
export type {
  Asked,
  ScriptedAnswer,
  ScriptedModel,
  ScriptedStep,
  ScriptedTurn,
} from '../server/models/scripted.ts'
export type { TestRun, TestRunOptions } from './test-run.ts'
export type { StoredStep } from '../server/postgres/read-record.ts'
export { createRecorder } from './recorder.ts'
export type { Recorder, RecorderOptions } from './recorder.ts'
