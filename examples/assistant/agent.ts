import { z } from 'zod'
import { defineAgent, toolLoop } from '../../server/index.ts'
import { calculator } from './tools/calculator.ts'
import { currentTime } from './tools/current-time.ts'
import { searchDocs } from './tools/search-docs.ts'

const TONES = {
  friendly: 'Be warm and conversational.',
  terse: 'Answer in as few words as will do.',
}

/** Answers questions about this project from its own documentation, calculates, and tells the time. */
export const assistant = defineAgent({
  key: 'assistant',
  description: 'Answers questions about this project from its documentation, calculates, and tells the time.',
  params: z.object({ tone: z.enum(['friendly', 'terse']).default('friendly') }).default({ tone: 'friendly' }),
  output: z.object({ response: z.string() }),
  async run(ctx) {
    const reply = await toolLoop(ctx, {
      tools: [searchDocs, calculator, currentTime],
      system: [
        'You help people who use trpc-agent-runtime. Look up what you say about it with search_docs, and name the file and heading it comes from.',
        'If the documentation does not say, tell them so. Use calculator for arithmetic and current_time for dates and times.',
        TONES[ctx.params.tone],
      ].join('\n'),
    })
    return { output: { response: reply.text }, messages: reply.messages }
  },
})
