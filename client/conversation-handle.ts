import type { AgentShape, KeyOf, ShapeOf } from '../server/contract/agent-shape.ts'
import type { CreateRun } from '../server/contract/agent-types.ts'
import type { HistoryMessage, Message } from '../server/contract/message.ts'
import type { AgentClient, CallOptions, CreateOptions } from './agent-client.ts'
import type { AnyRunHandle } from './run-handle.ts'

type DistributiveOmit<T, TKey extends PropertyKey> = T extends unknown ? Omit<T, TKey> : never

/** The input for a new run, without its messages and its conversation. */
export type SendRun<TShape extends AgentShape, TKey extends KeyOf<TShape>> = DistributiveOmit<
  CreateRun<ShapeOf<TShape, TKey>>,
  'agentKey' | 'messages' | 'conversationId' | 'conversation' | 'ephemeral'
> & { agentKey: TKey }

/** A conversation that exists. */
export interface ConversationHandle<TShape extends AgentShape = AgentShape> {
  readonly id: string
  /** Creates a run of an agent in the conversation and returns a handle on it. @throws AgentRuntimeError */
  send<const TKey extends KeyOf<TShape>>(
    said: string | readonly Message[],
    run: SendRun<TShape, TKey>,
    options?: CreateOptions,
  ): Promise<AnyRunHandle<ShapeOf<TShape, TKey>>>
  /** Its newest messages, oldest first. Default `limit`: 100. @throws AgentRuntimeError */
  messages(options?: { limit?: number } & CallOptions): Promise<readonly HistoryMessage[]>
}

export function createConversationHandle<TShape extends AgentShape>(
  client: {
    runs: Pick<AgentClient<TShape>['runs'], 'create'>
    conversations: Pick<AgentClient['conversations'], 'get'>
  },
  conversationId: string,
): ConversationHandle<TShape> {
  return {
    id: conversationId,
    send<const TKey extends KeyOf<TShape>>(
      said: string | readonly Message[],
      run: SendRun<TShape, TKey>,
      options?: CreateOptions,
    ) {
      const messages = typeof said === 'string' ? [{ role: 'user', content: said }] : [...said]
      const input = { ...run, messages, conversationId } as unknown as CreateRun<ShapeOf<TShape, TKey>> & {
        agentKey: TKey
      }
      return client.runs.create<TKey>(input, options)
    },
    async messages({ limit, ...options } = {}) {
      return (
        await client.conversations.get({ conversationId, ...(limit === undefined ? {} : { limit }) }, options)
      ).messages
    },
  }
}
