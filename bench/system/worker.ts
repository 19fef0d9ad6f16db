import { createAgentRuntime, defineAgent } from '../../server/index.ts'
import { endStreams } from '../agents.ts'
import { reportReady } from '../driver/server-child.ts'
import { agents } from './agents.ts'
import { watched } from './watched.ts'

/** More than any workload runs at once, since the runtime is measured and not its waiting line. */
const CONCURRENCY = 256

const idle = Array.from({ length: Number(process.env['BENCH_IDLE_AGENTS'] ?? 0) }, (_, index) =>
  defineAgent({ key: `idle-${index}`, run: async () => {} }),
)

const runtime = createAgentRuntime({ agents: [...agents, ...idle], ...watched() })
await runtime.startWorker({ concurrency: CONCURRENCY })
reportReady({
  endStreams,
  async stop() {
    endStreams()
    await runtime.stop()
  },
})
