// A worker whose agents are those of frameworks, and the frameworks without it. Both run in this process, one
// after the other.
import { createAgentRuntime } from '../../server/index.ts'
import { OWNER_ID, TENANT_ID, TOKEN } from '../driver/identity.ts'
import { reportReady, startServerChild } from '../driver/server-child.ts'
import { createSseReader } from '../driver/sse-reader.ts'
import { median } from '../driver/statistics.ts'
import { authenticate } from '../system/authenticate.ts'
import { createAgents } from './agents.ts'
import { createBare } from './bare.ts'
import { PACES } from './load.ts'
import type { Framework, FrameworkLoad, Pace } from './load.ts'
import { createParts } from './parts.ts'
import { timed, timedAgents } from './timed.ts'
import type { Timing } from './timed.ts'

/** Until the whole answer is there. */
interface Answer extends Timing {
  /** Until the first delta. */
  firstMs: number
}

const provider = await startServerChild(new URL('provider.ts', import.meta.url), {
  name: 'provider',
  databaseUrl: '',
  profileDir: undefined,
})
const providerUrl = `http://127.0.0.1:${provider.port}`
const parts = { paced: createParts(providerUrl, 'paced'), max: createParts(providerUrl, 'max') }
const bare = createBare(parts, providerUrl)
let onTimed: (timing: Timing) => void = () => {}
const agents = timedAgents(createAgents(parts, providerUrl), (timing) => onTimed(timing))
const runtime = createAgentRuntime({ agents, authenticate })
await runtime.start()
await runtime.startWorker({ concurrency: 4 })

async function askBare(framework: Framework, pace: Pace): Promise<Answer> {
  let firstAt = 0
  const timing = await timed(() =>
    bare[framework](pace, () => {
      firstAt ||= performance.now()
    }),
  )
  return { ...timing, firstMs: firstAt - timing.startedAt }
}

const PRINCIPAL = { id: OWNER_ID, tenantId: TENANT_ID, kind: 'user' as const }

async function askAgent(framework: Framework, pace: Pace): Promise<Answer> {
  const ended = Promise.withResolvers<Timing>()
  onTimed = ended.resolve
  const { run } = await runtime.runs.create(PRINCIPAL, {
    agentKey: framework,
    messages: [{ role: 'user', content: 'Go on.' }],
    params: { pace },
  })
  // A reader at full speed would be most of what is measured.
  const firstAt = pace === 'paced' ? readFirst(run.id) : NaN
  const timing = await ended.promise
  await runEnded(run.id)
  return { ...timing, firstMs: (await firstAt) - timing.startedAt }
}

/** When a reader of the run's stream has the first delta. By then it is in PostgreSQL. */
async function readFirst(runId: string): Promise<number> {
  const leaving = new AbortController()
  const url = `http://bench/api/agents/runs/${runId}/events/stream`
  const headers = { authorization: `Bearer ${TOKEN}` }
  const { body } = await runtime.handler(new Request(url, { headers, signal: leaving.signal }))
  let firstAt = 0
  const read = createSseReader(({ event }) => {
    if (event === 'assistant.delta') firstAt ||= performance.now()
  })
  for await (const chunk of (body as ReadableStream<BufferSource>).pipeThrough(new TextDecoderStream())) {
    read(chunk)
    if (firstAt > 0) break
  }
  leaving.abort()
  return firstAt
}

async function runEnded(runId: string): Promise<void> {
  for (;;) {
    const { status, error } = await runtime.runs.get(PRINCIPAL, runId)
    if (status === 'succeeded') return
    if (status === 'failed') throw new Error(`A run failed: ${error?.message ?? ''}`)
    await new Promise(setImmediate)
  }
}

async function measure({ framework, isBare, durationMs }: FrameworkLoad): Promise<Record<string, number>> {
  const ask = (pace: Pace): Promise<Answer> => (isBare ? askBare : askAgent)(framework, pace)
  async function askFor(pace: Pace): Promise<Answer[]> {
    await ask(pace)
    const answers: Answer[] = []
    const endsAt = performance.now() + durationMs / 2
    while (answers.length === 0 || performance.now() < endsAt) answers.push(await ask(pace))
    return answers
  }
  const paced = await askFor('paced')
  const max = await askFor('max')
  const per = (pace: Pace, answers: readonly Answer[], figure: (answer: Answer) => number): number =>
    median(answers.map((answer) => figure(answer) / PACES[pace].deltas))
  return {
    first: median(paced.map(({ firstMs }) => firstMs)),
    paced: 1_000 / per('paced', paced, ({ ms }) => ms),
    pacedCpu: 1_000 * per('paced', paced, ({ cpuMs }) => cpuMs),
    max: 1_000 / per('max', max, ({ ms }) => ms),
    maxCpu: 1_000 * per('max', max, ({ cpuMs }) => cpuMs),
  }
}

reportReady({
  measure: (load) => measure(load as FrameworkLoad),
  async stop() {
    bare[Symbol.dispose]()
    await runtime.stop()
    await provider.stop()
  },
})
