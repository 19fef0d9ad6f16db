import type { UseQueryResult } from '@tanstack/react-query'
import { skipToken, useQuery } from '@tanstack/react-query'
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Queries } from './use-queries.ts'

/** A conversation by its id, or by the key that its owner gave it; null or undefined while there is none yet. */
export type ConversationName = string | { externalId: string } | null | undefined

interface Found {
  readonly conversationId: string | null | undefined
  readonly externalId: string | undefined
  readonly lookup: UseQueryResult<string | null, AgentRuntimeError>
}

/** The id of a conversation. A conversation named by a key has no id until something is asked there, since looking creates nothing. */
export function useConversationId({ options }: Queries, name: ConversationName): Found {
  const externalId = typeof name === 'object' ? name?.externalId : undefined
  const found = options.conversations.find({ externalId: externalId ?? '' })
  const lookup = useQuery<string | null, AgentRuntimeError>({
    ...found,
    queryFn: externalId === undefined ? skipToken : found.queryFn,
  })
  return { conversationId: typeof name === 'object' ? lookup.data : name, externalId, lookup }
}
