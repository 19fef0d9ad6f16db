import { createAgentRuntime } from '../../server/index.ts'
import { endStreams } from '../agents.ts'
import { reportReady } from '../driver/server-child.ts'
import { agents } from './agents.ts'

/** More than any workload has under way: what is measured is the runtime, not how long its line is. */
const CONCURRENCY = 256

const runtime = createAgentRuntime({ agents })
await runtime.startWorker({ concurrency: CONCURRENCY })
reportReady({
  endStreams,
  async stop() {
    endStreams()
    await runtime.stop()
  },
})
