// A provider that speaks OpenAI's chat completions. It has a process of its own, so that its CPU time is
// nobody's overhead.
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { reportReady } from '../driver/server-child.ts'
import { DELTA, PACES } from './load.ts'
import type { Pace } from './load.ts'

const base = { id: 'answer', object: 'chat.completion.chunk', created: 0, model: 'bench' }
const frameOf = (chunk: object): string => `data: ${JSON.stringify({ ...base, ...chunk })}\n\n`
const choice = (delta: object, finish_reason: string | null = null) =>
  frameOf({ choices: [{ index: 0, delta, finish_reason }] })

const BEGIN = choice({ role: 'assistant', content: '' })
const ONE = choice({ content: DELTA })
const END = `${choice({}, 'stop')}${frameOf({
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 500, total_tokens: 510 },
})}data: [DONE]\n\n`

/** A stream that falls behind catches up. */
async function keepPace(
  response: ServerResponse,
  { everyMs, deltas }: { everyMs: number; deltas: number },
): Promise<void> {
  const startedAt = performance.now()
  for (let sent = 0; sent < deltas;) {
    const due = Math.min(deltas, 1 + Math.floor((performance.now() - startedAt) / everyMs))
    for (; sent < due; sent += 1) response.write(ONE)
    await sleep(startedAt + sent * everyMs - performance.now())
  }
}

async function answer(response: ServerResponse, pace: Pace): Promise<void> {
  const { firstAfterMs, everyMs, deltas } = PACES[pace]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(BEGIN)
  await sleep(firstAfterMs)
  if (everyMs === 0) response.write(ONE.repeat(deltas))
  else await keepPace(response, { everyMs, deltas })
  response.end(END)
}

const server = createServer((request, response) => {
  void json(request).then((body) => answer(response, (body as { model: Pace }).model))
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  reportReady({
    port,
    async stop() {
      server.close()
      server.closeAllConnections()
    },
  })
})
