import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'

/**
 * Why a process can't go on with its run. Another attempt may: it gets another process.
 *
 * @param message is shown to the run's owner.
 * @param why is for the log: what the process wrote to its standard error.
 */
export function processFailure(message: string, why: { stderr?: readonly string[]; cause?: unknown } = {}) {
  const { stderr = [], cause } = why
  const said =
    stderr.length === 0 ? undefined : new Error(`Its last lines were:\n${stderr.join('\n')}`, { cause })
  return new AgentRuntimeError('internal', message, { cause: said ?? cause })
}
