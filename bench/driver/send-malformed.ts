// Sends malformed requests in a process of its own, so that this work does not delay the process that
// measures.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openConnections } from './connections.ts'

export const REQUESTS = 10_000
const CLIENTS = 16

const run = (more: object) => JSON.stringify({ agent_key: 'noop', messages: [], ...more })

/** Each of them is malformed in another way. */
const BODIES = [
  '',
  'none',
  '{"agent_key":',
  '[]',
  '{}',
  '[['.repeat(2_000),
  run({ agent_key: 'nobody' }),
  run({ agent_key: null }),
  run({ messages: 'Hello' }),
  run({ messages: [{ role: 'nobody', content: 'Hello' }] }),
  run({ messages: Array.from({ length: 1_001 }, () => ({ role: 'user', content: 'Hello' })) }),
  run({ conversation_id: '7' }),
  run({ conversation_id: '019aa000-0000-7000-8000-000000000001' }),
  run({ metadata: [] }),
  run({ priority: 1_000 }),
  run({ run_at: 'tomorrow' }),
  run({ idempotency_key: 'x'.repeat(201) }),
  run({ webhooks: [{ url: 'http://127.0.0.1/' }] }),
]

export interface Sent {
  /** How many were answered with 4xx. */
  refused: number
  ms: number
}

/** Sends {@link REQUESTS}. Each connection sends the next one after the answer to the last. */
export async function sendMalformed(url: string, signal: AbortSignal): Promise<Sent> {
  const child = fork(fileURLToPath(import.meta.url), [url], { signal })
  const sent = once(child, 'message') as Promise<[Sent]>
  const ended = once(child, 'exit').then(() => undefined)
  const answer = await Promise.race([sent, ended])
  child.kill()
  if (answer === undefined) throw new Error('Sending malformed requests failed; what it wrote is above.')
  return answer[0]
}

async function sendAll(url: string): Promise<void> {
  process.once('disconnect', () => process.exit())
  using connections = openConnections(url, new AbortController().signal)
  const startedAt = performance.now()
  let sent = 0
  let refused = 0
  async function loop(): Promise<void> {
    while (sent < REQUESTS) {
      const body = BODIES[sent % BODIES.length] ?? ''
      sent += 1
      const status = await connections.postText('/api/agents/runs/', body)
      if (status >= 400 && status < 500) refused += 1
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, loop))
  process.send?.({ refused, ms: performance.now() - startedAt } satisfies Sent)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await sendAll(process.argv[2] ?? '')
