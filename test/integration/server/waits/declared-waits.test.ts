import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const shop = defineAgent({
  key: 'shop',
  waits: {
    address: z.object({ street: z.string(), days: z.coerce.number().default(1) }),
    confirm: z.boolean(),
  },
  async run(ctx) {
    const { value } = await ctx.wait('address', { details: { question: 'Where to?' } })
    const outcome = await ctx.wait('confirm', { timeoutMs: 1 })
    return { output: { ...value, confirm: outcome.status } }
  },
})

describe('an agent that declares its waits', () => {
  test('waits by their names, and is answered with what their schemas take', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [shop], config: { queuePollIntervalSeconds: 0.05 } })
    const id = await rest.create('shop')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    expect((await rest.get(`runs/${id}`)).body['waits']).toMatchObject([
      {
        name: 'address',
        kind: 'input',
        details: { question: 'Where to?' },
        schema: { required: ['street'] },
      },
    ])
    const refused = await rest.post(`runs/${id}/respond`, { wait: 'address', value: { street: 1 } })
    expect(refused).toMatchObject({ status: 400, body: { details: [{ path: 'value.street' }] } })
    await rest.post(`runs/${id}/respond`, { wait: 'address', value: { street: 'Hollow Way' } })
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: { final_output: { street: 'Hollow Way', days: 1, confirm: 'timed_out' } },
    })
  })

  test('is answered where only its own schema can check the answer', async ({ createServer }) => {
    // JSON Schema that can be written, and not read back.
    const address = z.object({ street: z.string() }).meta({ dependentRequired: { street: ['city'] } })
    const agent = defineAgent({
      key: 'agent',
      waits: { address },
      run: async (ctx) => ({ output: (await ctx.wait('address')).value }),
    })
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    const stream = await rest.stream(`runs/${id}/events`)
    await stream.until('run.waiting')
    expect(
      await rest.post(`runs/${id}/respond`, { wait: 'address', value: { street: 'Hollow Way' } }),
    ).toMatchObject({
      status: 200,
    })
    await stream.until('run.succeeded')
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: { final_output: { street: 'Hollow Way' } },
    })
  })

  test.for(['adress', 'toString', '__proto__'])(
    'fails at once where it waits for %s',
    async (name, { createServer }) => {
      const agent = defineAgent({
        key: 'agent',
        maxAttempts: 3,
        waits: { address: z.string() },
        run: async (ctx) => void (await ctx.wait(name as 'address')),
      })
      const { rest, log } = await createServer({ agents: [agent] })
      const id = await rest.create('agent')
      expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({
        type: 'run.failed',
        attempt: 1,
      })
      const failures = log.filter(({ level }) => level === 'error').map(({ fields }) => String(fields['err']))
      expect(failures.join()).toContain(`The agent declares no wait "${name}"`)
    },
  )
})

test.for([
  [{ waits: { sleep: z.string() } }, `declares the wait "sleep", a name that is the runtime's`],
  [{ waits: { 'approve:x': z.string() } }, `declares the wait "approve:x", a name that is the runtime's`],
  [{ waits: { 'tool:x': z.string() } }, `declares the wait "tool:x", a name that is the runtime's`],
  [{ waits: { '': z.string() } }, 'declares the wait "", whose name is not 1 to 200 characters'],
  [{ waits: { at: z.date() } }, `declares the wait "at", whose schema can't be written as JSON Schema`],
  [
    { tools: { 'pick color': { description: '', input: z.object({}) } } },
    'Tool name "pick color" is not valid',
  ],
  [{ tools: { pick: { description: '', input: z.string() } } }, 'the input has to be one object schema'],
  [
    { tools: { pick: { description: '', input: z.object({}), output: z.date() } } },
    "the output schema can't be written",
  ],
  [
    { tools: { pick: { description: '', input: z.object({}), timeoutMs: 0 } } },
    'tool "pick": timeoutMs is not valid',
  ],
  [
    { tools: { pick: { description: '', input: z.object({}), execute: () => 1 } } },
    'tool "pick": make a tool with execute by defineTool()',
  ],
] as const)('an agent with %o is refused', ([rest, message]) => {
  expect(() => defineAgent({ key: 'agent', run: async () => {}, ...(rest as object) })).toThrow(message)
})
