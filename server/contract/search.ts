import { z } from 'zod'

/** Each word is looked for in all conversations. */
const MAX_WORDS = 20

/** Words that must all occur, as a text of at most 200 characters and 20 words. */
export const SearchWords = z
  .string()
  .max(200)
  .transform((text) => text.split(/\s+/u).filter((word) => word !== ''))
  .refine((words) => words.length <= MAX_WORDS, `expected at most ${MAX_WORDS} words`)
