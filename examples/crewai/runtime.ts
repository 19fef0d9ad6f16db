import { subprocessAgent } from '../../server/frameworks/subprocess/index.ts'
import { createAgentRuntime } from '../../server/index.ts'
import { z } from 'zod'

export const crew = subprocessAgent({
  key: 'crew',
  command: process.env['CREWAI_PYTHON'] ?? 'python3',
  args: [`${import.meta.dirname}/agent.py`],
  // Otherwise it reports each run to its makers, and asks questions at the terminal.
  env: { CREWAI_DISABLE_TELEMETRY: 'true', CREWAI_TRACING_ENABLED: 'false', OTEL_SDK_DISABLED: 'true' },
  // The import takes about ten seconds. A run does not wait for it if a process is warm.
  helloTimeoutMs: 120_000,
  params: z.object({ topic: z.string() }),
  output: z.object({ text: z.string() }),
})

const runtime = createAgentRuntime({ agents: [crew] })
export default runtime
