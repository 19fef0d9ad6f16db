import { z } from 'zod'
import { Json } from './json.ts'

/** A model's request to run a tool. `arguments` is the parsed JSON the model produced. */
export type ToolCall = z.infer<typeof ToolCall>
export const ToolCall = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  arguments: Json,
})

/**
 * A message in the framework-neutral form every model client and adapter translates from and to.
 * A conversation's history is a list of these.
 */
export type Message = z.infer<typeof Message>
export const Message = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: z.string() }),
  z.object({ role: z.literal('user'), content: z.string() }),
  z.object({
    role: z.literal('assistant'),
    content: z.string().nullable(),
    toolCalls: z.array(ToolCall).optional(),
  }),
  z.object({ role: z.literal('tool'), toolCallId: z.string().min(1), content: z.string() }),
])
