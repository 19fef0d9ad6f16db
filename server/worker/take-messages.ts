import type { AgentContext, ReceivedMessage, StepContext } from '../agent/context.ts'
import type { Inbox } from './inbox.ts'

/** The name of the steps in which messages are taken by hand. */
const STEP = 'messages'

interface Taking {
  inbox: Inbox
  emit: AgentContext['emit']
  step: AgentContext['step']
}

/** `ctx.takeMessages` of one attempt. */
export function createTakeMessages({ inbox, emit, step }: Taking): AgentContext['takeMessages'] {
  /** A step that fails leaves them to the next one, which does not tell of them again. */
  const told = new Set<string>()

  async function tell({ id, content }: ReceivedMessage): Promise<void> {
    if (told.has(id)) return
    told.add(id)
    await emit('user.message', { messageId: id, content }, { once: true })
  }

  async function take({ idempotencyKey }: StepContext, looks: boolean): Promise<ReceivedMessage[]> {
    const taken = await inbox.take(idempotencyKey, { looks })
    const messages = taken.map(({ id, body }) => ({ ...body, id }))
    for (const message of messages) await tell(message)
    return messages
  }

  return async (within) => {
    if (within !== undefined) return take(within, false)
    // Somebody may have been told just now that it is there, and a step is stored anyway.
    const messages = (await step(STEP, (own) => take(own, true))) as ReceivedMessage[]
    // An attempt that died may have stored the step and not the events.
    for (const message of messages) await tell(message)
    return messages
  }
}
