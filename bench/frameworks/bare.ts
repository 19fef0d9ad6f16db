// The frameworks alone. Each streams as its own documentation shows.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { run, setTracingDisabled } from '@openai/agents'
import { ToolLoopAgent } from 'ai'
import type { Framework, Pace } from './load.ts'
import { program } from './parts.ts'
import type { Parts } from './parts.ts'

/** Resolves when the whole answer is there. */
export type Bare = (pace: Pace, onDelta: (content: string) => void) => Promise<void>

const messages = [{ role: 'user' as const, content: 'Go on.' }]

export function createBare(parts: Parts, providerUrl: string): Record<Framework, Bare> & Disposable {
  setTracingDisabled(true)
  const printing = createPrinting(providerUrl)
  return {
    async 'own-loop'(pace, onDelta) {
      const stream = await parts[pace].client.chat.completions.create({ model: pace, messages, stream: true })
      for await (const { choices } of stream) {
        const content = choices[0]?.delta.content
        if (content) onDelta(content)
      }
    },
    async langgraph(pace, onDelta) {
      for await (const [chunk] of await parts[pace].graph.stream({ messages }, { streamMode: 'messages' })) {
        if (typeof chunk.content === 'string' && chunk.content !== '') onDelta(chunk.content)
      }
    },
    async 'openai-agents'(pace, onDelta) {
      const result = await run(parts[pace].agent, 'Go on.', { stream: true })
      for await (const event of result) {
        if (event.type !== 'raw_model_stream_event') continue
        if (event.data.type === 'output_text_delta') onDelta(event.data.delta)
      }
      await result.completed
    },
    async 'ai-sdk'(pace, onDelta) {
      const agent = new ToolLoopAgent({ model: parts[pace].languageModel })
      const { fullStream } = await agent.stream({ messages })
      for await (const part of fullStream) if (part.type === 'text-delta') onDelta(part.text)
    },
    subprocess: printing.print,
    [Symbol.dispose]: printing.stop,
  }
}

/** A Python process that prints each delta, and stays. */
function createPrinting(providerUrl: string): { print: Bare; stop(): void } {
  const { command, args, env } = program(providerUrl, ['bare'])
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  return {
    print(pace, onDelta) {
      const ended = Promise.withResolvers<void>()
      const take = (line: string): void => {
        const { content, end } = JSON.parse(line) as { content?: string; end?: boolean }
        if (content !== undefined) onDelta(content)
        if (end !== true) return
        lines.off('line', take)
        ended.resolve()
      }
      lines.on('line', take)
      child.stdin.write(`${pace}\n`)
      return ended.promise
    },
    stop: () => void child.kill(),
  }
}
