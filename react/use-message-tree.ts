import { useCallback } from 'react'
import type { CreateOptions } from '../client/agent-client.ts'
import type { ConversationStore } from '../client/conversation-store.ts'
import type { AnyRunHandle } from '../client/run-handle.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AgentShape, KeyOf, ShapeOf } from '../server/contract/agent-shape.ts'
import type { CreateRun, ParamsField } from '../server/contract/agent-types.ts'
import type { Conversation } from '../server/contract/conversation.ts'
import type { HistoryMessage, Message } from '../server/contract/message.ts'
import type { Queries } from './use-queries.ts'

/** Who is asked, and how. */
export type SendOptions<TShape extends AgentShape = AgentShape> = TShape extends AgentShape
  ? { agentKey: TShape['key'] } & ParamsField<TShape['params']> & SendSettings
  : never

type SendSettings = Pick<CreateRun<AgentShape>, 'metadata' | 'conversationPolicy'> &
  Pick<CreateOptions, 'files' | 'signal'>

export interface MessageTree<TShape extends AgentShape = AgentShape> {
  /**
   * Asks something at the end of the conversation, or in a new one where there is none yet. While another run goes on there it waits for
   * its turn in the `queue`, unless a policy says otherwise.
   *
   * @throws AgentRuntimeError, or what `signal` aborts with
   * @example
   * const { run } = await send('And in Porto?', { agentKey: 'weather' })
   * open(run.conversationId)
   */
  send<const TKey extends KeyOf<TShape>>(
    input: string | readonly Message[],
    options: SendOptions<ShapeOf<TShape, TKey>> & { agentKey: TKey },
  ): Promise<AnyRunHandle<ShapeOf<TShape, TKey>>>
  /**
   * Says something else in place of a message, to the agent and with the params that its run had. What was there stays a
   * sibling. `useAgentRun(run.id)` shows the run. (What `useAgentRun` starts takes `replaces` and `regenerates` too.)
   *
   * @throws AgentRuntimeError
   * @example
   * const run = await edit(message.id, 'In Porto, I meant')
   */
  edit(messageId: string, input: string | readonly Message[]): Promise<AnyRunHandle<TShape>>
  /** Has what a message's run was asked answered anew. Otherwise as `edit`. @throws AgentRuntimeError */
  regenerate(messageId: string): Promise<AnyRunHandle<TShape>>
  /** Shows one of a message's `siblings`, with what followed it. @throws AgentRuntimeError */
  select(messageId: string): Promise<void>
  /** Makes a conversation that begins with a copy of all up to a message. @throws AgentRuntimeError */
  fork(messageId: string, options?: { title?: string }): Promise<Conversation>
}

interface Shown {
  conversationId: string | null | undefined
  /** The caller's own key of it, by which the first that is asked there creates it. */
  externalId: string | undefined
  shown: () => readonly HistoryMessage[]
  /** Shows the first message of a new conversation. */
  draft: ConversationStore | null
}

/** The calls that change the path which a conversation shows. */
export function useMessageTree(
  { client, refresh, refreshAfterRun }: Pick<Queries, 'client' | 'refresh' | 'refreshAfterRun'>,
  { conversationId, externalId, shown, draft }: Shown,
): MessageTree {
  const runOf = useCallback(
    async (messageId: string) => {
      const message = shown().find(({ id }) => id === messageId)
      if (message === undefined || !conversationId) {
        throw new AgentRuntimeError('not_found', 'There is no such message in what is shown.')
      }
      const { id, agentKey, params, metadata } = await client.runs.get(message.runId)
      return { id, again: { agentKey, conversationId, metadata, ...(params === null ? {} : { params }) } }
    },
    [client, conversationId, shown],
  )
  const create = useCallback(
    async (input: CreateRun<AgentShape>) => {
      const run = await client.runs.create(input)
      await refreshAfterRun()
      return run
    },
    [client, refreshAfterRun],
  )
  const send = useCallback(
    async (input: string | readonly Message[], { files = [], signal, ...options }: SendOptions) => {
      const call = { files, ...(signal && { signal }), ...(draft && { draft }) }
      const place = conversationId
        ? { conversationId }
        : { conversation: externalId === undefined ? ('new' as const) : { externalId } }
      const run = await client.runs.create({ ...options, ...place, messages: said(input) }, call)
      // Not waited for: what was asked is there, also where the network is gone again.
      void refreshAfterRun()
      return run
    },
    [client, refreshAfterRun, conversationId, externalId, draft],
  )
  const edit = useCallback<MessageTree['edit']>(
    async (messageId, input) => {
      const { again } = await runOf(messageId)
      return create({ ...again, messages: said(input), replaces: messageId })
    },
    [runOf, create],
  )
  const regenerate = useCallback<MessageTree['regenerate']>(
    async (messageId) => {
      const { id, again } = await runOf(messageId)
      return create({ ...again, regenerates: id })
    },
    [runOf, create],
  )
  const select = useCallback<MessageTree['select']>(
    async (messageId) => {
      if (!conversationId) throw new AgentRuntimeError('not_found', 'There is no conversation yet.')
      await client.conversations.select({ conversationId, messageId })
      await refresh('conversations')
    },
    [client, refresh, conversationId],
  )
  const fork = useCallback<MessageTree['fork']>(
    async (messageId, options) => {
      const forked = await client.conversations.fork({
        ...options,
        conversationId: conversationId ?? '',
        messageId,
      })
      void refresh('conversations', 'list')
      return forked
    },
    [client, refresh, conversationId],
  )
  // The caller sees the types of the agents.
  return { send: send as MessageTree['send'], edit, regenerate, select, fork }
}

const said = (input: string | readonly Message[]): Message[] =>
  typeof input === 'string' ? [{ role: 'user', content: input }] : [...input]
