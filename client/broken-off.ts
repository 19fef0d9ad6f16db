// Tool calls of runs that broke off, as parts of messages. The stored history does not contain these calls.
import type { BrokenOffCall, ConversationDetail } from '../server/contract/conversation.ts'
import type { HistoryMessage } from '../server/contract/message.ts'
import { madeOnce } from './made-once.ts'
import type { MessagePart } from './message-parts.ts'
import { callOf, finishedTool } from './message-parts.ts'
import { partsOf } from './stored-parts.ts'

type Shown = HistoryMessage & { parts?: readonly MessagePart[] }

/** The messages of a page, together with those of its runs that broke off while they called tools. */
export const withBrokenOff = madeOnce(
  ({ messages, brokenOff = [] }: Pick<ConversationDetail, 'messages' | 'brokenOff'>): readonly Shown[] =>
    messages.flatMap((message) => {
      let own: Shown = message
      let parentId = message.id
      const others: Shown[] = []
      for (const { messageId: id, afterId, calls, ...rest } of brokenOff) {
        if (afterId !== message.id || rest.runId !== message.runId) continue
        const parts = calls.map(toPart)
        if (id === afterId) own = { ...message, parts: [...partsOf(message, messages), ...parts] }
        else {
          others.push({ ...rest, id, parentId, role: 'assistant', content: '', incomplete: true, parts })
          parentId = id
        }
      }
      return [own, ...others]
    }),
)

function toPart({ toolCallId, tool, arguments: input, result, isError }: BrokenOffCall): MessagePart {
  const call = { toolCallId, tool, input }
  return result === undefined
    ? { ...callOf(call), state: 'interrupted' }
    : finishedTool(call, result, isError)
}
