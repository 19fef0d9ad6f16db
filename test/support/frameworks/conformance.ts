// The parts of the suite for all frameworks. Frameworks and runtime are real; the model is a server that
// speaks OpenAI's wire.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isInstalled } from '../local-server.ts'
import { sending, startLoopbackProvider } from '../loopback-provider.ts'
import type { LoopbackProvider } from '../loopback-provider.ts'
import { chatWire } from '../model-wires.ts'
import type { SaidAnswer } from '../model-wires.ts'
import { test as base } from '../runtime.ts'
import { effectsIn } from './effects.ts'

interface Row {
  key: string
  /** The answer to a wait for permission to send. */
  approve(hash: unknown): unknown
}

const byHash = (hash: unknown) => ({ approved: true, hash })
export const ROWS: Row[] = [
  { key: 'own-loop', approve: byHash },
  { key: 'langgraph', approve: () => true },
  { key: 'openai-agents', approve: byHash },
  { key: 'ai-sdk', approve: byHash },
  ...(isInstalled('python3') ? [{ key: 'subprocess', approve: byHash }] : []),
]

interface Fixtures {
  provider: LoopbackProvider
  /** What tools did, in any process. */
  effects: { file: string; all(): Promise<string[]> }
}

export const test = base.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- it depends on no other fixture
  provider: async ({}, use) => {
    await using provider = await startLoopbackProvider()
    await use(provider)
  },
  // oxlint-disable-next-line no-empty-pattern -- it depends on no other fixture
  effects: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'frameworks-'))
    const file = join(folder, 'effects')
    await use({ file, all: () => effectsIn(file) })
    await rm(folder, { recursive: true })
  },
})

/** Frames of one answer, like OpenAI sends them: with unique ids, and the role first. */
export function frames(answer: SaidAnswer): string[] {
  const id = JSON.stringify(`chatcmpl-${crypto.randomUUID()}`)
  return chatWire.frames(answer).map((frame, index) =>
    frame
      .replace('"id":"c"', `"id":${id}`)
      .replace('"delta":{', index === 0 ? '"delta":{"role":"assistant",' : '"delta":{')
      // Servers use either name.
      .replace(/"reasoning_content":("[^"]*")/, '"reasoning_content":$1,"reasoning":$1'),
  )
}

export const answering = (answer: SaidAnswer) => sending(frames(answer))
export const call = (name: string, args: object) => ({
  call: `call_${name}`,
  name,
  pieces: [JSON.stringify(args).slice(0, 4), JSON.stringify(args).slice(4)],
})
