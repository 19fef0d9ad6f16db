// A tool that adds, and a run's context for a tool loop without a worker.
import { vi } from 'vitest'
import { z } from 'zod'
import type { AgentContext, StepContext } from '../../../server/agent/context.ts'
import type { Jsonify } from '../../../server/contract/json.ts'
import { defineTool } from '../../../server/agent/define-tool.ts'
import { createLlm } from '../../../server/agent/llm.ts'
import type { Model } from '../../../server/ports/model.ts'

const notThere = () => Promise.reject(new Error('not a part of this test'))

/** A run's context that records events and log lines. */
export function createContext(llm: Model, signal: AbortSignal = new AbortController().signal) {
  const events: { type: string; payload: unknown }[] = []
  const warn = vi.fn<(fields: object, message: string) => void>()
  const ctx: AgentContext = {
    runId: 'run-1',
    conversationId: null,
    attempt: 1,
    messages: [{ role: 'user', content: 'What is 1 + 2?' }],
    params: undefined,
    metadata: {},
    preferences: {},
    principal: { id: 'ann', tenantId: '', kind: 'user' },
    signal,
    llm: createLlm(llm, { signal, find: () => llm }),
    modelIdleTimeoutMs: 60_000,
    memory: () => ({ get: notThere, set: notThere, delete: notThere, list: notThere }) as never,
    tools: [],
    clientTools: [],
    files: { get: notThere, read: notThere, stream: () => new ReadableStream<Uint8Array>() },
    log: { debug() {}, info() {}, warn, error() {} },
    state: undefined,
    async emit(type, payload) {
      events.push({ type, payload })
    },
    async emitMessage() {},
    async emitError() {},
    messageHistory: notThere,
    lastAssistantMessage: () => undefined,
    wait: notThere,
    approve: notThere,
    sleep: notThere,
    runAgent: notThere,
    startAgent: notThere,
    handOff: notThere,
    takeMessages: async () => [],
    step: async <T>(_name: string, work: (step: StepContext) => Promise<T> | T) =>
      (await work({ idempotencyKey: 'key', signal })) as Jsonify<T>,
    async checkpoint() {},
  }
  const of = (type: string) => events.filter((event) => event.type === type).map((event) => event.payload)
  return { ctx, events, of, warn }
}

export const add = defineTool({
  name: 'add',
  description: 'Adds two numbers',
  input: z.object({ a: z.number(), b: z.number().default(1) }),
  execute: ({ a, b }) => ({ sum: a + b }),
})

export const callAdd = (id: string, args: object | string) => ({
  id,
  name: 'add',
  arguments: args as { a: number },
})
