import { appendFile, readFile } from 'node:fs/promises'
import { ToolError } from '../../../server/index.ts'

/** What the frameworks' agents work with. */
export interface FrameworkPorts {
  /** URL of a server that speaks OpenAI's chat completions. */
  providerUrl: string
  /** A file with one line for each action of a tool, from all processes. */
  effectsFile: string
}

/** The tool `look_up`. It fails if there is no such city. */
export async function lookUp({ effectsFile }: FrameworkPorts, city: string): Promise<{ sky: string }> {
  if (city === 'Atlantis') throw new ToolError('There is no such city.')
  await appendFile(effectsFile, `look_up ${city}\n`)
  return { sky: `clear over ${city}` }
}

/** The tool `send`, which needs approval. */
export async function send({ effectsFile }: FrameworkPorts, to: string): Promise<{ sent: boolean }> {
  await appendFile(effectsFile, `send ${to}\n`)
  return { sent: true }
}

export async function effectsIn(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
}
