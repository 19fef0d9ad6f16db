import { z } from 'zod'
import { defineAgent, toolLoop } from '../../server/index.ts'
import { calculator } from './tools/calculator.ts'
import { currentTime } from './tools/current-time.ts'
import { saveNote } from './tools/save-note.ts'
import { searchDocs } from './tools/search-docs.ts'

const TONES = {
  friendly: 'Be warm and conversational.',
  terse: 'Answer in as few words as will do.',
}

/** Answers questions about this project from its own documentation, calculates, tells the time, and saves notes. */
export const assistant = defineAgent({
  key: 'assistant',
  description:
    'Answers questions about this project from its documentation, calculates, tells the time, and saves notes.',
  params: z.object({ tone: z.enum(['friendly', 'terse']).default('friendly') }).default({ tone: 'friendly' }),
  output: z.object({ response: z.string() }),
  async run(ctx) {
    const reply = await toolLoop(ctx, {
      tools: [searchDocs, calculator, currentTime, saveNote],
      system: [
        'You help people who use trpc-agent-runtime. Look up what you say about it with search_docs, and name the file and heading it comes from.',
        'If the documentation does not say, tell them so. Use calculator for arithmetic and current_time for dates and times, save_note for what is to be remembered.',
        TONES[ctx.params.tone],
      ].join('\n'),
    })
    return { output: { response: reply.text }, messages: reply.messages }
  },
})
