// Measures how long after a caller's cancel a provider's connection closes: over REST, the database and the
// worker, in the middle of an answer.
//
// node bench/cancel/main.ts [cancels of each]
import { defineAgent, toolLoop } from '../../server/index.ts'
import { createTestRuntime } from '../../testing/index.ts'
import { sending, startLoopbackProvider } from '../../test/support/loopback-provider.ts'
import { MODEL_ADAPTERS } from '../../test/support/model-adapters.ts'

const CANCELS = Number(process.argv[2] ?? 20)

await using provider = await startLoopbackProvider()
const adapters = Object.entries(MODEL_ADAPTERS)
const keyOf = (index: number) => `model-${index}`
await using test = await createTestRuntime({
  models: Object.fromEntries(adapters.map(([, { create }], index) => [keyOf(index), create(provider.url)])),
  agents: adapters.map((_, index) =>
    defineAgent({
      key: keyOf(index),
      run: async (ctx) => void (await toolLoop(ctx, { model: ctx.llm(keyOf(index)) })),
    }),
  ),
})

for (const [index, [name, { wire }]] of adapters.entries()) {
  const times: number[] = []
  for (let count = 0; count < CANCELS; count += 1)
    times.push(await cancelOne(keyOf(index), wire.frames({ said: [{ text: 'Hello' }] })))
  times.sort((a, b) => a - b)
  const at = (share: number) => `${(times[Math.ceil(times.length * share) - 1] ?? Number.NaN).toFixed(1)} ms`
  console.log(`${name}: median ${at(0.5)}, longest ${at(1)} of ${times.length}`)
}

/** @returns the milliseconds from sending the cancel until the provider saw its connection close */
async function cancelOne(agentKey: string, frames: readonly string[]): Promise<number> {
  provider.answerWith(sending(frames.slice(0, -1), 'open'))
  const run = await test.client.runs.create({ agentKey, messages: [{ role: 'user', content: 'Hi' }] })
  for await (const { type } of run.events()) if (type === 'assistant.delta') break
  const sentAt = performance.now()
  const closed = provider.closed().then(() => performance.now() - sentAt)
  await run.cancel()
  return closed
}
