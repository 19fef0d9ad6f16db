import { useSuspenseQuery } from '@tanstack/react-query'
import { describe, expectTypeOf, it } from 'vitest'
import { partsOf } from '../../client/index.ts'
import type {
  Json,
  MessagePart,
  PendingWait,
  ShapesOf,
  ToolPart,
  UndeclaredTool,
} from '../../client/index.ts'
import { createAgentHooks, eventsAndStatus } from '../../react/index.ts'
import type { runtime, shops } from './typed-runtime.ts'

const { useAgentQueries, useAgentRun, useConversation, useConversations } = createAgentHooks<typeof runtime>()

describe('useAgentRun', () => {
  it('takes the keys of agents that exist', () => {
    expectTypeOf(useAgentRun({ agentKey: 'greeter' }).status).toExtend<string>()
    // @ts-expect-error there is no such agent
    useAgentRun({ agentKey: 'nobody' })
  })

  it("starts with the agent's params", () => {
    const { start } = useAgentRun({ agentKey: 'researcher' })
    expectTypeOf(start({ params: { depth: 1 } })).toBeObject()
    // @ts-expect-error depth is required
    void start({ params: {} })
    // @ts-expect-error params are required
    void start({ messages: [] })
    void useAgentRun({ agentKey: 'greeter' }).start({ messages: [] })
    // @ts-expect-error greeter's name is text
    void useAgentRun({ agentKey: 'greeter' }).start({ params: { name: 1 } })
    void useAgentRun({ agentKey: 'bare' }).start({ params: { name: 'Ada' } })
    void useAgentRun({ agentKey: 'greeter' }).start()
    // @ts-expect-error params are required
    void start()
    void start({ params: { depth: 1 } }, { files: [new Blob([])] })
    // @ts-expect-error a path is no file
    void start({ params: { depth: 1 } }, { files: ['/etc/passwd'] })
  })

  it('lists conversations with agents that exist', () => {
    expectTypeOf(useConversations({ agentKey: 'greeter' }).count).toBeNumber()
    // @ts-expect-error there is no such agent
    useConversations({ agentKey: 'nobody' })
  })

  it("shows the agent's output and events", () => {
    const { status, output, events } = useAgentRun({ agentKey: 'researcher' })
    expectTypeOf(output).toEqualTypeOf<{ report: string; sources: string[] } | null>()
    // @ts-expect-error no such field
    void output?.greeting
    for (const event of events) {
      if (event.type === 'research.progress') expectTypeOf(event.payload).toEqualTypeOf<{ percent: number }>()
      // @ts-expect-error no agent emits this
      void (event.type === 'research.finished')
    }
    // @ts-expect-error no such status
    void (status === 'done')
  })

  it('shows the parts of messages, with events as the agent declares them', () => {
    for (const part of useAgentRun({ agentKey: 'researcher' }).messages.flatMap(({ parts }) => parts)) {
      if (part.type === 'custom') {
        expectTypeOf(part.event.type).toEqualTypeOf<'research.progress'>()
        expectTypeOf(part.event.payload).toEqualTypeOf<{ percent: number }>()
        // @ts-expect-error no agent emits this
        void (part.event.type === 'research.finished')
      }
      if (part.type === 'text' || part.type === 'reasoning') expectTypeOf(part.text).toBeString()
      if (part.type === 'wait') expectTypeOf(part.wait).toEqualTypeOf<PendingWait>()
      // @ts-expect-error there is no such part
      void (part.type === 'video')
      if (part.type !== 'tool') continue
      if (part.state === 'input') expectTypeOf(part.inputText).toBeString()
      if (part.state === 'succeeded') expectTypeOf(part.output).toEqualTypeOf<Json>()
      if (part.state === 'failed') expectTypeOf(part.error).toBeString()
      // @ts-expect-error it is not known in each state
      void part.output
      // @ts-expect-error there is no such state
      void (part.state === 'done')
    }
    for (const part of useAgentRun({ agentKey: 'greeter' }).messages.flatMap(({ parts }) => parts)) {
      if (part.type === 'custom') expectTypeOf(part.event).toBeNever()
    }
  })

  it('shows the parts of the messages of a conversation, in which any of the agents may speak', () => {
    const { messages } = useConversation('a conversation', { includeDebug: true })
    const parts = messages.flatMap((message) => message.parts)
    expectTypeOf(parts).toEqualTypeOf<MessagePart<ShapesOf<typeof runtime>>[]>()
    for (const part of parts) {
      if (part.type === 'custom') {
        expectTypeOf(part.event.type).toEqualTypeOf<'research.progress'>()
        expectTypeOf(part.event.payload).toEqualTypeOf<{ percent: number }>()
      }
      if (part.type === 'wait') expectTypeOf(part.wait).toEqualTypeOf<PendingWait>()
      // None of them declares its tools.
      if (part.type === 'tool') expectTypeOf(part).toEqualTypeOf<ToolPart>()
    }
    expectTypeOf(partsOf(messages[0]!, messages)).toEqualTypeOf<readonly MessagePart[]>()
    const stored = partsOf<ShapesOf<typeof runtime>>(messages[0]!, messages)
    expectTypeOf(stored).toEqualTypeOf<readonly MessagePart<ShapesOf<typeof runtime>>[]>()
  })

  it('types calls by the tools that agents declare, whoever runs them', () => {
    const { messages } = createAgentHooks<typeof shops>().useConversation('a conversation')
    for (const part of messages.flatMap((message) => message.parts)) {
      if (part.type !== 'tool') continue
      if (part.tool === 'pick_color') {
        // Another agent's tool of this name, too.
        if (part.state === 'called') {
          expectTypeOf(part.input).toEqualTypeOf<{ shades?: number } | { hues: string[] }>()
        }
        if (part.state === 'succeeded') expectTypeOf(part.output).toEqualTypeOf<{ color: string } | Json>()
        if (part.state === 'failed') expectTypeOf(part.input).toEqualTypeOf<Json>()
      }
      if (part.tool === 'find_shoes' && part.state === 'succeeded') {
        expectTypeOf(part.input).toEqualTypeOf<{ size: string }>()
        expectTypeOf(part.output).toEqualTypeOf<{ since: string }>()
      }
      // The text 42 looks like the number.
      if (part.tool === 'measure_feet' && part.state === 'succeeded') {
        expectTypeOf(part.output).toEqualTypeOf<Json>()
      }
      if (part.tool === 'by_json_schema' && part.state === 'called') {
        expectTypeOf(part.input).toEqualTypeOf<{ city: string }>()
      }
      switch (part.tool) {
        case 'pick_color':
        case 'find_shoes':
        case 'measure_feet':
        case 'by_json_schema':
          break
        default:
          expectTypeOf(part.tool).toEqualTypeOf<UndeclaredTool>()
          if (part.state === 'waiting') expectTypeOf(part.input).toEqualTypeOf<Json>()
      }
    }
    const [painter] = createAgentHooks<typeof shops>().useAgentRun({ agentKey: 'painter' }).messages
    const call = painter?.parts.find((part) => part.type === 'tool')
    expectTypeOf(call?.tool).toEqualTypeOf<'pick_color' | UndeclaredTool | undefined>()
  })

  it('hands back a handle of the same agent', async () => {
    const handle = await useAgentRun({ agentKey: 'greeter' }).start({})
    expectTypeOf(await handle?.result()).toEqualTypeOf<{ greeting: string } | undefined>()
  })

  it('given a run shows it, but starts nothing', () => {
    const run = useAgentRun('a run')
    const progress = run.events.find((event) => event.type === 'research.progress')
    expectTypeOf(progress?.payload.percent).toEqualTypeOf<number | undefined>()
    // @ts-expect-error of which agent?
    void run.start
  })
})

