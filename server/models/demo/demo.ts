import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '../../contract/message.ts'
import { textOf } from '../../contract/text-of.ts'
import { answerDirectly, answerFromResults } from './answer.ts'
import { plan } from './plan.ts'
import type { Model, ModelChunk, TokenUsage } from '../../ports/model.ts'

export interface DemoModelOptions {
  /** Milliseconds between tokens, so that a person sees the answer arrive. Default: 15. */
  tokenDelayMs?: number
}

/**
 * A model without a language model, for trying the runtime out and for tests: rules that look at the last
 * user message and at the tools offered. It does arithmetic with `calculator`, tells the time with
 * `current_time`, notes with `save_note`, looks everything else up with `search_docs`, and says what it is
 * when asked. The same conversation always gets the same answer. Tokens in its usage are words.
 */
export function createDemoModel({ tokenDelayMs = 15 }: DemoModelOptions = {}): Model {
  return {
    provider: 'demo',
    name: 'demo-rules',
    async *stream({ messages, tools: offered = [], toolChoice }, signal) {
      signal.throwIfAborted()
      const tools = toolChoice === 'none' ? [] : offered
      const lastInput = messages.findLastIndex((message) => message.role === 'user')
      const since = messages.slice(lastInput + 1)
      const inputTokens = messages.reduce((sum, message) => sum + tokensOf(textOf(message)).length, 0)

      if (since.some((message) => message.role === 'tool')) {
        yield* say(answerFromResults(since), inputTokens, tokenDelayMs, signal)
        return
      }
      const decision = plan(textOf(messages[lastInput]), tools)
      if (decision.kind !== 'call') {
        yield* say(answerDirectly(decision.kind, tools), inputTokens, tokenDelayMs, signal)
        return
      }
      const first = countCalls(messages) + 1
      for (const [index, call] of decision.calls.entries()) {
        yield { type: 'tool-call', toolCall: { id: `demo-call-${first + index}`, ...call } }
      }
      yield finish('tool-calls', { inputTokens, outputTokens: decision.calls.length })
    },
  }
}

async function* say(
  text: string,
  inputTokens: number,
  delayMs: number,
  signal: AbortSignal,
): AsyncGenerator<ModelChunk, void, undefined> {
  const tokens = tokensOf(text)
  for (const token of tokens) {
    yield { type: 'text', text: token }
    await pause(delayMs, signal)
  }
  yield finish('stop', { inputTokens, outputTokens: tokens.length })
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (ms === 0) return
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    // The timer has an error of its own for an abort; the port wants the signal's reason.
    signal.throwIfAborted()
    throw error
  }
}

function tokensOf(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? []
}

function countCalls(messages: readonly Message[]): number {
  return messages.reduce(
    (count, message) => count + (message.role === 'assistant' ? (message.toolCalls?.length ?? 0) : 0),
    0,
  )
}

function finish(reason: 'stop' | 'tool-calls', usage: TokenUsage): ModelChunk {
  return { type: 'finish', reason, usage }
}
