import { z } from 'zod'
import { defineAgent } from '../../server/index.ts'
import { noop, stream } from '../agents.ts'

const StreamParams = z.object({
  type: z.enum(['assistant.message', 'assistant.delta']),
  atOnce: z.int(),
  perSecond: z.number().optional(),
  paddingBytes: z.int().optional(),
})

export const agents = [
  defineAgent({
    key: 'noop',
    run: (ctx) => noop((type, payload) => ctx.emit(type, payload)),
  }),
  defineAgent({
    key: 'stream',
    params: StreamParams,
    run: (ctx) => stream((type, payload) => ctx.emit(type, payload), ctx.params),
  }),
]
