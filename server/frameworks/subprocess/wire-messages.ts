// Messages in OpenAI's format, as REST has them, with what a provider needs back.
import { z } from 'zod'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { ChatMessage, fromChatMessages, toChatMessage } from '../../contract/chat-message.ts'
import { toProblems } from '../../contract/issues.ts'
import { AgentMessage, ProviderData } from '../../contract/message.ts'

const Kept = z.object({
  id: z.string().optional(),
  provider_data: ProviderData.optional(),
})

export function toWireMessage(message: AgentMessage): object {
  const { id } = message
  const providerData = message.role === 'assistant' ? message.providerData : undefined
  return {
    ...toChatMessage(message),
    ...(id === undefined ? {} : { id }),
    ...(providerData === undefined ? {} : { provider_data: providerData }),
  }
}

/** Its message is what the run's owner reads, so that nothing is in it of what was sent. */
export class NoMessagesError extends AgentRuntimeError {
  /** What is wrong, for the program and for the log. */
  readonly problems: string

  constructor(problems: string) {
    super('validation_failed', "The agent's process sent messages that are none.", {
      cause: new Error(problems),
    })
    this.problems = problems
  }
}

/** @throws NoMessagesError */
export function fromWireMessages(given: readonly unknown[]): AgentMessage[] {
  const kept = z.array(Kept).safeParse(given)
  const chat = z.array(ChatMessage).safeParse(given)
  if (!chat.success || !kept.success) throw refuse(chat.error ?? kept.error)
  const messages = z.array(AgentMessage).safeParse(
    fromChatMessages(chat.data).map((message, index) => {
      const { id, provider_data: providerData } = kept.data[index] ?? {}
      return {
        ...message,
        ...(id === undefined ? {} : { id }),
        ...(providerData === undefined ? {} : { providerData }),
      }
    }),
  )
  if (!messages.success) throw refuse(messages.error)
  return messages.data
}

function refuse(error: z.ZodError | undefined): NoMessagesError {
  return new NoMessagesError(
    toProblems(error?.issues ?? [])
      .slice(0, 5)
      .join('; '),
  )
}
