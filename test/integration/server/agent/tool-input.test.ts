import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { ScriptedStep } from '../../../../server/models/scripted.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test } from '../../../support/runtime.ts'
import { createTestStore } from '../../../support/store.ts'

const add = defineTool({
  name: 'add',
  description: 'Adds',
  input: z.object({ n: z.number() }),
  execute: ({ n }) => n + 1,
})
const loop = (toolInput: boolean) =>
  defineAgent({
    key: 'agent',
    run: async (ctx) => ({ output: (await toolLoop(ctx, { tools: [add], toolInput })).text }),
  })
const piece = (index: number, text: string): ScriptedStep => ({
  type: 'tool-input',
  index,
  name: 'add',
  text,
})
const call = (n: number): ScriptedStep => ({
  type: 'tool-call',
  toolCall: { id: `theirs-${n}`, name: 'add', arguments: { n } },
})
/** Two calls at once, whose pieces alternate. */
const calling: ScriptedStep[] = [
  piece(0, ''),
  piece(0, '{"n":'),
  piece(1, '{"n"'),
  piece(0, '1}'),
  piece(1, ':2}'),
  call(1),
  call(2),
]

/** The joined pieces, by call. */
function inputsOf(events: readonly RestEvent[]): Record<string, string> {
  const inputs: Record<string, string> = {}
  for (const { type, payload } of events) {
    const { tool_call_id: id, content } = payload as { tool_call_id: string; content: string }
    if (type === 'tool.input') inputs[id] = (inputs[id] ?? '') + content
  }
  return inputs
}

describe('the arguments of a tool call', () => {
  test('are told as they come where the loop is asked to, under the id of the call', async ({
    createServer,
  }) => {
    const model = createScriptedModel([calling, { text: 'Done.' }])
    const { rest } = await createServer({ agents: [loop(true)], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/events?include_debug=1`)
    const calls = events.filter(({ type }) => type === 'tool.call').map((event) => String(event['id']))
    expect(inputsOf(events)).toEqual({ [calls[0]!]: '{"n":1}', [calls[1]!]: '{"n":2}' })
    expect(events.find(({ type }) => type === 'tool.input')).toMatchObject({
      visibility_level: 'debug',
      tool: 'add',
      name: 'add',
      id: calls[0],
      message_id: expect.any(String),
    })
    const seqOf = (wanted: string) => events.filter(({ type }) => type === wanted).map(({ seq }) => seq)
    expect(Math.max(...seqOf('tool.input'))).toBeLessThan(Math.min(...seqOf('tool.call')))
    expect(await rest.events(`runs/${id}/events`)).not.toContainEqual(
      expect.objectContaining({ type: 'tool.input' }),
    )
  })

  test('are told with the call alone by default', async ({ createServer }) => {
    const model = createScriptedModel([calling, { text: 'Done.' }])
    const { rest } = await createServer({ agents: [loop(false)], model })
    const id = await rest.create('agent')
    const types = (await rest.events(`runs/${id}/events?include_all=1`)).map(({ type }) => type)
    expect(types).toContain('tool.call')
    expect(types).not.toContain('tool.input')
  })

  test('are void with the answer that broke off', async ({ createServer }) => {
    const broken: ScriptedStep[] = [piece(0, '{"n":'), { error: new Error('broke off') }]
    const model = createScriptedModel([broken, calling, { text: 'Done.' }])
    const { rest } = await createServer({ agents: [loop(true)], model, config: { maxAttempts: 2 } })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/events?include_debug=1`)
    const first = events.find(({ type }) => type === 'tool.input')
    expect(events.find(({ type }) => type === 'run.retrying')).toMatchObject({
      message_ids: [first?.['message_id']],
    })
    expect(Object.values(inputsOf(events))).toEqual(['{"n":', '{"n":1}', '{"n":2}'])
  })

  test('go with compaction where the call has them, and stay where it never came', async ({
    createServer,
    database,
  }) => {
    const broken: ScriptedStep[] = [piece(0, '{"n":'), { error: new Error('broke off') }]
    const model = createScriptedModel([broken, calling, { text: 'Done.' }])
    const { rest } = await createServer({ agents: [loop(true)], model, config: { maxAttempts: 2 } })
    const id = await rest.create('agent')
    await rest.events(`runs/${id}/events`)
    const pool = createTestPool(database.url)
    const ago = (column: string) => `${column} = ${column} - interval '2 hours'`
    await database.sql(
      `UPDATE agent_runtime.run SET ${['created_at', 'started_at', 'finished_at'].map(ago).join(', ')}`,
    )
    while (!(await createTestStore(pool).compactRuns(3_600_000)).isDone);
    await pool.end()
    const left = await rest.events(`runs/${id}/events?include_debug=1`)
    expect(Object.values(inputsOf(left))).toEqual(['{"n":'])
    expect(left.filter(({ type }) => type === 'tool.call')).toHaveLength(2)
    await database.release()
  })
})
