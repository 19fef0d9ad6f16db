import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'

const agent = defineAgent({
  key: 'agent',
  params: z.object({ n: z.number().optional() }),
  run: async () => {},
})
export const MAX_BODY = 4_000
export const options = { agents: [agent], worker: false, config: { maxBodyBytes: MAX_BODY } } as const

export const UNKNOWN_ID = '019aa000-0000-7000-8000-000000000001'

/** What a person may see of an error: a sentence and a code, and nothing about our code. */
const Sentence = z
  .string()
  .min(10)
  .regex(/^[A-Z"]/, 'a sentence')
  .refine((text) => !/\n\s*at |\.ts:|node_modules/.test(text))

export const ErrorAnswer = z
  .object({ error: Sentence, detail: Sentence.optional(), code: z.string(), details: z.unknown().optional() })
  // The errors of each field.
  .catchall(z.array(z.string()))
