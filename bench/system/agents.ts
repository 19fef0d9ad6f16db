import { defineAgent } from '../../server/index.ts'
import { BEHAVIOURS } from '../agents.ts'

export const agents = Object.entries(BEHAVIOURS).map(([key, behave]) =>
  defineAgent({
    key,
    async run(ctx) {
      await behave((type, payload) => ctx.emit(type, payload))
    },
  }),
)
