import { subprocessAgent } from '../../server/frameworks/subprocess/index.ts'
import { createAgentRuntime } from '../../server/index.ts'
import { z } from 'zod'

export const crew = subprocessAgent({
  key: 'crew',
  command: process.env['CREWAI_PYTHON'] ?? 'python3',
  args: [`${import.meta.dirname}/agent.py`],
  // It tells its makers of each run otherwise, and asks at the terminal.
  env: { CREWAI_DISABLE_TELEMETRY: 'true', CREWAI_TRACING_ENABLED: 'false', OTEL_SDK_DISABLED: 'true' },
  // It takes some ten seconds to be imported, which a run does not wait for where a process is warm.
  helloTimeoutMs: 120_000,
  params: z.object({ topic: z.string() }),
  output: z.object({ text: z.string() }),
})

const runtime = createAgentRuntime({ agents: [crew] })
export default runtime
