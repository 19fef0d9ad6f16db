import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { createAgentClient } from '../../client/index.ts'
import { subprocessAgent } from '../../server/frameworks/subprocess/index.ts'
import { createAgentRuntime } from '../../server/index.ts'

const research = subprocessAgent({
  key: 'research',
  command: 'python3',
  args: ['research.py'],
  params: z.object({ topic: z.string() }),
  output: z.object({ report: z.string() }),
  events: { progress: { schema: z.object({ percent: z.number() }) } },
  waits: { colour: z.enum(['red', 'blue']) },
})
const runtime = createAgentRuntime({ agents: [research] })
const client = createAgentClient<typeof runtime>({ url: '/trpc' })

test('an agent in another language has the types of its schemas', async () => {
  const run = await client.runs.create({ agentKey: 'research', params: { topic: 'rain' } })
  expectTypeOf(await run.result()).toEqualTypeOf<{ report: string }>()
  for await (const event of run.events()) {
    if (event.type === 'progress') expectTypeOf(event.payload).toEqualTypeOf<{ percent: number }>()
  }
  await run.respond('colour', 'red')
})

test('wrong uses are errors', () => {
  // @ts-expect-error -- The topic is text.
  const created = client.runs.create({ agentKey: 'research', params: { topic: 1 } })
  expectTypeOf(created).not.toBeAny()
  // @ts-expect-error -- It needs a command.
  subprocessAgent({ key: 'research' })
  // @ts-expect-error -- The program is what runs.
  subprocessAgent({ key: 'research', command: 'python3', run: async () => {} })
  // @ts-expect-error -- There is no such option.
  subprocessAgent({ key: 'research', command: 'python3', maxProcess: 1 })
  // @ts-expect-error -- The environment is text.
  subprocessAgent({ key: 'research', command: 'python3', env: { PORT: 80 } })
})