describe('select', () => {
  it('decides what the hook hands back', () => {
    const output = useAgentRun({ agentKey: 'researcher', select: (run) => run.output?.sources })
    expectTypeOf(output).toEqualTypeOf<string[] | undefined>()
    const { start } = useAgentRun({ agentKey: 'researcher', select: ({ start, text }) => ({ start, text }) })
    // @ts-expect-error depth is required
    void start({ params: {} })
    expectTypeOf(useAgentRun('a run', { select: (run) => run.isActive, throttleMs: 100 })).toBeBoolean()
    expectTypeOf(useConversation('id', { select: (view) => view.messages.length })).toBeNumber()
    const { events, status } = useAgentRun({ agentKey: 'researcher', select: eventsAndStatus })
    expectTypeOf(status).toEqualTypeOf<'running' | 'complete' | 'error'>()
    const progress = events.find((event) => event.type === 'research.progress')
    expectTypeOf(progress?.payload.percent).toEqualTypeOf<number | undefined>()
    // @ts-expect-error a run that is only shown starts nothing
    useAgentRun('a run', { select: (run) => run.start })
    // @ts-expect-error no such field
    useConversation('id', { select: (view) => view.text })
    // @ts-expect-error milliseconds
    useAgentRun('a run', { throttleMs: '100' })
  })
})

