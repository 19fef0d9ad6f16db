// Events about tool calls are typed by the tools that agents declare.
import { expectTypeOf, it } from 'vitest'
import { createAgentClient } from '../../client/index.ts'
import type { ConversationEventOf, EventOf, Json, ShapesOf, UndeclaredTool } from '../../client/index.ts'
import { createAgentHooks } from '../../react/index.ts'
import type { runtime, shops } from './typed-runtime.ts'

const client = createAgentClient<typeof shops>({ url: '/trpc' })
const { useAgentRun, useConversation } = createAgentHooks<typeof shops>()

type Shops = ShapesOf<typeof shops>

function look(event: EventOf<Shops> | ConversationEventOf<Shops>) {
  if (event.type === 'tool.call') {
    const { payload } = event
    expectTypeOf(payload.toolCallId).toEqualTypeOf<string>()
    expectTypeOf(payload.messageId).toEqualTypeOf<string | undefined>()
    if (payload.tool === 'find_shoes') expectTypeOf(payload.arguments).toEqualTypeOf<{ size: string }>()
    // Another agent's tool of this name, too.
    if (payload.tool === 'pick_color')
      expectTypeOf(payload.arguments).toEqualTypeOf<{ shades?: number } | { hues: string[] }>()
    // @ts-expect-error the tool is not known yet
    void payload.arguments.size
    // @ts-expect-error no such argument
    if (payload.tool === 'find_shoes') void payload.arguments.width
    switch (payload.tool) {
      case 'pick_color':
      case 'find_shoes':
      case 'measure_feet':
      case 'by_json_schema':
        break
      default:
        expectTypeOf(payload.tool).toEqualTypeOf<UndeclaredTool>()
        expectTypeOf(payload.arguments).toEqualTypeOf<Json>()
    }
  }
  if (event.type === 'tool.result') {
    const { payload } = event
    if (payload.tool === 'find_shoes' && payload.isError !== true)
      expectTypeOf(payload.result).toEqualTypeOf<{ since: string }>()
    if (payload.tool === 'measure_feet' && !payload.isError)
      expectTypeOf(payload.result).toEqualTypeOf<string>()
    if (payload.isError) expectTypeOf(payload.result).toEqualTypeOf<Json>()
    // @ts-expect-error it may have failed
    if (payload.tool === 'find_shoes') void payload.result.since
  }
  if (event.type === 'assistant.delta') expectTypeOf(event.payload.content).toEqualTypeOf<string>()
  if (event.type === 'tool.progress') expectTypeOf(event.payload.tool).toEqualTypeOf<string>()
  // @ts-expect-error there is no such event
  void (event.type === 'tool.called')
}

it('on each way on which a page hears of events', async () => {
  const run = await client.runs.create({ agentKey: 'shoes' })
  for await (const event of run.events()) {
    look(event)
    if (event.type === 'tool.call' && event.payload.tool === 'pick_color')
      expectTypeOf(event.payload.arguments).toEqualTypeOf<{ shades?: number }>()
  }
  for await (const event of client.conversations.events('id')) look(event)
  useAgentRun({ agentKey: 'painter', onEvent: look }).events.forEach((event) => {
    if (event.type === 'tool.call')
      expectTypeOf(event.payload.tool).toEqualTypeOf<'pick_color' | UndeclaredTool>()
  })
  useAgentRun('a run', { onEvent: look }).events.forEach(look)
  useConversation('a conversation', { onEvent: look })
  client.runs.store('a run').getSnapshot().events.forEach(look)
})

it('but not of agents that declare none', () => {
  type Call = Extract<EventOf<ShapesOf<typeof runtime>>, { type: 'tool.call' }>
  expectTypeOf<Call['payload']['tool']>().toEqualTypeOf<string>()
  expectTypeOf<Call['payload']['arguments']>().toEqualTypeOf<Json>()
  type Result = Extract<EventOf<Extract<Shops, { key: 'bare' }>>, { type: 'tool.result' }>
  expectTypeOf<Result['payload']['tool']>().toEqualTypeOf<string>()
  expectTypeOf<Result['payload']['result']>().toEqualTypeOf<Json>()
})
