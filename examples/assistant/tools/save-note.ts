import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { defineTool } from '../../../server/index.ts'

const FILE = '.agent-runtime/notes.md'

/** A tool that adds to the notes below a folder. Each call needs approval. */
export function createSaveNote(root: string) {
  return defineTool({
    name: 'save_note',
    description: 'Saves a note to a file, when you allow it.',
    input: z.object({ text: z.string().min(1).max(2000).describe('What to remember, as Markdown.') }),
    needsApproval: true,
    async execute({ text }, { idempotencyKey }) {
      const file = path.join(root, FILE)
      await mkdir(path.dirname(file), { recursive: true })
      await using notes = await open(file, 'a+')
      // A call that is repeated after a crash finds the note that it wrote before.
      const mark = `<!-- ${idempotencyKey} -->`
      const saved = await notes.readFile('utf8')
      if (!saved.includes(mark)) await notes.appendFile(`${mark}\n${text}\n\n`)
      return { savedTo: FILE }
    },
  })
}

export const saveNote = createSaveNote(process.cwd())