describe('callbacks', () => {
  it('are told what the agent can emit', () => {
    useAgentRun({
      agentKey: 'researcher',
      onEvent(event) {
        if (event.type === 'research.progress') expectTypeOf(event.payload.percent).toBeNumber()
        // @ts-expect-error no agent emits this
        void (event.type === 'research.finished')
      },
      onFinish: (run) =>
        expectTypeOf(run.output).toEqualTypeOf<{ report: string; sources: string[] } | null>(),
      onError: (error) => expectTypeOf(error.code).toBeString(),
    })
    useConversation('id', {
      onEvent: (event) => expectTypeOf(event.cursor).toBeString(),
      // @ts-expect-error it is over by then
      onFinish: (run) => void (run.status === 'running'),
    })
  })
})

describe('queries', () => {
  it('know the agents that exist', () => {
    const queries = useAgentQueries()
    queries.runs.list({ agentKey: 'greeter', status: 'running' })
    // @ts-expect-error there is no such agent
    queries.conversations.list({ agentKey: 'nobody' })
    // @ts-expect-error of which conversation?
    queries.conversations.get({})
    const { data } = useSuspenseQuery(queries.agents.list())
    expectTypeOf(data[0]?.key).toEqualTypeOf<'researcher' | 'greeter' | 'bare' | undefined>()
  })
})

describe('conversations', () => {
  it('are read by id and listed', () => {
    expectTypeOf(useConversation('id').messages[0]?.role).toEqualTypeOf<
      'system' | 'user' | 'assistant' | 'tool' | undefined
    >()
    expectTypeOf(useConversations({ agentKey: 'greeter' }).conversations[0]?.title).toEqualTypeOf<
      string | null | undefined
    >()
    useConversations({ search: 'lisbon', metadata: { ticket: 17 } })
    // @ts-expect-error words are text
    useConversations({ search: ['lisbon'] })
    expectTypeOf(useConversation('id').messages[0]?.siblings).toEqualTypeOf<string[] | undefined>()
    // @ts-expect-error an id is text
    useConversation(1)
    expectTypeOf(useConversation({ externalId: 'ticket 17' }).isLoading).toBeBoolean()
    // @ts-expect-error a key is text
    useConversation({ externalId: 17 })
    void useConversation('id').send('Read', { agentKey: 'greeter', files: [new Blob([])] })
    // @ts-expect-error there is no such agent
    void useConversation('id').send('Read', { agentKey: 'nobody' })
    // @ts-expect-error depth is required
    void useConversation('id').send('Read', { agentKey: 'researcher', params: {} })
    expectTypeOf(useConversation('id').send('Read', { agentKey: 'greeter' })).resolves.toExtend<{
      agentKey: 'greeter'
    }>()
    // @ts-expect-error a file is a blob
    void useConversation('id').send('Read', { agentKey: 'greeter', files: ['a.txt'] })
    // @ts-expect-error what is said instead?
    void useConversation('id').edit('message')
    expectTypeOf(useConversation('id', { live: false }).messages[0]?.pending).toEqualTypeOf<
      'sending' | 'streaming' | undefined
    >()
    void useConversation('id').moveTurn('run', { before: 'other' })
    // @ts-expect-error it comes before or after another one
    void useConversation('id').moveTurn('run')
  })
})
