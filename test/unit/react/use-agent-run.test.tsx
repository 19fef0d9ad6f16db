import { hooks, scene } from './scene.tsx'
import { act, waitFor } from '@testing-library/react'
import { describe, expect, it } from 'vitest'
import { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'

const { useAgentRun, useConversation } = hooks
const HELLO = { messages: [{ role: 'user' as const, content: 'Hello' }] }
const said = (content: string, attempt = 1) => ({
  type: 'assistant.delta',
  attempt,
  payload: { messageId: `m${attempt}`, content },
})

describe('useAgentRun', () => {
  it('is idle before a run is started', () => {
    const { result } = scene().render(() => useAgentRun({ agentKey: 'chat' }))
    expect(result.current).toMatchObject({
      runId: null,
      status: 'idle',
      text: '',
      messages: [],
      events: [],
      output: null,
      error: null,
      isActive: false,
      isStarting: false,
      isRecovering: false,
    })
  })

  it('starts a run and shows it to its end', async () => {
    const { server, render } = scene()
    const { result } = render(() => useAgentRun({ agentKey: 'chat' }))
    const handle = await act(() => result.current.start(HELLO))
    const runId = handle!.id
    expect(result.current).toMatchObject({ runId, status: 'queued', isActive: true, isStarting: false })

    server.emit(runId, said('Hel'))
    server.emit(runId, said('lo'))
    await waitFor(() => expect(result.current.text).toBe('Hello'))
    expect(result.current.status).toBe('running')
    expect(result.current.events).toHaveLength(2)

    server.succeed(runId, { response: 'Hello' }, 'Hello')
    await waitFor(() => expect(result.current.status).toBe('succeeded'))
    expect(result.current.output?.response).toBe('Hello')
    expect(result.current.isActive).toBe(false)
    await waitFor(() => expect(server.readers).toBe(0))
  })

  it('says that it is starting until the run is created', async () => {
    const { render } = scene()
    const { result } = render(() => useAgentRun({ agentKey: 'chat' }))
    let starting: Promise<unknown> | undefined
    act(() => {
      starting = result.current.start(HELLO)
    })
    expect(result.current.isStarting).toBe(true)
    await act(() => starting)
    expect(result.current.isStarting).toBe(false)
  })

  it('answers null and shows why when the run is refused', async () => {
    const { render } = scene()
    const { result } = render(() => useAgentRun({ agentKey: 'nobody' }))
    expect(await act(() => result.current.start(HELLO))).toBeNull()
    expect(result.current).toMatchObject({
      status: 'idle',
      error: { code: 'unknown_agent' },
      isStarting: false,
    })
  })

  it('forgets a refusal with the next start', async () => {
    const { server, render } = scene()
    const { result } = render(() => useAgentRun({ agentKey: 'chat' }))
    server.refusal = new AgentRuntimeError('unavailable', 'Restarting.')
    await act(() => result.current.start(HELLO))
    expect(result.current.error).toMatchObject({ code: 'unavailable' })
    server.refusal = null
    await act(() => result.current.start(HELLO))
    expect(result.current.error).toBeNull()
  })

  it('opens one connection, strict mode or not', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    const { result } = render(() => useAgentRun(id))
    server.emit(id, said('Hi'))
    await waitFor(() => expect(result.current.text).toBe('Hi'))
    expect(server.requests.filter(({ url }) => url.includes('runs.events'))).toHaveLength(1)
  })

  it('follows a run that exists, from its beginning', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    server.emit(id, said('Al'))
    server.emit(id, said('ready'))
    const { result } = render(() => useAgentRun(id))
    await waitFor(() => expect(result.current.text).toBe('Already'))
  })

  it('shows that a run cannot be followed', async () => {
    const { render } = scene()
    const { result } = render(() => useAgentRun('019aa000-0000-7000-8000-00000000dead'))
    await waitFor(() => expect(result.current.error).toMatchObject({ code: 'not_found' }))
    expect(result.current.isActive).toBe(false)
  })

  it('recovers by itself from a lost connection', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    server.emit(id, said('Once '))
    const { result } = render(() => useAgentRun(id))
    await waitFor(() => expect(result.current.text).toBe('Once '))
    server.refusal = new AgentRuntimeError('unavailable', 'Restarting.')
    server.cut()
    await waitFor(() => expect(result.current.isRecovering).toBe(true))
    expect(result.current.text).toBe('Once ')
    server.refusal = null
    server.emit(id, said('more'))
    await waitFor(() => expect(result.current.text).toBe('Once more'))
    expect(result.current).toMatchObject({ isRecovering: false, error: null })
  })

  it('does not show a failed attempt beside its retry', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    server.emit(id, said('Wrong', 1))
    const { result } = render(() => useAgentRun(id))
    await waitFor(() => expect(result.current.text).toBe('Wrong'))
    server.emit(id, said('Right', 2))
    await waitFor(() => expect(result.current.text).toBe('Right'))
    expect(result.current.messages).toHaveLength(1)
  })

  it('cancels, and takes a run that was over for no error', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    const { result } = render(() => useAgentRun(id))
    await act(() => result.current.cancel())
    await waitFor(() => expect(result.current.status).toBe('cancelled'))
    await act(() => result.current.cancel())
    expect(result.current.error).toBeNull()
    server.refusal = new AgentRuntimeError('unavailable', 'Restarting.')
    await act(() => result.current.cancel())
    expect(result.current.error).toMatchObject({ code: 'unavailable' })
  })

  it('answers what the run waits for, and says why when the answer is not taken', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    const { result } = render(() => useAgentRun(id))
    const wait = { name: 'address', kind: 'input', details: null, schema: {}, expiresAt: null }
    server.emit(id, { type: 'run.waiting', payload: wait })
    await waitFor(() => expect(result.current).toMatchObject({ status: 'waiting', waits: [wait] }))
    expect(await act(() => result.current.respond('address', 'Main St'))).toBe(true)
    // Before an event says that the run continues: nobody should answer twice.
    expect(result.current.waits).toEqual([])
    expect(await act(() => result.current.respond('address', 'again'))).toBe(false)
    expect(result.current.error).toMatchObject({ code: 'conflict' })
  })

  it('runs the function that was there when the call came, where it goes away meanwhile', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    const asked = (path: string) => server.requests.filter(({ url }) => url.includes(path))
    const tools: object = { pick: () => 'red' }
    const { result, rerender } = render((props) => useAgentRun(id, { tools: props.tools as never }), {
      tools,
    })
    server.emit(id, said('Well'))
    await waitFor(() => expect(result.current.text).toBe('Well'))
    const details = { tool: 'pick', toolCallId: 'c', arguments: {} }
    const wait = { name: 'tool:pick:1', kind: 'tool', details, schema: {}, expiresAt: null }
    // After this, the page asks once more whether the call still needs an answer.
    server.refusal = new AgentRuntimeError('unavailable', 'Restarting.')
    server.emit(id, { type: 'run.waiting', payload: wait })
    await waitFor(() => expect(asked('runs.get')).not.toEqual([]))
    rerender({ tools: {} })
    server.refusal = null
    await waitFor(() => expect(asked('runs.respond')).toHaveLength(1))
    expect(await asked('runs.respond')[0]!.json()).toMatchObject({ value: { result: 'red' } })
  })

  it('says something to the run, shows it once the run has read it, and says why when it was not taken', async () => {
    const { server, client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    const { result } = render(() => useAgentRun(id))
    server.emit(id, said('Hot'))
    await waitFor(() => expect(result.current.text).toBe('Hot'))
    expect(await act(() => result.current.send('In Celsius.'))).toBe(true)
    server.emit(id, { type: 'user.message', payload: { messageId: 'u', content: 'In Celsius.' } })
    await waitFor(() =>
      expect(result.current.messages).toMatchObject([
        { content: 'Hot' },
        { role: 'user', content: 'In Celsius.', complete: true },
      ]),
    )
    // The run's text is what the agent says.
    expect(result.current.text).toBe('Hot')
    server.succeed(id, { response: 'Hot' }, 'Hot')
    await waitFor(() => expect(result.current.status).toBe('succeeded'))
    expect(await act(() => result.current.send('Thanks'))).toBe(false)
    expect(result.current.error).toMatchObject({ code: 'conflict' })
  })

  it('is settled once the conversation has the answer', async () => {
    const { server, client, render } = scene()
    const { id: conversationId } = await client.conversations.create()
    const settledWith = new Set<number>()
    const { result } = render(() => {
      const run = useAgentRun({ agentKey: 'chat', conversationId })
      const conversation = useConversation(conversationId)
      if (run.isSettled) settledWith.add(conversation.messages.length)
      return { run, conversation }
    })
    const handle = await act(() => result.current.run.start(HELLO))
    await waitFor(() => expect(result.current.conversation.messages).toHaveLength(1))
    expect(result.current.run.isSettled).toBe(false)
    server.succeed(handle!.id, { response: 'Hi' }, 'Hi')
    await waitFor(() => expect(result.current.run.isSettled).toBe(true))
    expect([...settledWith]).toEqual([2])
  })

  it('shows a run in its own conversation only', async () => {
    const { client, render } = scene()
    const { id: first } = await client.conversations.create()
    const { id: second } = await client.conversations.create()
    const { result, rerender } = render(
      ({ conversationId }) => useAgentRun({ agentKey: 'chat', conversationId }),
      { conversationId: null as string | null },
    )
    // A new chat: its first message creates the conversation.
    const handle = await act(() => result.current.start({ ...HELLO, conversationId: first }))
    rerender({ conversationId: first })
    expect(result.current.runId).toBe(handle!.id)
    rerender({ conversationId: second })
    expect(result.current).toMatchObject({ runId: null, status: 'idle' })
    rerender({ conversationId: null })
    expect(result.current.runId).toBeNull()
    rerender({ conversationId: first })
    expect(result.current.runId).toBe(handle!.id)
  })

  it('shows a given run until it starts another', async () => {
    const { client, render } = scene()
    const { id } = await client.runs.create({ agentKey: 'chat' })
    const { result } = render(() => useAgentRun({ agentKey: 'chat', runId: id }))
    expect(result.current.runId).toBe(id)
    const handle = await act(() => result.current.start(HELLO))
    expect(handle!.id).not.toBe(id)
    expect(result.current.runId).toBe(handle!.id)
  })
})
