// What follows runs and conversations, and what needs that. A page loads it with its first stream.
import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { TransportOptions } from './choose-transport.ts'
import { chooseTransport } from './choose-transport.ts'
import type { ConversationSignal, FollowConversationOptions } from './follow-conversation.ts'
import { followConversation } from './follow-conversation.ts'
import type { FollowDependencies, FollowOptions, FollowSignal } from './follow-run.ts'
import { followRun } from './follow-run.ts'
import type { RunTools, RunToolsDependencies } from './run-tools.ts'
import { createRunTools } from './run-tools.ts'
import { createTrpcTransport } from './trpc-transport.ts'

export interface Streams {
  followRun(runId: string, options?: FollowOptions): AsyncGenerator<FollowSignal, void, void>
  followConversation(
    conversationId: string,
    options?: FollowConversationOptions,
  ): AsyncGenerator<ConversationSignal, void, void>
  runTools: RunTools
}

export type StreamsDependencies = Omit<FollowDependencies, 'transport'> & RunToolsDependencies

export function createStreams(
  trpc: TRPCClient<AgentRouter>,
  options: TransportOptions,
  dependencies: StreamsDependencies,
): Streams {
  const transport = chooseTransport(createTrpcTransport(trpc), options)
  const following = { ...dependencies, transport }
  return {
    followRun: (runId, options) => followRun(following, runId, options),
    followConversation: (conversationId, options) => followConversation(following, conversationId, options),
    runTools: createRunTools(dependencies),
  }
}
