import { appendFile, readFile } from 'node:fs/promises'
import { ToolError } from '../../../server/index.ts'

/** What the agents of frameworks do their work with. */
export interface FrameworkPorts {
  /** Of a server that speaks OpenAI's chat completions. */
  providerUrl: string
  /** A file with what tools did, a line each: whichever process they did it in. */
  effectsFile: string
}

/** What the tool `look_up` does. It fails where there is no such city. */
export async function lookUp({ effectsFile }: FrameworkPorts, city: string): Promise<{ sky: string }> {
  if (city === 'Atlantis') throw new ToolError('There is no such city.')
  await appendFile(effectsFile, `look_up ${city}\n`)
  return { sky: `clear over ${city}` }
}

/** What the tool `send` does, which has to be approved. */
export async function send({ effectsFile }: FrameworkPorts, to: string): Promise<{ sent: boolean }> {
  await appendFile(effectsFile, `send ${to}\n`)
  return { sent: true }
}

export async function effectsIn(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
}
