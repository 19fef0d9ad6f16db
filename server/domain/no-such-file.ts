import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'

export function noSuchFile(fileId: string): AgentRuntimeError {
  return new AgentRuntimeError('not_found', `There is no file ${fileId}.`)
}
