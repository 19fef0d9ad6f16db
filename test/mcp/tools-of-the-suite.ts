// The tools that the protocol's suite needs, as far as agents can be these.
import { z } from 'zod'
import { defineAgent } from '../../server/index.ts'

const params = z.looseObject({})

/** Says its text. */
const says = (key: string, text: string) =>
  defineAgent({ key, params, run: async () => ({ messages: [{ role: 'assistant', content: text }] }) })

/** Asks each of its waits, one after another, and says the outcome. */
const asks = (key: string, names: readonly string[]) =>
  defineAgent({
    key,
    params,
    async run(ctx) {
      for (const name of names) await ctx.wait(name, z.object({ name: z.string() }))
      return { messages: [{ role: 'assistant', content: 'state-ok' }] }
    },
  })

const greet = defineAgent({
  key: 'greet',
  params: z.looseObject({ name: z.string().default('') }),
  run: async ({ params: { name } }) => ({ messages: [{ role: 'assistant', content: `Hello, ${name}!` }] }),
})

const slowCompute = defineAgent({
  key: 'slow_compute',
  params: z.looseObject({ seconds: z.number().default(0) }),
  async run(ctx) {
    if (ctx.params.seconds > 0) await ctx.sleep(ctx.params.seconds * 1000)
    return { messages: [{ role: 'assistant', content: 'computed' }] }
  },
})

const multiInput = defineAgent({
  key: 'multi_input',
  params,
  async run(ctx) {
    await Promise.all(['first', 'second'].map((name) => ctx.wait(name, z.object({ name: z.string() }))))
  },
})

const confirmDelete = defineAgent({
  key: 'confirm_delete',
  params,
  run: async (ctx) => void (await ctx.wait('confirm', z.object({ confirm: z.boolean() }))),
})

const failing = (key: string) =>
  defineAgent({ key, params, run: () => Promise.reject(new Error('on purpose')) })

/** Its output does not fit its schema, so the run has no result. */
const protocolErrorJob = defineAgent({
  key: 'protocol_error_job',
  params,
  output: z.object({ fits: z.literal(true) }),
  run: async () => ({ output: {} as { fits: true } }),
})

const tellsProgress = defineAgent({
  key: 'test_tool_with_progress',
  params,
  async run(ctx) {
    for (const text of ['one', 'two', 'three']) await ctx.emitMessage(text)
  },
})

/** The tools whose calls are tasks. */
const jobs = [slowCompute, failing('failing_job'), protocolErrorJob, confirmDelete, multiInput]

export const taskKeys = jobs.map(({ key }) => key)

export const tools = [
  ...jobs,
  greet,
  tellsProgress,
  says('test_simple_text', 'This is a simple text response for testing.'),
  failing('test_error_handling'),
  asks('test_input_required_result_elicitation', ['user_name']),
  asks('test_input_required_result_request_state', ['confirm']),
  asks('test_input_required_result_multi_round', ['step1', 'step2']),
  asks('test_input_required_result_tampered_state', ['confirm']),
  asks('test_input_required_result_capabilities', ['confirm']),
]
