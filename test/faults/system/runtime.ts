// The entry the processes of the fault suite run.
import { createAgentRuntime } from '../../../server/index.ts'
import { createAgents } from './agents.ts'
import { createTracer } from './trace.ts'

// A suite that was killed can't end what it started. Not by the parent: that may be a worker that was killed.
const suite = Number(process.env['SUITE_PID'])
setInterval(() => {
  try {
    process.kill(suite, 0)
  } catch {
    process.kill(process.pid, 'SIGKILL')
  }
}, 1_000).unref()

const runtime = createAgentRuntime({ agents: createAgents(createTracer(process.env['TRACE_URL'] ?? '')) })
export default runtime
