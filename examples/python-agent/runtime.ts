import { subprocessAgent } from '../../server/frameworks/subprocess/index.ts'
import { createAgentRuntime } from '../../server/index.ts'
import { z } from 'zod'

const weather = subprocessAgent({
  key: 'weather',
  command: 'python3',
  args: [`${import.meta.dirname}/agent.py`],
  output: z.object({ response: z.string() }),
})

const runtime = createAgentRuntime({ agents: [weather] })
export default runtime
